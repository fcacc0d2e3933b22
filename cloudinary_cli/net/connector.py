"""The HTTP connector under the SDK and under transfers: one pool, one TLS context, time-outs, retries.

The SDK makes its own connectors at import, without time-outs, following redirects, and taking an HTTP error whose body
has no `error` member for a success. This one takes their place. It knows HTTP, not what is sent.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional, Set, Tuple, TypeVar

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
from cloudinary_cli.net.pool import environment_proxy, new_pool
from cloudinary_cli.net.retry import (
    NOT_PROCESSED,
    RATE_LIMITED,
    TRANSIENT,
    Patience,
    SharedPause,
    StopFlag,
    backoff,
    current_repetition,
    stated_pause,
)
from cloudinary_cli.text import one_line

CONNECT_TIMEOUT_SECONDS = 15.0
READ_TIMEOUT_SECONDS = 120.0
_SAFE_METHODS = frozenset(["GET", "HEAD"])

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What the SDK reads of a response."""

    status: int
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outgoing:
    """One request of a transfer.

    `body()` is called for each attempt: bytes, or an iterable of them with a Content-Length header. `repeatable` says
    that its arriving twice does no harm, so that it may be sent again when the answer is lost.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], Any] = lambda: None
    repeatable: bool = True


class HostUnreachable(HTTPError):
    """No connection to a host that has never responded: unknown name, refused, or connect time-out."""

    def __init__(self, host: str, message: str) -> None:
        super().__init__(message)
        self.host = host


class Connector:
    """Has the one method of urllib3's PoolManager that the SDK calls, and `send` for transfers.

    :param timeout: the configuration's own, in seconds, in the place of the usual time to wait for an answer.
    :param pool_size: the largest number of connections to one host; who needs one more waits.
    """

    def __init__(
        self,
        api_proxy: Optional[str] = None,
        timeout: Any = None,
        pool_size: int = 10,
        patience: Optional[Patience] = None,
        stop: Optional[StopFlag] = None,
    ) -> None:
        self._read_timeout = _seconds(timeout, READ_TIMEOUT_SECONDS)
        self._api_proxy = api_proxy
        self._pool_size = pool_size
        self._patience = patience or Patience()
        self._pause = SharedPause(stop)
        self._pools: Dict[Tuple[Optional[str], str], urllib3.PoolManager] = {}
        self._by_origin: Dict[str, urllib3.PoolManager] = {}
        self._responded: Set[str] = set()  # origins
        self._lock = threading.Lock()

    def request(self, method: str, url: str, timeout: Any = None, **kw: Any) -> Answer:
        """Send a request, again where that is safe, and return the last answer.

        :raises urllib3.exceptions.HTTPError: no answer; the SDK maps it.
        """
        options = {"timeout": self._timeout(timeout), "retries": False, "redirect": False, **kw}
        pool = self._pool(url)
        is_repeatable = method in _SAFE_METHODS or current_repetition() is not None
        return self._exchange(lambda: pool.request(method, url, **options), is_repeatable, checked)

    def send(self, outgoing: Outgoing, receive: Callable[[Any], T]) -> T:
        """Send a request, again where that is safe, and give its unread response to `receive`, which reads it all.

        What `receive` raises for a broken connection counts as a lost answer.

        :raises urllib3.exceptions.HTTPError: no answer. :raises Stopped: stopped before the request was sent.
        :raises HostUnreachable: no connection, and the host has never responded.
        """
        pool, origin = self._pool(outgoing.url), _origin(outgoing.url)

        def call() -> Any:
            response = pool.request(
                outgoing.method,
                outgoing.url,
                body=outgoing.body(),
                headers=dict(outgoing.headers),
                timeout=self._timeout(None),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                enforce_content_length=True,
            )
            self._responded.add(origin)
            return response

        try:
            return self._exchange(call, outgoing.repeatable, receive)
        except (NewConnectionError, ConnectTimeoutError, ProxyError) as error:
            if origin in self._responded:
                raise
            raise HostUnreachable(origin.rpartition("/")[2], str(error)) from error

    def _exchange(self, call: Callable[[], Any], repeatable: bool, receive: Callable[[Any], T]) -> T:
        """The attempts at one request."""
        wait = 0.0
        for attempt in range(1, self._patience.attempts + 1):
            self._pause.wait(wait)
            is_last = attempt == self._patience.attempts
            try:
                response = call()
                again = None if is_last else self._pause_before_repeat(response, attempt, repeatable)
                if again is None:
                    return _consume(response, receive)
                response.drain_conn()
                wait = again
                _note_repetition(response.status in TRANSIENT)
                logger.debug("HTTP %s, trying again (attempt %s).", response.status, attempt + 1)
            except HTTPError as error:
                if is_last or not self._may_repeat(error, repeatable):
                    raise
                wait = backoff(attempt)
                _note_repetition(not isinstance(error, (NewConnectionError, ConnectTimeoutError)))
                logger.debug("%s, trying again (attempt %s).", type(error).__name__, attempt + 1)
        raise AssertionError("unreachable")

    def _pause_before_repeat(self, response: Any, attempt: int, repeatable: bool) -> Optional[float]:
        """Seconds until the request is sent again; None when this answer is the final one."""
        status = response.status
        if status not in NOT_PROCESSED and not (repeatable and status in TRANSIENT):
            return None
        stated = stated_pause(response.headers)
        if stated is not None and stated > self._patience.longest_pause:
            return None
        wait = backoff(attempt) if stated is None else stated
        if status in RATE_LIMITED or stated is not None:
            self._pause.hold(wait)
        return wait

    def _may_repeat(self, error: HTTPError, repeatable: bool) -> bool:
        if isinstance(error, (NewConnectionError, ConnectTimeoutError)):
            # Never sent. An unknown host (a subclass in urllib3 2) stays unknown.
            permission = current_repetition()
            outlasts = self._patience.outlasts_refusal or (permission is not None and permission.connected)
            return outlasts and type(error) in (NewConnectionError, ConnectTimeoutError)
        return repeatable and isinstance(error, (ProtocolError, ReadTimeoutError))

    def _timeout(self, value: Any) -> Timeout:
        return Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=_seconds(value, self._read_timeout))

    def _pool(self, url: str) -> urllib3.PoolManager:
        origin = _origin(url)
        with self._lock:
            if origin not in self._by_origin:
                scheme = origin.partition(":")[0].lower()
                # The environment is asked per host, because NO_PROXY is about hosts.
                proxy = self._api_proxy or environment_proxy(url)
                if (proxy, scheme) not in self._pools:
                    self._pools[proxy, scheme] = new_pool(scheme, proxy, self._pool_size)
                self._by_origin[origin] = self._pools[proxy, scheme]
            return self._by_origin[origin]

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


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
        # What is left unread would be taken for the next answer.
        response.close()
        response.release_conn()  # or its place in the pool would be lost, and the last one gone would block all
        raise
    response.release_conn()
    return result


def checked(response: Any) -> Answer:
    """The answer; an HTTP error whose JSON body names no error gets one, or the SDK would call it a success."""
    answer = Answer(response.status, response.data, response.headers)
    if response.status < 300:
        return answer
    try:
        body = json.loads(answer.data.decode("utf-8"))
    except ValueError:
        return answer  # not JSON: the SDK reports it as such, with the status
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict) and "message" in error:
        return answer
    detail = error if isinstance(error, str) else one_line(json.dumps(body, ensure_ascii=False), 500)
    message = {"error": {"message": f"HTTP {response.status}: {detail}"}}
    return Answer(response.status, json.dumps(message).encode("utf-8"), response.headers)
