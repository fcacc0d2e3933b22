"""Ends a run early: on a signal, on an error that would recur for all further items, or after --max-errors failures."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import contextmanager, suppress
from typing import Iterator, Optional, Sequence, Set

from cloudinary_cli.net.connector import HostUnreachable
from cloudinary_cli.net.retry import StopFlag, Stopped
from cloudinary_cli.system.signals import SIGNALS
from cloudinary_cli.transfer.engine.records import Outcome

MAX_UNREACHABLE = 10
_STOP_NOTICE = (
    "Stopping: requests in progress are finished. A file that is sent in parts is not stored. Interrupt again to end"
    " at once."
)
# Errors that would recur at every further write.
_UNWRITABLE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS)


class Stop:
    """The request to end a run. After request() no new item is started; abort() ends everything at once.

    `reason` is set when the run itself decided to stop, `signal` when the user did.
    """

    def __init__(self) -> None:
        self.requested = StopFlag()
        self.reason = ""
        self.signal: Optional[int] = None
        self._files: Set[str] = set()
        self._aborted = False
        self._lock = threading.Lock()
        self._notice: Optional[str] = None

    def request(self, notice: Optional[str] = None) -> None:
        """Start no more items. Items in progress may finish. Safe in a signal handler.

        :param notice: for take_notice(), because a signal handler must not print.
        """
        self._notice = notice
        self.requested.set()

    def take_notice(self) -> Optional[str]:
        """The message for the user about the request. Returned once."""
        notice, self._notice = self._notice, None
        return notice

    def halt(self, reason: str) -> None:
        """Start no more items, because the remaining ones cannot succeed. The first reason is kept."""
        if not self.requested.is_set():
            self.reason = reason
            self.request()

    @contextmanager
    def temporary(self, path: str) -> Iterator[str]:
        """Register a temporary file for the block. It is removed at the end, or when the run is aborted before that.

        :raises Stopped: the run was aborted.
        """
        with self._lock:
            if self._aborted:
                raise Stopped
            self._files.add(path)
        try:
            yield path
        finally:
            _remove(path)
            with self._lock:
                self._files.discard(path)

    def abort(self) -> None:
        """End at once. The threads die with the process, so their temporary files are removed here."""
        self.request()
        with self._lock:
            self._aborted = True
            for path in self._files:
                _remove(path)


def _remove(path: str) -> None:
    with suppress(OSError):  # never created, or renamed to its target
        os.unlink(path)


class StopRules:
    """Watches outcomes, from any thread, and halts the run.

    It halts at the first error of a full or read-only disk, after MAX_UNREACHABLE items in a row that could not connect
    to a host that has never responded, and after `max_errors` failures.

    :param max_errors: None for no limit.
    """

    def __init__(self, stop: Stop, max_errors: Optional[int] = None) -> None:
        self._stop = stop
        self._max_errors = max_errors
        self._failed = self._unreachable = 0
        self._host = ""
        self._lock = threading.Lock()

    def watch(self, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of one action into account."""
        with self._lock:
            for outcome in outcomes:
                self._watch_one(outcome)

    def _watch_one(self, outcome: Outcome) -> None:
        causes = list(_causes(outcome.cause)) if outcome.failed else []
        self._failed += outcome.failed
        self._count_unreachable(next((cause.host for cause in causes if isinstance(cause, HostUnreachable)), ""))
        unwritable = next((c for c in causes if isinstance(c, OSError) and c.errno in _UNWRITABLE), None)
        if unwritable is not None:
            self._stop.halt(os.strerror(unwritable.errno or 0))
        elif self._unreachable >= MAX_UNREACHABLE:
            self._stop.halt(f"{self._host} cannot be reached")
        elif self._max_errors is not None and self._failed >= self._max_errors:
            self._stop.halt(f"--max-errors {self._max_errors} is reached")

    def _count_unreachable(self, host: str) -> None:
        self._unreachable = self._unreachable + 1 if host and host == self._host else int(bool(host))
        self._host = host


def _causes(error: Optional[BaseException]) -> Iterator[BaseException]:
    """An error and the errors that it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


@contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """The first signal in the block requests a stop, the second one aborts. Executor.run() passes on the notice."""

    def on_signal(signum: int) -> bool:
        if stop.signal is not None:
            return False
        stop.signal = signum
        stop.request(_STOP_NOTICE)
        return True

    with SIGNALS.listening(on_signal):
        try:
            yield
        except BaseException:
            stop.abort()
            raise
