"""One HTTP request to the authorization server: timeouts, TLS, proxies, no redirects; knows nothing of OAuth's meaning.

Each request has a connection of its own: a token call must not meet one that the server has just closed, since nobody
could tell then whether the refresh token arrived (see errors.Delivery).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional
from urllib.parse import urlencode

from cloudinary_cli.defaults import OAUTH_HTTP_TIMEOUT_SECONDS
from cloudinary_cli.errors import Delivery, TokenEndpointError
from cloudinary_cli.utils.text_utils import one_line, redact

_CONNECT_TIMEOUT_SECONDS = 10
_MAX_BODY_BYTES = 1 << 20
_MAX_RETRY_AFTER_SECONDS = 3600.0


@dataclass(frozen=True)
class HttpAnswer:
    """Status, body text and Retry-After (seconds) of one answer."""

    status: int
    body: str
    retry_after: Optional[float] = None


class _Form:
    """A form that knows whether it was handed to a connection: before that, nothing secret can have left."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self.data = urlencode(form).encode("ascii")
        self.is_sent = False

    def __iter__(self) -> Iterator[bytes]:
        self.is_sent = True
        yield self.data


def send(method: str, url: str, form: Optional[Mapping[str, str]] = None, timeout: float = 0) -> HttpAnswer:
    """Send one request and read the whole answer. Proxies and CA files: http_pool.py; .netrc is not read.

    Redirects are not followed: the body holds a code or a refresh token (RFC 9700 section 4.12).

    :param timeout: seconds for the whole answer; 0 means OAUTH_HTTP_TIMEOUT_SECONDS.
    :raises TokenEndpointError: with what is known about the delivery.
    """
    from urllib3.exceptions import HTTPError
    from urllib3.util import Timeout

    from cloudinary_cli.utils.http_pool import environment_proxy, new_pool

    total = timeout or OAUTH_HTTP_TIMEOUT_SECONDS
    deadline = time.monotonic() + total
    headers: Dict[str, str] = {"Accept": "application/json", "User-Agent": "CloudinaryCLI"}
    body = None if form is None else _Form(form)
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Content-Length"] = str(len(body.data))
    try:
        with new_pool(url.partition(":")[0], environment_proxy(url)) as pool:
            response = pool.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=Timeout(connect=min(_CONNECT_TIMEOUT_SECONDS, total), read=total),
                retries=False,
                redirect=False,
                preload_content=False,
                enforce_content_length=True,
            )
            try:
                text = _read(response, deadline)
            finally:
                response.close()
            return HttpAnswer(response.status, text, _seconds(response.headers.get("Retry-After")))
    except (HTTPError, ValueError) as error:  # the latter: urllib3's for an address without a host, among others
        delivery = Delivery.UNKNOWN if body is None or body.is_sent else Delivery.NEVER_SENT
        raise TokenEndpointError(_reason(url, error), delivery) from error


def _read(response: Any, deadline: float) -> str:
    # read1 returns what has arrived; without it (urllib3 before 2.1), read() waits for a whole block.
    read = getattr(response, "read1", response.read)
    chunks: List[bytes] = []
    size = 0
    while True:
        chunk = read(65536)
        if not chunk:
            return b"".join(chunks).decode("utf-8", "replace")
        chunks.append(chunk)
        size += len(chunk)
        if size > _MAX_BODY_BYTES or time.monotonic() > deadline:
            raise TokenEndpointError("The authorization server's answer is too long or too slow.", Delivery.UNKNOWN)


def _seconds(value: Optional[str]) -> Optional[float]:
    """Retry-After as seconds; the date form is not worth a clock comparison here and counts as absent."""
    if value and value.strip().isdigit():
        return min(float(value), _MAX_RETRY_AFTER_SECONDS)
    return None


def _reason(url: str, error: Exception) -> str:
    """What went wrong, and what to do about it where that is known."""
    from urllib3 import exceptions

    host = url.split("/")[2]
    reason = one_line(redact(_innermost(error)), 160)
    if isinstance(error, exceptions.SSLError):
        return (
            f"TLS to {host} failed: {reason}. If a company proxy re-signs TLS, set REQUESTS_CA_BUNDLE to its CA file."
        )
    if isinstance(error, (exceptions.ProxyError, exceptions.ProxySchemeUnknown)):
        return f"The proxy cannot be used to reach {host}: {reason}. Check HTTPS_PROXY."
    if isinstance(error, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)):
        return f"Cannot connect to {host}: {reason}."
    if isinstance(error, exceptions.TimeoutError):
        return f"No answer from {host} in time."
    if isinstance(error, ValueError):
        return f"Cannot use the address {one_line(url)}."
    return f"The connection to {host} broke: {reason}."


def _innermost(error: BaseException) -> str:
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            return str(getattr(error, "strerror", None) or error) or type(error).__name__
        error = inner
