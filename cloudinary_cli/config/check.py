"""Refuses settings that would fail in the HTTP layer. Errors never contain the value, which may be a secret."""

from __future__ import annotations

import math
import re
from typing import Any, Mapping
from urllib.parse import urlsplit

from cloudinary_cli.errors import ConfigError

# RFC 6750 section 2.1 allows fewer characters; here the token only has to be valid in a header.
_TOKEN = re.compile(r"[\x21-\x7e]+\Z")


def check_settings(fields: Mapping[str, Any]) -> None:
    """Check the settings that requests use. An empty setting counts as unset.

    :raises ConfigError: a setting is unusable. The message says what it should be.
    """
    for name in ("upload_prefix", "api_proxy"):
        if fields.get(name) and not _is_http_url(fields[name]):
            raise ConfigError(f"The configuration's {name} is not a URL that starts with http:// or https://.")
    if fields.get("timeout") and not _is_duration(fields["timeout"]):
        raise ConfigError("The configuration's timeout is not a positive number of seconds.")
    if fields.get("signature_version") and not re.match(r"[0-9]+\Z", str(fields["signature_version"])):
        raise ConfigError("The configuration's signature_version is not a whole number.")
    if fields.get("oauth_token") and not _TOKEN.match(str(fields["oauth_token"])):
        raise ConfigError("The configuration's oauth_token has characters that no token has. Log in again: cld login")


def _is_http_url(value: Any) -> bool:
    try:
        parts = urlsplit(str(value))
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # unbalanced brackets, or a port out of range
        return False


def _is_duration(value: Any) -> bool:
    try:
        return math.isfinite(float(value)) and float(value) > 0
    except (TypeError, ValueError, OverflowError):
        return False
