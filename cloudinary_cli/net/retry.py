"""When a request is repeated: backoff with jitter, the pause the server states, and one pause that all threads keep.

The connector has the only loop. This module knows statuses and headers; it sends nothing.
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Iterator, Mapping, Optional

# Refused before any work was done: safe to send again whatever the request is.
NOT_PROCESSED = frozenset([420, 429, 503])
TRANSIENT = frozenset([500, 502, 504])
RATE_LIMITED = frozenset([420, 429])
_FIRST_BACKOFF_SECONDS = 0.5
_JITTER_SECONDS = 0.2


class Stopped(Exception):
    """The run was stopped before this request was sent, or sent again."""


@dataclass(frozen=True)
class Patience:
    """How long one caller goes on; pauses in seconds."""

    attempts: int = 4
    # A rate limit that resets later than this is reported rather than waited for.
    longest_pause: float = 30.0
    # A refused connection does not come back within seconds; a restarted server during a long transfer does.
    outlasts_refusal: bool = False


PATIENT = Patience(longest_pause=300.0, outlasts_refusal=True)


@dataclass
class Repetition:
    """Permission to repeat the requests of an SDK call, whatever their method.

    `connected` means that the server has responded before, so a refused connection may succeed soon.
    `may_be_done` becomes True when a request was repeated although the server may have done it already.
    """

    connected: bool = False
    may_be_done: bool = False


# The SDK passes nothing through to the connector, so the permission goes beside the call.
_PERMISSION: "ContextVar[Optional[Repetition]]" = ContextVar("repetition", default=None)


@contextmanager
def repeatable(connected: bool = False) -> Iterator[Repetition]:
    """In this block the connector may repeat the requests that this thread sends: their repetition does no harm."""
    permission = Repetition(connected)
    token = _PERMISSION.set(permission)
    try:
        yield permission
    finally:
        _PERMISSION.reset(token)


def current_repetition() -> Optional[Repetition]:
    """The permission that is in force in this thread; None without one."""
    return _PERMISSION.get()


def backoff(attempt: int) -> float:
    """Seconds to wait after the failed attempt of this number (from 1): exponential, the upper half at random."""
    longest: float = _FIRST_BACKOFF_SECONDS * 2 ** (attempt - 1)
    return random.uniform(longest / 2, longest)


def stated_pause(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds until the server wants to be asked again: Retry-After, or the reset time of the Admin API."""
    for name in ("Retry-After", "X-FeatureRateLimit-Reset"):
        value = headers.get(name)
        if not value or (name != "Retry-After" and headers.get("X-FeatureRateLimit-Remaining") != "0"):
            continue
        try:
            if value.strip().isdigit():
                return float(value)
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (TypeError, ValueError):
            continue
    return None


_SLICE_SECONDS = 0.1


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
    """A server that tells one thread to wait has told all of them.

    :param stop: when it is set, nobody waits any longer and nothing more is sent.
    """

    def __init__(self, stop: Optional[StopFlag] = None) -> None:
        self._stop = stop or StopFlag()
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        """Let nobody send for so long."""
        # A plain assignment is atomic; of two that race, either is right to within a moment.
        self._until = max(self._until, time.monotonic() + seconds)

    def wait(self, seconds: float = 0.0) -> None:
        """Wait for `seconds`, and then for as long as the pause holds.

        :raises Stopped: the run was stopped.
        """
        until = time.monotonic() + seconds
        if self._until > until:
            # Clients that were refused together do not come back together.
            until = self._until + random.uniform(0, _JITTER_SECONDS)
        remaining = until - time.monotonic()
        while remaining > 0 and not self._stop.wait(min(remaining, 1.0)):
            remaining = max(until, self._until) - time.monotonic()
        if self._stop.is_set():
            raise Stopped
