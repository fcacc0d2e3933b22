"""The HTTP connector of the SDK and of transfers: one connection pool, one TLS context, timeouts and retries.

It replaces the SDK's own connectors, which have no timeout, follow redirects, and treat an HTTP error whose body has no
`error` member as a success.
"""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Set, Tuple, TypeVar, Union

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)
from urllib3.util import Timeout

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import TRANSIENT
from cloudinary_cli.net.failure import connection_problem
from cloudinary_cli.net.multipart import BLOCK, FilePart, encode
from cloudinary_cli.net.pool import environment_proxy, new_pool
from cloudinary_cli.net.retry import RetryBudget, SharedPause, StopFlag, backoff, current_repetition
from cloudinary_cli.progress import current_item
from cloudinary_cli.text import one_line

CONNECT_TIMEOUT_SECONDS = 15.0
READ_TIMEOUT_SECONDS = 120.0
_SAFE_METHODS = frozenset(["GET", "HEAD"])

T = TypeVar("T")


@dataclass(frozen=True)
class Response:
    """A response whose body has been read, with the attributes that the SDK uses."""

    status: int
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One request of a transfer.

    `body()` is called for each attempt. It returns bytes, or an iterable of bytes if there is a Content-Length header.
    `repeatable`: a second copy of the request has no further effect, so it may be sent again when its response is lost.
    `timeout`: for the response, in seconds; None for that of the connector.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], Any] = lambda: None
    repeatable: bool = True
    timeout: Any = None


class HostUnreachable(HTTPError):
    """No connection to a host that has never responded: unknown name, refused, or connect timeout."""

    def __init__(self, host: str, message: str) -> None:
        super().__init__(message)
        self.host = host


class Connector:
    """Offers the one method of urllib3's PoolManager that the SDK calls, and `send` for transfers.

    :param api_proxy: replaces the proxy of the environment.
    :param timeout: of the configuration, in seconds; replaces the default read timeout.
    :param pool_size: the largest number of connections to one host. A thread that needs another one waits.
    :param stop: ends all pauses, and forbids further requests, when it is set.
    """

    def __init__(
        self,
        api_proxy: Optional[str] = None,
        timeout: Any = None,
        pool_size: int = 10,
        budget: Optional[RetryBudget] = None,
        stop: Optional[StopFlag] = None,
    ) -> None:
        self._read_timeout = _seconds(timeout, READ_TIMEOUT_SECONDS)
        self._api_proxy = api_proxy
        self._pool_size = pool_size
        self._budget = budget or RetryBudget()
        self._pause = SharedPause(stop)
        self._pools: Dict[Tuple[Optional[str], str], urllib3.PoolManager] = {}
        self._by_origin: Dict[str, Union[urllib3.PoolManager, urllib3.HTTPConnectionPool]] = {}
        self._responded: Set[str] = set()  # origins
        self._lock = threading.Lock()

    def request(self, method: str, url: str, timeout: Any = None, **kw: Any) -> Response:
        """Send a request, repeat it where that is safe, and return the last response.

        :raises urllib3.exceptions.HTTPError: no response. The SDK maps it to its own errors.
        """
        options = {"timeout": self._timeout(timeout), "retries": False, "redirect": False, **kw}
        pool, target = self._pool(url)
        is_repeatable = method in _SAFE_METHODS or current_repetition() is not None
        part = _file_part(options.get("fields"))
        if part is not None:
            call = _streamed_call(partial(pool.request, method, target), options, part)
        elif options.get("fields") and current_item().size:
            call = _counted_call(partial(pool.request, method, target), options)
        else:
            call = partial(pool.request, method, target, **options)
        return self._exchange(call, is_repeatable, checked)

    def send(self, request: Request, receive: Callable[[Any], T]) -> T:
        """Send a request, repeat it where that is safe, and pass the unread response to `receive`, which reads it.

        An error of urllib3 that `receive` raises is treated as a lost response.

        :raises urllib3.exceptions.HTTPError: no response. :raises Stopped: stopped before the request was sent.
        :raises HostUnreachable: no connection, and the host has never responded.
        """
        (pool, target), origin = self._pool(request.url), _origin(request.url)

        def call() -> Any:
            response = pool.urlopen(
                request.method,
                target,
                body=request.body(),
                headers=dict(request.headers),
                timeout=self._timeout(request.timeout),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                enforce_content_length=True,
            )
            self._responded.add(origin)
            return response

        try:
            return self._exchange(call, request.repeatable, receive)
        except (NewConnectionError, ConnectTimeoutError, ProxyError) as error:
            if origin in self._responded:
                raise
            raise HostUnreachable(origin.rpartition("/")[2], str(error)) from error

    def _exchange(self, call: Callable[[], Any], repeatable: bool, receive: Callable[[Any], T]) -> T:
        """Make attempts at one request until a response is final or the budget is used up."""
        wait = 0.0
        for attempt in itertools.count(1):
            self._pause.wait(wait)
            try:
                response = call()
                retry = self._budget.retry(attempt, response.status, response.headers, repeatable)
                if retry is None:
                    return _consume(response, receive)
                response.drain_conn()
                wait = retry.seconds
                if retry.blocks_all:
                    self._pause.hold(wait)
                current_item().waiting(attempt + 1, self._budget.attempts, wait, retry.blocks_all)
                _note_repetition(response.status in TRANSIENT)
                logger.debug("HTTP %s, trying again (attempt %s).", response.status, attempt + 1)
            except HTTPError as error:
                if attempt >= self._budget.attempts or not self._may_repeat(error, repeatable):
                    raise
                wait = backoff(attempt)
                current_item().waiting(attempt + 1, self._budget.attempts, wait, False)
                _note_repetition(not isinstance(error, (NewConnectionError, ConnectTimeoutError)))
                logger.debug("%s, trying again (attempt %s).", type(error).__name__, attempt + 1)
        raise AssertionError("unreachable")

    def _may_repeat(self, error: HTTPError, repeatable: bool) -> bool:
        if isinstance(error, (NewConnectionError, ConnectTimeoutError)):
            # The request was never sent. An unknown host name (NameResolutionError, a subclass) is not retried.
            permission = current_repetition()
            is_allowed = self._budget.retries_refused or (permission is not None and permission.connected)
            return is_allowed and type(error) in (NewConnectionError, ConnectTimeoutError)
        return repeatable and isinstance(error, (ProtocolError, ReadTimeoutError))

    def _timeout(self, value: Any) -> Timeout:
        return Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=_seconds(value, self._read_timeout))

    def _pool(self, url: str) -> Tuple[Any, str]:
        """The pool for a URL, and how the pool is given the URL."""
        origin = _origin(url)
        with self._lock:
            if origin not in self._by_origin:
                scheme = origin.partition(":")[0].lower()
                # The environment is read for each host, because NO_PROXY lists hosts.
                proxy = self._api_proxy or environment_proxy(url)
                if (proxy, scheme) not in self._pools:
                    self._pools[proxy, scheme] = new_pool(scheme, proxy, self._pool_size)
                manager = self._pools[proxy, scheme]
                # The pool of the host saves a search for each request. A proxy's manager also adapts URL and headers.
                self._by_origin[origin] = manager if proxy else manager.connection_from_url(origin)
            pool = self._by_origin[origin]
        return pool, url if isinstance(pool, urllib3.PoolManager) else _target(url, origin)

    def describe_failure(self, url: str, error: HTTPError) -> str:
        """Say in plain words why a request of send() got no response, and what to check."""
        cause = (isinstance(error, HostUnreachable) and error.__cause__) or error
        return connection_problem(url, cause, api_proxy=self._api_proxy or "")

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()


