"""Explains the responses and errors of the provisioning calls of `cld agent` to the user."""

from __future__ import annotations

import json
import re
from typing import Any, List, Mapping, Tuple

from cloudinary_cli.config.url import URL_SHAPE
from cloudinary_cli.config.view import masked_value
from cloudinary_cli.errors import RATE_LIMITED, ApiError
from cloudinary_cli.text import one_line

# These are shown elsewhere or not at all.
_KNOWN = frozenset(
    "plan_name cloud_name api_key api_secret guidance delivery_ips expires_at claim_url product_environments".split()
)


def text(value: Any) -> str:
    """Convert a scalar of a response to text, and a list to its items joined with commas; empty for other values."""
    if isinstance(value, list):
        return ",".join(filter(None, map(text, value)))
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


# -- errors


def explain_signup(error: ApiError) -> str:
    """Explain a rejected sign-up in one line."""
    if error.status in RATE_LIMITED:
        return "Rate limited while creating the account: too many sign-ups from this IP address. Try again later."
    detail = _detail(str(error))
    if error.status == 409 or "has already been taken" in detail:
        return (
            "An account with this e-mail exists already. Log in with `cld login`, or save its API key with"
            f" `cld config -n <name> {URL_SHAPE}`."
        )
    return f"Signup failed: {detail}."


def explain_cloud(error: ApiError) -> str:
    """Explain a rejected Claimable Cloud in one line."""
    detail = _detail(str(error))
    lower_case = detail.lower()
    if error.status in RATE_LIMITED or "rate limit" in lower_case:
        return (
            "Rate limited while creating the cloud: about 10 clouds per 24 hours can be created from one IP address."
            " Try again later, or claim one you have: cld agent cloud list"
        )
    if "registration is currently unavailable" in lower_case or "registration_disabled" in lower_case:
        return "Could not create the cloud: provisioning is disabled at the moment. Try again later."
    if "location not permitted" in lower_case:
        return (
            "Could not create the cloud: location not permitted. It applies to the caller's address and to every --ip."
        )
    return f"Could not create the cloud: {detail}."


def _detail(message: str) -> str:
    """The server's message: `error.message` or `field problem; ...` of a JSON object in the text, or else the text."""
    start = message.find("{")
    try:
        body = json.loads(message[start:]) if start >= 0 else None
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        error = body.get("error")
        inner = text(error.get("message")) if isinstance(error, dict) else text(error)
        found = inner or "; ".join(f"{name} {text(value)}".strip() for name, value in body.items())
    else:
        found = re.sub(r"\AError \d+ - ", "", message)
    return one_line(found, 300).rstrip(".")


# -- display


def summary_rows(
    response: Mapping[str, Any], environment: Mapping[str, Any], show_secret: bool
) -> List[Tuple[str, str]]:
    """The labels and values to show of a response: the known members first, then every other scalar.

    :param environment: the part with the credentials. For a Claimable Cloud it is the response itself.
    """
    is_cloud = environment is response
    cloud_name, key, secret = (text(environment.get(name)) for name in ("cloud_name", "api_key", "api_secret"))
    password = secret if show_secret else masked_value("api_secret", secret)
    url = f"cloudinary://{key}:{password}@{cloud_name}" if cloud_name and key and secret else ""
    first = [] if is_cloud else [("Email", text(response.get("email"))), ("Plan", text(response.get("plan_name")))]
    rows = [*first, ("Cloud name", cloud_name), ("API key", key), ("CLOUDINARY_URL", url)]
    if is_cloud:
        rows.append(("Delivery IPs", text(response.get("delivery_ips")).replace(",", ", ")))
    skipped = _KNOWN if is_cloud else _KNOWN | {"email"}
    for name, value in {**environment, **response}.items():
        if name not in skipped and not isinstance(value, (list, dict)):
            label = name.replace("_", " ")
            rows.append((label[:1].upper() + label[1:], _scalar(value if show_secret else masked_value(name, value))))
    return [(one_line(label, 60), one_line(value, None)) for label, value in rows if value]


def _scalar(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else text(value)
