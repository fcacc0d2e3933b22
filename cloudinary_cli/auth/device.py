"""The device authorization grant (RFC 8628): requests a code that the user enters on another device, and polls."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional
from urllib.parse import urlsplit

from cloudinary_cli import defaults
from cloudinary_cli.auth import flow, token_http
from cloudinary_cli.auth.callback_response import denied
from cloudinary_cli.errors import (
    NOT_PROCESSED,
    TRANSIENT,
    Delivery,
    InvalidTokenResponse,
    LoginError,
    LoginTimeout,
    TokenEndpointError,
)
from cloudinary_cli.text import one_line

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_DEFAULT_INTERVAL_SECONDS = 5.0  # RFC 8628 section 3.2
_SLOW_DOWN_SECONDS = 5.0  # RFC 8628 section 3.5
_MAX_INTERVAL_SECONDS = 60.0
_MAX_LIFETIME_SECONDS = 3600.0


@dataclass(frozen=True)
class DeviceCode:
    """The server's response (RFC 8628 section 3.2). Times are in seconds; texts are escaped for one line."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: Optional[str]
    expires_in: float
    interval: float

    @property
    def lifetime(self) -> str:
        """How long the code is valid, as part of a sentence."""
        if self.expires_in < 120:
            return f"{math.floor(self.expires_in)} seconds"
        return f"{math.floor(self.expires_in / 60)} minutes"


def is_offered(base_url: str) -> bool:
    """True when the server supports the device grant."""
    return _endpoint_in(flow.fetch_metadata(base_url), base_url) is not None


def _endpoint_in(metadata: Mapping[str, Any], base_url: str) -> Optional[str]:
    """The device authorization endpoint in the server's metadata (RFC 8414); None when the metadata lists none.

    An endpoint on another host is ignored: that host would choose the address where the user enters the code.
    """
    endpoint = metadata.get("device_authorization_endpoint")
    return endpoint if isinstance(endpoint, str) and endpoint.startswith(f"{base_url}/") else None


def request_code(base_url: str, settings: defaults.OAuthSettings, send: flow.Send = token_http.send) -> DeviceCode:
    """Request a code (RFC 8628 section 3.1).

    :raises LoginError: the server does not support the grant.
    :raises InvalidTokenResponse: the response is unusable.
    :raises TokenEndpointError: the server refused, or there was no JSON response.
    """
    endpoint = _endpoint_in(flow.require_metadata(base_url, send), base_url)
    if endpoint is None:
        raise LoginError(
            "this server does not offer codes for other devices. "
            "To log in with a browser on another machine: cld login --no-browser"
        )
    return _parse(flow.post(endpoint, {"client_id": settings.client_id, "scope": settings.scopes}, send))


def _parse(body: Any) -> DeviceCode:
    if not isinstance(body, dict):
        raise InvalidTokenResponse("The response to the device request is not a JSON object.")
    for member in ("device_code", "user_code", "verification_uri"):
        if not isinstance(body.get(member), str) or not body[member]:
            raise InvalidTokenResponse(f"The response to the device request has no usable '{member}'.")
    complete = body.get("verification_uri_complete")
    return DeviceCode(
        device_code=body["device_code"],
        user_code=one_line(body["user_code"], 40),
        verification_uri=_address(body["verification_uri"]),
        verification_uri_complete=_address(complete) if isinstance(complete, str) and complete else None,
        expires_in=_seconds(body.get("expires_in"), 600.0, _MAX_LIFETIME_SECONDS),
        interval=_seconds(body.get("interval"), _DEFAULT_INTERVAL_SECONDS, _MAX_INTERVAL_SECONDS),
    )


def _address(url: str) -> str:
    """Check an address that the user is to open: https, or http on loopback, and visible ASCII characters only."""
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and defaults.is_loopback_host(parts.hostname))
    except ValueError:
        is_safe = False
    if not is_safe or parts.username or not re.match(r"[!-~]{1,2000}\Z", url):
        raise InvalidTokenResponse("The response to the device request has no usable 'verification_uri'.")
    return url


def _seconds(value: Any, default: float, maximum: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        return default
    return min(float(value), maximum)


def poll(
    code: DeviceCode,
    request_tokens: Callable[[], None],
    timeout: Optional[float] = None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Poll until the user has decided (RFC 8628 sections 3.4 and 3.5).

    :param request_tokens: sends the code once; raises TokenEndpointError when the server returns no tokens.
    :param timeout: seconds; never longer than the lifetime of the code.
    :param sleep: waits for a number of seconds.
    :param now: returns the time in seconds.
    :raises AuthorizationDenied: the user refused.
    :raises LoginTimeout: the code expired, or `timeout` has passed.
    :raises TokenEndpointError: any other error of the server.
    """
    deadline = now() + min(code.expires_in, timeout or code.expires_in)
    interval = code.interval
    while True:
        sleep(min(interval, max(0.0, deadline - now())))
        if now() >= deadline:
            raise LoginTimeout("timed out: the code was not used in time. Run the command again for a new one.")
        try:
            request_tokens()
            return
        except TokenEndpointError as error:
            interval = _next_interval(error, interval)


def _next_interval(error: TokenEndpointError, interval: float) -> float:
    """The pause before the next poll, in seconds.

    :raises CliError: the error ends the login.
    """
    if error.error == "authorization_pending":
        return interval
    if error.error == "slow_down":
        return interval + _SLOW_DOWN_SECONDS  # for all later polls, too
    if error.error == "access_denied":
        raise denied("access_denied")
    if error.error == "expired_token":
        raise LoginTimeout("timed out: the code has expired. Run the command again for a new one.")
    is_transient = error.delivery is not Delivery.RESPONDED or error.status in NOT_PROCESSED | TRANSIENT
    if not is_transient:
        raise error
    # RFC 8628 section 3.5 suggests exponential backoff after a connection timeout.
    return min(max(interval * 2, error.retry_after or 0.0), _MAX_INTERVAL_SECONDS)