def _file_part(fields: Any) -> Optional[FilePart]:
    """The file among the fields of the Upload API, whose value is (name, FilePart)."""
    pairs = fields if isinstance(fields, list) else ()
    contents = (value[1] for _, value in pairs if isinstance(value, tuple))
    return next((content for content in contents if isinstance(content, FilePart)), None)


def _streamed_call(send: Callable[..., Any], options: Dict[str, Any], part: FilePart) -> Callable[[], Any]:
    """A call that sends the fields of the SDK as multipart data, and reads the file while it is sent."""
    fields = [(name, value) for name, value in options.pop("fields") if not isinstance(value, tuple)]
    headers, body = encode(fields, part)
    options["headers"] = {**(options.get("headers") or {}), **headers}
    return lambda: send(body=body(), **options)


def _counted_call(send: Callable[..., Any], options: Dict[str, Any]) -> Callable[[], Any]:
    """A call that sends the fields of the SDK as multipart data in blocks, and counts the bytes of the item."""
    fields = options.pop("fields")
    body, content_type = urllib3.encode_multipart_formdata(fields)
    fixed = {"Content-Type": content_type, "Content-Length": str(len(body))}
    options["headers"] = {**(options.get("headers") or {}), **fixed}
    item = current_item()
    size = item.size or 0

    def blocks() -> Iterator[bytes]:
        for start in range(0, len(body), BLOCK):
            item.position = min(start, size)
            yield body[start : start + BLOCK]
        item.position = min(len(body), size)

    return lambda: send(body=blocks(), **options)


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _target(url: str, origin: str) -> str:
    rest = url[len(origin) :]
    return rest if rest.startswith("/") else f"/{rest}"


def _seconds(value: Any, default: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _note_repetition(may_be_done: bool) -> None:
    permission = current_repetition()
    if permission is not None and may_be_done:
        permission.may_be_done = True


def _consume(response: Any, receive: Callable[[Any], T]) -> T:
    try:
        result = receive(response)
    except BaseException:
        # An unread remainder would be taken for the next response on this connection.
        response.close()
        response.release_conn()  # the pool blocks forever when all of its connections are lost
        raise
    response.release_conn()
    return result


def checked(response: Any) -> Response:
    """The response. An error message is added to an HTTP error without one, which the SDK would treat as a success."""
    found = Response(response.status, response.data, response.headers)
    if response.status < 300:
        return found
    try:
        body = json.loads(found.data.decode("utf-8"))
    except (ValueError, RecursionError):
        return found  # not JSON: the SDK reports it as such, with the status
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict) and "message" in error:
        return found
    detail = error if isinstance(error, str) else one_line(json.dumps(body, ensure_ascii=False), 500)
    message = {"error": {"message": f"HTTP {response.status}: {detail}"}}
    return Response(response.status, json.dumps(message).encode("utf-8"), response.headers)
