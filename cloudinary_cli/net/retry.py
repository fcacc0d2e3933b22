"""The retry policy: which statuses are retried, backoff, Retry-After, retry budgets, and a pause shared by all threads.

This module sends nothing. The loop that repeats an HTTP request is in `net.connector`.
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Callable, Iterator, Mapping, NamedTuple, Optional, TypeVar

from cloudinary_cli.errors import NOT_PROCESSED, RATE_LIMITED, TRANSIENT

_FIRST_BACKOFF_SECONDS = 0.5
_SLICE_SECONDS = 0.1  # Python runs signal handlers between two sleeps

T = TypeVar("T")


class Stopped(Exception):
    """The run was stopped before this request was sent or repeated."""


class Retry(NamedTuple):
    """The decision to repeat a request after `seconds`."""

    seconds: float
    blocks_all: bool  # other threads may not send before that, either


@dataclass(frozen=True)
class RetryBudget:
    """How often a caller tries, and how long it waits.

    :param longest_pause: in seconds. If the server asks for a longer pause, its response is final.
    :param retries_refused: a refused connection is retried, too.
    """

    attempts: int = 4
    longest_pause: float = 30.0
    retries_refused: bool = False

    def retry(self, attempt: int, status: int, headers: Mapping[str, str], repeatable: bool) -> Optional[Retry]:
        """Decide whether to repeat after the response to attempt number `attempt` (from 1); None: it is final."""
        is_allowed = status in NOT_PROCESSED or (repeatable and status in TRANSIENT)
        if attempt >= self.attempts or not is_allowed:
            return None
        stated = retry_after(headers)
        if stated is None:
            return Retry(backoff(attempt), status in RATE_LIMITED)
        return Retry(stated, True) if stated <= self.longest_pause else None


# A refused connection does not recover within seconds, so a short command reports it. A server that is restarted during
# a long transfer does.
TRANSFER_BUDGET = RetryBudget(longest_pause=300.0, retries_refused=True)
# The search index may lag behind a change, so an incomplete listing is fetched again.
LISTING_BUDGET = RetryBudget(attempts=3, longest_pause=60.0)


def backoff(attempt: int) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1): exponential, the upper half of it random."""
    longest: float = _FIRST_BACKOFF_SECONDS * 2 ** (attempt - 1)
    return random.uniform(longest / 2, longest)


def jitter() -> float:
    """Random seconds to add to a common deadline, so that clients that wait for it do not all return at once."""
    return random.uniform(0.1, 0.5)


def attempts(budget: RetryBudget, sleep: Callable[[float], None] = time.sleep) -> Iterator[int]:
    """Yield the attempt numbers from 1, and wait for the backoff before each further attempt."""
    for number in range(1, budget.attempts + 1):
        if number > 1:
            sleep(backoff(number - 1))
        yield number


def retry_after(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds until the server accepts another request; None when it does not say.

    Read from Retry-After (RFC 9110 section 10.2.3), or from the Admin API's reset time when no calls are left.
    """
    names = ["Retry-After"]
    if headers.get("X-FeatureRateLimit-Remaining") == "0":
        names.append("X-FeatureRateLimit-Reset")
    for value in filter(None, map(headers.get, names)):
        try:
            if value.strip().isdigit():
                return float(value)
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (TypeError, ValueError):
            continue
    return None


@dataclass
class Repetition:
    """Permission to repeat the requests of an SDK call, whatever their method.

    `connected` says that the server has responded before, so a refused connection may succeed soon.
    `may_be_done` becomes True when a request was repeated although the server may have carried it out before.
    """

    connected: bool = False
    may_be_done: bool = False


# The SDK passes no options of its own through to the connector, so the permission is in a context variable.
_PERMISSION: "ContextVar[Optional[Repetition]]" = ContextVar("repetition", default=None)


@contextmanager
def repeatable(connected: bool = False) -> Iterator[Repetition]:
    """Let the connector repeat all requests that this thread sends in the block: sending them twice does no harm."""
    permission = Repetition(connected)
    token = _PERMISSION.set(permission)
    try:
        yield permission
    finally:
        _PERMISSION.reset(token)


def retried(call: Callable[[], T], connected: bool = False) -> T:
    """Make an SDK call that may be sent twice without harm. The connector repeats it after transient errors."""
    with repeatable(connected):
        return call()


def current_repetition() -> Optional[Repetition]:
    """The permission of this thread; None without one."""
    return _PERMISSION.get()


class StopFlag:
    """An event that a signal handler may set: it has no lock, which the interrupted code might hold."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, for at most `seconds`; True when it is."""
        end = time.monotonic() + seconds
        while not self._is_set:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _SLICE_SECONDS))
        return True


class SharedPause:
    """A pause that the server requests from one thread, and that all threads observe.

    :param stop: ends all waiting, and forbids further requests, when it is set.
    """

    def __init__(self, stop: Optional[StopFlag] = None) -> None:
        self._stop = stop or StopFlag()
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        """Block all senders for `seconds`."""
        # An assignment is atomic. If two threads race, the two values differ too little to matter.
        self._until = max(self._until, time.monotonic() + seconds)

    def wait(self, seconds: float = 0.0) -> None:
        """Wait for `seconds`, and then until the shared pause is over.

        :raises Stopped: the run was stopped.
        """
        until = time.monotonic() + seconds
        if self._until > until:
            until = self._until + jitter()
        remaining = until - time.monotonic()
        while remaining > 0 and not self._stop.wait(min(remaining, 1.0)):
            remaining = max(until, self._until) - time.monotonic()
        if self._stop.is_set():
            raise Stopped
