"""One HTTP request to the authorization server: one total deadline, TLS, proxies, no redirects.

Each request has a connection of its own. A reused connection may have been closed by the server, and then it is unknown
whether the refresh token arrived (see errors.Delivery).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional
from urllib.parse import urlencode

from cloudinary_cli.defaults import OAUTH_HTTP_TIMEOUT_SECONDS
from cloudinary_cli.errors import Delivery, TokenEndpointError
from cloudinary_cli.net.deadline import Deadline
from cloudinary_cli.text import one_line, redact, without_secrets

_CONNECT_TIMEOUT_SECONDS = 10
_MAX_BODY_BYTES = 1 << 20
_MAX_RETRY_AFTER_SECONDS = 3600.0
_MAX_SECRET = 4096
_SECRET_MEMBERS = frozenset(["code", "code_verifier", "device_code", "refresh_token", "token"])


@dataclass(frozen=True)
class HttpAnswer:
    """Status, body text and Retry-After (seconds) of one answer."""

    status: int
    body: str
    retry_after: Optional[float] = None


class _Form:
    """A form that knows whether it was handed to a connection. Before that, no secret can have left this process."""

    def __init__(self, form: Mapping[str, str], before_send: Callable[[], None]) -> None:
        # A variable of the environment that is not UTF-8 is sent as the bytes that it has.
        self.data = urlencode(form, errors="surrogateescape").encode("ascii")
        self.is_sent = False
        self._before_send = before_send

    def __iter__(self) -> Iterator[bytes]:
        self._before_send()
        self.is_sent = True
        yield self.data


def _nothing() -> None:
    """The default of `before_send`."""


def send(
    method: str,
    url: str,
    form: Optional[Mapping[str, str]] = None,
    timeout: float = 0,
    before_send: Callable[[], None] = _nothing,
) -> HttpAnswer:
    """Send one request and read the whole response. Proxies and CA files: http_pool.py; .netrc is not read.

    Redirects are not followed, because the body holds a code or a refresh token (RFC 9700 section 4.12).

    :param timeout: seconds for everything, from the connection to the last byte; 0 means OAUTH_HTTP_TIMEOUT_SECONDS.
        Only the look-up of the host name is limited by the system's own timeouts instead.
    :param before_send: called when the connection stands, right before the form is handed to it.
    :raises TokenEndpointError: with what is known about the delivery.
    """
    from urllib3.exceptions import HTTPError

    total = timeout or OAUTH_HTTP_TIMEOUT_SECONDS
    body = None if form is None else _Form(form, before_send)
    with Deadline(total) as deadline:
        try:
            return _exchange(method, url, body, total, deadline)
        except (HTTPError, ValueError) as error:  # the latter: urllib3's for an address without a host, among others
            delivery = Delivery.UNKNOWN if body is None or body.is_sent else Delivery.NEVER_SENT
            reason = _too_late(url, total) if deadline.has_passed else _reason(url, error, form or {})
            raise TokenEndpointError(reason, delivery) from error


def _exchange(method: str, url: str, body: Optional[_Form], total: float, deadline: Deadline) -> HttpAnswer:
    from urllib3.util import Timeout

    headers: Dict[str, str] = {"Accept": "application/json", "User-Agent": "CloudinaryCLI"}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Content-Length"] = str(len(body.data))
    with _watched_pool(url, deadline) as pool:
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
            text = _read(response, url, total, deadline)
        finally:
            response.close()
        return HttpAnswer(response.status, text, _seconds(response.headers.get("Retry-After")))


def _watched_pool(url: str, deadline: Deadline) -> Any:
    """A pool for one URL whose connections obey the deadline from their first byte."""
    from cloudinary_cli.net.pool import environment_proxy, new_pool

    manager = new_pool(url.partition(":")[0], environment_proxy(url))
    pool: Any = manager.connection_from_url(url)
    make_connection: Any = pool.ConnectionCls

    def watched_connection(*args: Any, **kwargs: Any) -> Any:
        connection = make_connection(*args, **kwargs)
        connect = connection._new_conn

        def connect_and_watch() -> Any:
            opened = connect()
            deadline.watch(opened)
            return opened

        connection._new_conn = connect_and_watch
        return connection

    pool.ConnectionCls = watched_connection
    return manager


def _read(response: Any, url: str, total: float, deadline: Deadline) -> str:
    # read1 returns what has arrived; without it (urllib3 before 2.1), read() waits for a whole block.
    read = getattr(response, "read1", response.read)
    chunks: List[bytes] = []
    size = 0
    while True:
        chunk = read(65536)
        if time.monotonic() > deadline.at:
            raise TokenEndpointError(_too_late(url, total), Delivery.UNKNOWN)
        if not chunk:
            return b"".join(chunks).decode("utf-8", "replace")
        chunks.append(chunk)
        size += len(chunk)
        if size > _MAX_BODY_BYTES:
            raise TokenEndpointError("The authorization server's response is too long.", Delivery.UNKNOWN)


def _seconds(value: Optional[str]) -> Optional[float]:
    """Retry-After as seconds; the date form is not worth a clock comparison here and counts as absent."""
    if value and value.strip().isdigit():
        return min(float(value), _MAX_RETRY_AFTER_SECONDS)
    return None


def _too_late(url: str, total: float) -> str:
    return f"No response from {url.split('/')[2]} within {total:g} s."


def harmless(text: str, form: Mapping[str, str], limit: int = 200) -> str:
    """The beginning of a text of the server as a part of one line, without the secrets of the form that was sent."""
    # Cut before the patterns search it: a server decides how long it is. The reserve keeps a secret whole at the cut.
    text = text[: limit + _MAX_SECRET]
    sent = [value for name, value in form.items() if name in _SECRET_MEMBERS]
    return one_line(redact(without_secrets(text, sent)), limit)


def _reason(url: str, error: Exception, form: Mapping[str, str]) -> str:
    """What went wrong, and what to do about it where that is known."""
    from urllib3 import exceptions

    host = url.split("/")[2]
    # A line that is no HTTP is a part of the error, and a server may repeat in it what it was sent.
    reason = harmless(_innermost(error), form, 160)
    if isinstance(error, exceptions.SSLError):
        return (
            f"TLS to {host} failed: {reason}. If a company proxy re-signs TLS, set REQUESTS_CA_BUNDLE to its CA file."
        )
    if isinstance(error, (exceptions.ProxyError, exceptions.ProxySchemeUnknown)) or (
        isinstance(error, ValueError) and _has_proxy(url)
    ):
        return f"The proxy cannot be used to reach {host}: {reason}. Check {url.partition(':')[0].upper()}_PROXY."
    if isinstance(error, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)):
        return f"Cannot connect to {host}: {reason}."
    if isinstance(error, exceptions.TimeoutError):
        return f"No response from {host} in time."
    if isinstance(error, ValueError):
        return f"Cannot use the address {one_line(url)}."
    return f"The connection to {host} broke: {reason}."


def _has_proxy(url: str) -> bool:
    """True when the environment names a proxy for this address."""
    from cloudinary_cli.net.pool import environment_proxy

    return environment_proxy(url) is not None


def _innermost(error: BaseException) -> str:
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            return str(getattr(error, "strerror", None) or error) or type(error).__name__
        error = inner
