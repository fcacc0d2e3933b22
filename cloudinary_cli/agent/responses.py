"""Reads the replies and refusals of the calls behind `cld agent`, and says them to a person; pure."""

from __future__ import annotations

import json
import re
from typing import Any, List, Mapping, Tuple

from cloudinary_cli.config.url import URL_SHAPE
from cloudinary_cli.config.view import masked_value
from cloudinary_cli.errors import ApiError
from cloudinary_cli.text import one_line

_RATE_LIMITED = (420, 429)
# Shown in a place of their own, or not at all.
_KNOWN = frozenset(
    "plan_name cloud_name api_key api_secret guidance delivery_ips expires_at claim_url product_environments".split()
)


def text(value: Any) -> str:
    """A scalar of a reply as text, a list as its items joined with commas; empty for anything else."""
    if isinstance(value, list):
        return ",".join(filter(None, map(text, value)))
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


# -- what a refusal means


def explain_signup(error: ApiError) -> str:
    """One line about a refused sign-up."""
    if error.status in _RATE_LIMITED:
        return "Rate limited while creating the account: too many sign-ups from this IP address. Try again later."
    detail = _detail(str(error))
    if error.status == 409 or "has already been taken" in detail:
        return (
            "An account with this e-mail exists already. Log in with `cld login`, or save its API key with"
            f" `cld config -n <name> {URL_SHAPE}`."
        )
    return f"Signup failed: {detail}."


def explain_cloud(error: ApiError) -> str:
    """One line about a refused Claimable Cloud."""
    detail = _detail(str(error))
    said = detail.lower()
    if error.status in _RATE_LIMITED or "rate limit" in said:
        return (
            "Rate limited while creating the cloud: about 10 clouds per 24 hours can be created from one IP address."
            " Try again later, or claim one you have: cld agent cloud list"
        )
    if "registration is currently unavailable" in said or "registration_disabled" in said:
        return "Could not create the cloud: provisioning is disabled at the moment. Try again later."
    if "location not permitted" in said:
        return (
            "Could not create the cloud: location not permitted. It applies to the caller's address and to every --ip."
        )
    return f"Could not create the cloud: {detail}."


def _detail(message: str) -> str:
    """What the server said: `error.message` or `field problem; ...` of a JSON object in the text, else the text."""
    start = message.find("{")
    try:
        body = json.loads(message[start:]) if start >= 0 else None
    except ValueError:
        body = None
    if isinstance(body, dict):
        error = body.get("error")
        inner = text(error.get("message")) if isinstance(error, dict) else text(error)
        found = inner or "; ".join(f"{name} {text(value)}".strip() for name, value in body.items())
    else:
        found = re.sub(r"\AError \d+ - ", "", message)
    return one_line(found, 300).rstrip(".")


# -- showing


def summary_rows(reply: Mapping[str, Any], environment: Mapping[str, Any], show_secret: bool) -> List[Tuple[str, str]]:
    """Label and value of what a person needs of a reply: the known ones first, then every other scalar.

    :param environment: the part that holds the credentials; the reply itself for a Claimable Cloud.
    """
    is_cloud = environment is reply
    cloud_name, key, secret = (text(environment.get(name)) for name in ("cloud_name", "api_key", "api_secret"))
    shown = secret if show_secret else masked_value("api_secret", secret)
    url = f"cloudinary://{key}:{shown}@{cloud_name}" if cloud_name and key and secret else ""
    first = [] if is_cloud else [("Email", text(reply.get("email"))), ("Plan", text(reply.get("plan_name")))]
    rows = [*first, ("Cloud name", cloud_name), ("API key", key), ("CLOUDINARY_URL", url)]
    if is_cloud:
        rows.append(("Delivery IPs", text(reply.get("delivery_ips")).replace(",", ", ")))
    skipped = _KNOWN if is_cloud else _KNOWN | {"email"}
    for name, value in {**environment, **reply}.items():
        if name not in skipped and not isinstance(value, (list, dict)):
            label = name.replace("_", " ")
            rows.append((label[:1].upper() + label[1:], _scalar(value if show_secret else masked_value(name, value))))
    return [(one_line(label, 60), one_line(value, None)) for label, value in rows if value]


def _scalar(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else text(value)
