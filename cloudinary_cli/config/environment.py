"""Reads the configuration from the CLOUDINARY_* variables, by the rules of the SDK."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional

from cloudinary_cli.config.url import (
    CONFIG_NAME_VARIABLE,
    parse,
    parse_account_url,
    parse_given,
    try_parse,
    validate_cloud_name,
)
from cloudinary_cli.errors import InvalidConfigUrl

_OWN_VARIABLES = frozenset(
    [
        "CLOUDINARY_URL",
        CONFIG_NAME_VARIABLE,
        "CLOUDINARY_HOME",
        "CLOUDINARY_NO_BROWSER",
        "CLOUDINARY_OAUTH_BASE_URL",
        "CLOUDINARY_OAUTH_CLIENT_ID",
        "CLOUDINARY_OAUTH_SCOPES",
        "CLOUDINARY_REGION",
    ]
)


def environment_is_configured(environ: Mapping[str, str]) -> bool:
    """True when the SDK would find a cloud name in the environment."""
    return bool(environ.get("CLOUDINARY_CLOUD_NAME")) or try_parse(environ.get("CLOUDINARY_URL")) is not None


def is_own_variable(name: str) -> bool:
    """True for a variable that is an option of this program and not a setting of an account."""
    return name in _OWN_VARIABLES or name.startswith(("CLOUDINARY_CLI_", "CLOUDINARY_OAUTH_REDIRECT_"))


def environment_fields(environ: Mapping[str, str]) -> Dict[str, Any]:
    """The configuration attributes of the environment, by the SDK's rules; empty when it names no cloud.

    If CLOUDINARY_CLOUD_NAME is set, CLOUDINARY_URL is not parsed: every CLOUDINARY_X becomes the attribute `x`, and
    `true` and `false` become booleans. Empty variables and those of this program are omitted.

    :raises InvalidConfigUrl: CLOUDINARY_URL is needed and is not a usable URL, or the cloud name is invalid.
    """
    if not environ.get("CLOUDINARY_CLOUD_NAME"):
        url = environ.get("CLOUDINARY_URL")
        return parse_given(url).fields() if url else {}
    validate_cloud_name(environ["CLOUDINARY_CLOUD_NAME"])
    return {
        name[len("CLOUDINARY_") :].lower(): {"true": True, "false": False}.get(value, value)
        for name, value in environ.items()
        if value and name.startswith("CLOUDINARY_") and not is_own_variable(name)
    }


def env_config_error(name: str, environ: Optional[Mapping[str, str]] = None) -> Optional[str]:
    """Why the variable CLOUDINARY_URL or CLOUDINARY_ACCOUNT_URL cannot be used; None if it is unset or valid."""
    url = (os.environ if environ is None else environ).get(name)
    if not url:
        return None
    try:
        (parse_account_url if name == "CLOUDINARY_ACCOUNT_URL" else parse)(url)
    except InvalidConfigUrl as error:
        return f"The environment variable {name} is invalid: {error} Fix it or unset it."
    return None
