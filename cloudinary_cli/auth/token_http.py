"""One HTTP POST to the authorization server: timeouts, TLS, proxies, no redirects; knows nothing of OAuth's meaning."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Optional

from cloudinary_cli.defaults import OAUTH_HTTP_TIMEOUT_SECONDS
from cloudinary_cli.errors import Delivery, TokenEndpointError
from cloudinary_cli.utils.text_utils import one_line, redact

if TYPE_CHECKING:
    import requests

_CONNECT_TIMEOUT_SECONDS = 10
_MAX_BODY_BYTES = 1 << 20
_MAX_RETRY_AFTER_SECONDS = 3600.0


@dataclass(frozen=True)
class HttpAnswer:
    """Status, body text and Retry-After (seconds) of one answer."""

    status: int
    body: str
    retry_after: Optional[float] = None


def _no_auth(request: Any) -> Any:
    # Without this, requests would add an Authorization header from ~/.netrc.
    return request


def send(method: str, url: str, form: Optional[Mapping[str, str]] = None, timeout: float = 0) -> HttpAnswer:
    """Send one request and read the whole answer. HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE are honoured.

    Redirects are not followed: the body holds a code or a refresh token (RFC 9700 section 4.12).

    :param timeout: seconds for the whole answer; 0 means OAUTH_HTTP_TIMEOUT_SECONDS.
    :raises TokenEndpointError: with what is known about the delivery.
    """
    import requests

    from cloudinary_cli.auth.token_tls import SharedTls

    total = timeout or OAUTH_HTTP_TIMEOUT_SECONDS
    deadline = time.monotonic() + total
    try:
        with requests.Session() as session:
            session.mount("https://", SharedTls())
            with session.request(
                method,
                url,
                data=form,
                headers={"Accept": "application/json", "User-Agent": "CloudinaryCLI"},
                timeout=(min(_CONNECT_TIMEOUT_SECONDS, total), total),
                allow_redirects=False,
                auth=_no_auth,
                stream=True,
            ) as response:
                body = _read(response, deadline)
                return HttpAnswer(response.status_code, body, _seconds(response.headers.get("Retry-After")))
    except requests.RequestException as error:
        raise _failure(url, error) from error


def _read(response: "requests.Response", deadline: float) -> str:
    chunks = []
    size = 0
    for chunk in response.iter_content(65536):
        chunks.append(chunk)
        size += len(chunk)
        if size > _MAX_BODY_BYTES or time.monotonic() > deadline:
            raise TokenEndpointError("The authorization server's answer is too long or too slow.", Delivery.UNKNOWN)
    return b"".join(chunks).decode("utf-8", "replace")


def _seconds(value: Optional[str]) -> Optional[float]:
    """Retry-After as seconds; the date form is not worth a clock comparison here and counts as absent."""
    if value and value.strip().isdigit():
        return min(float(value), _MAX_RETRY_AFTER_SECONDS)
    return None


def _failure(url: str, error: Exception) -> TokenEndpointError:
    import requests

    host = url.split("/")[2]
    reason = one_line(redact(_innermost(error)), 160)
    if isinstance(error, requests.exceptions.SSLError):
        advice = "If a company proxy re-signs TLS, set REQUESTS_CA_BUNDLE to its CA file."
        return TokenEndpointError(f"TLS to {host} failed: {reason}. {advice}", Delivery.NEVER_SENT)
    if isinstance(error, requests.exceptions.ProxyError):
        return TokenEndpointError(
            f"The proxy refused the connection to {host}; check HTTPS_PROXY.", Delivery.NEVER_SENT
        )
    if isinstance(error, requests.exceptions.ConnectTimeout) or _never_connected(error):
        return TokenEndpointError(f"Cannot connect to {host}: {reason}.", Delivery.NEVER_SENT)
    if isinstance(error, requests.exceptions.Timeout):
        return TokenEndpointError(f"No answer from {host} in time.", Delivery.UNKNOWN)
    if isinstance(error, (ValueError, requests.exceptions.InvalidSchema)):
        return TokenEndpointError(f"Cannot use the address {one_line(url)}.", Delivery.NEVER_SENT)
    return TokenEndpointError(f"The connection to {host} broke: {reason}.", Delivery.UNKNOWN)


def _never_connected(error: Exception) -> bool:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    # requests wraps urllib3's MaxRetryError, whose `reason` is what really happened.
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


def _innermost(error: BaseException) -> str:
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            return str(getattr(error, "strerror", None) or error) or type(error).__name__
        error = inner
