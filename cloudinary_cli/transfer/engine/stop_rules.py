"""Decides from the failures of a run that the rest of it cannot succeed, or is not wanted any more."""

from __future__ import annotations

import errno
import os
import threading
from typing import Iterator, Optional, Sequence

from cloudinary_cli.net.connector import HostUnreachable
from cloudinary_cli.transfer.engine.records import Outcome
from cloudinary_cli.transfer.engine.session import Stop

MOST_UNREACHED = 10
# No item after this one can be written either.
_UNWRITABLE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS)


class StopRules:
    """Watches outcomes, from any thread, and halts the run.

    It halts at the first error of a full or read-only disk, after 10 items in a row that could not reach a host that
    has never responded, and after `max_errors` failures.

    :param max_errors: None for no limit.
    """

    def __init__(self, stop: Stop, max_errors: Optional[int] = None) -> None:
        self._stop = stop
        self._max_errors = max_errors
        self._failed = self._unreached = 0
        self._host = ""
        self._lock = threading.Lock()

    def watch(self, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of one action into account."""
        with self._lock:
            for outcome in outcomes:
                self._watch_one(outcome)

    def _watch_one(self, outcome: Outcome) -> None:
        causes = list(_chain(outcome.cause)) if outcome.failed else []
        self._failed += outcome.failed
        self._count_unreached(next((cause.host for cause in causes if isinstance(cause, HostUnreachable)), ""))
        full = next((c for c in causes if isinstance(c, OSError) and c.errno in _UNWRITABLE), None)
        if full is not None:
            self._stop.halt(os.strerror(full.errno or 0))
        elif self._unreached >= MOST_UNREACHED:
            self._stop.halt(f"{self._host} cannot be reached")
        elif self._max_errors is not None and self._failed >= self._max_errors:
            self._stop.halt(f"--max-errors {self._max_errors} is reached")

    def _count_unreached(self, host: str) -> None:
        self._unreached = self._unreached + 1 if host and host == self._host else int(bool(host))
        self._host = host


def _chain(error: Optional[BaseException]) -> Iterator[BaseException]:
    """An error and those that it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__
