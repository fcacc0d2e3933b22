"""Sends one HTTP request to the authorization server: with a total deadline and proxies, without redirects.

Each request uses a new connection. The server may close a reused connection at the same moment, and then it is unknown
whether it received the refresh token (see errors.Delivery).
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
_MAX_SECRET_LENGTH = 4096
_SECRET_MEMBERS = frozenset(["code", "code_verifier", "device_code", "refresh_token", "token"])


@dataclass(frozen=True)
class TokenHttpResponse:
    """Status, body text and Retry-After (in seconds) of a response."""

    status: int
    body: str
    retry_after: Optional[float] = None


class _Form:
    """A request body that records whether it was sent. Before that, no secret can have left this process."""

    def __init__(self, form: Mapping[str, str], before_send: Callable[[], None]) -> None:
        # A value from an environment variable that is not UTF-8 is sent as its original bytes.
        self.data = urlencode(form, errors="surrogateescape").encode("ascii")
        self.is_sent = False
        self._before_send = before_send

    def __iter__(self) -> Iterator[bytes]:
        self._before_send()
        self.is_sent = True
        yield self.data


def send(
    method: str,
    url: str,
    form: Optional[Mapping[str, str]] = None,
    timeout: float = 0,
    before_send: Callable[[], None] = lambda: None,
) -> TokenHttpResponse:
    """Send one request and read the whole response. Proxies and CA files are those of net/pool.py; .netrc is not read.

    Redirects are not followed, because the body contains a code or a refresh token (RFC 9700 section 4.12).

    :param timeout: seconds from the connection to the last byte; 0: OAUTH_HTTP_TIMEOUT_SECONDS. DNS resolution has the
        system's own timeout.
    :param before_send: called when the connection is established, right before the form is sent.
    :raises TokenEndpointError: its `delivery` says whether the server may have received the request.
    """
    from urllib3.exceptions import HTTPError

    from cloudinary_cli.net import failure

    total = timeout or OAUTH_HTTP_TIMEOUT_SECONDS
    body = None if form is None else _Form(form, before_send)
    with Deadline(total) as deadline:
        try:
            return _exchange(method, url, body, total, deadline)
        except (HTTPError, ValueError) as error:  # urllib3 raises ValueError for a URL without a host, for example
            delivery = Delivery.UNKNOWN if body is None or body.is_sent else Delivery.NEVER_SENT
            if deadline.has_passed:
                raise TokenEndpointError(_timeout_message(url, total), delivery) from error
            # The error quotes a line that is not HTTP, and that line may repeat what was sent.
            reason = masked(failure.innermost(error), form or {}, 160)
            raise TokenEndpointError(failure.connection_problem(url, error, reason), delivery) from error


def _exchange(method: str, url: str, body: Optional[_Form], total: float, deadline: Deadline) -> TokenHttpResponse:
    from urllib3.util import Timeout

    from cloudinary_cli.net.retry import retry_after

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
        return TokenHttpResponse(response.status, text, retry_after(response.headers))


def _watched_pool(url: str, deadline: Deadline) -> Any:
    """A pool for one URL whose connections are watched by the deadline from the start."""
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
            raise TokenEndpointError(_timeout_message(url, total), Delivery.UNKNOWN)
        if not chunk:
            return b"".join(chunks).decode("utf-8", "replace")
        chunks.append(chunk)
        size += len(chunk)
        if size > _MAX_BODY_BYTES:
            raise TokenEndpointError("The authorization server's response is too long.", Delivery.UNKNOWN)


def _timeout_message(url: str, total: float) -> str:
    return f"No response from {url.split('/')[2]} within {total:g} s."


def masked(text: str, form: Mapping[str, str], limit: int = 200) -> str:
    """The first `limit` characters of a server's text, escaped for one line, without the secrets of the form."""
    # The text is truncated before the search for secrets, because its length is up to the server. A secret that
    # crosses the limit is kept whole, so that it is found.
    text = text[: limit + _MAX_SECRET_LENGTH]
    sent = [value for name, value in form.items() if name in _SECRET_MEMBERS]
    return one_line(redact(without_secrets(text, sent)), limit)
