"""What a run says about itself: progress on a terminal, a line for each item, --report as JSON Lines, the tally."""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Callable, Dict, Iterator, List, Optional

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer.engine.records import Outcome, Status

_REDRAW_SECONDS = 0.1
_KIB = 1024.0


@dataclass
class Tally:
    """Counts of what came of the items so far."""

    counts: Dict[Status, int] = field(default_factory=dict)
    size: int = 0  # bytes

    def add(self, outcome: Outcome) -> None:
        self.counts[outcome.status] = self.counts.get(outcome.status, 0) + 1
        self.size += outcome.size

    def of(self, status: Status) -> int:
        return self.counts.get(status, 0)

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def ok(self) -> int:
        return self.of(Status.OK)

    @property
    def failed(self) -> int:
        return self.of(Status.FAILED)

    @property
    def cancelled(self) -> int:
        return self.of(Status.CANCELLED)


class Reporter:
    """Tells a person and a file what happens. `arrived` comes first for each outcome, `show` in the plan's order."""

    def __init__(
        self,
        console: Console,
        progress: bool = True,
        record: Optional[Callable[[Outcome], None]] = None,
    ) -> None:
        self._console = console
        self._progress = progress and console.shows_status()
        self._record = record or (lambda outcome: None)
        self._created = self._started = time.monotonic()
        self._next_redraw = 0.0
        self._total: Optional[int] = 0
        self.tally = Tally()

    def begin(self, total: Optional[int]) -> None:
        """Expect so many items, from now on; None when nobody knows how many."""
        self._total = None if total is None else self.tally.done + total
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the command began."""
        return time.monotonic() - self._created

    def arrived(self, outcome: Outcome) -> None:
        """Count and record an outcome, and redraw the progress line now and then."""
        self.tally.add(outcome)
        self._record(outcome)
        now = time.monotonic()
        if self._progress and now >= self._next_redraw:
            self._next_redraw = now + _REDRAW_SECONDS
            self._console.status(progress_line(self.tally, self._total, now - self._started))

    def show(self, outcome: Outcome) -> None:
        """Say what became of an item."""
        if outcome.failed:
            self._console.error(outcome.message or f"Failed: {outcome.key}, error: {outcome.error}")
        elif outcome.status is Status.SKIPPED:
            self._console.warning(outcome.message or f"Skipped: {outcome.key}, {outcome.error}")
        elif outcome.message:
            self._console.success(outcome.message)

    def close(self) -> None:
        if self._progress:
            self._console.status("")


def progress_line(tally: Tally, total: Optional[int], seconds: float) -> str:
    """`412/1000  41%  3.2 MiB  98 items/s  ETA 6 s`, and the number of failures where there are any.

    Where the total is unknown, `412  98 items/s`.
    """
    rate = tally.done / seconds if seconds > 0 else 0.0
    parts = [str(tally.done)]
    if total is not None:
        parts = [f"{tally.done}/{total}", f"{100 * tally.done // total if total else 100}%"]
    if tally.size:
        parts.append(readable_size(tally.size))
    parts.append(f"{rate:.0f} items/s" if rate >= 10 else f"{rate:.1f} items/s")
    if rate > 0 and total is not None:
        parts.append(f"ETA {readable_time((total - tally.done) / rate)}")
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    return "  ".join(parts)


def readable_size(size: float) -> str:
    """Bytes in binary units."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _KIB:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= _KIB
    return f"{size:.1f} TiB"


def readable_time(seconds: float) -> str:
    """`12 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def report_file(path: Optional[str]) -> Iterator[Callable[[Outcome], None]]:
    """Yield a function that appends an outcome's line; each is on its way to the disk before the next item begins.

    What the file held before stays until there is a first outcome, or the end of a run without any: it may be the
    list of what is to be done again, and the run may fail before it begins.

    :raises CliError: on entry when the path cannot be written, and later when the file system refuses.
    """
    if path is None:
        yield lambda outcome: None
        return
    try:
        file: IO[str] = open(path, "a", encoding="utf-8", errors="surrogateescape", buffering=1)  # noqa: SIM115
    except OSError as error:
        raise _unwritable(path, error) from error

    is_new: List[bool] = []

    def renew() -> None:
        # A pipe or a device cannot be emptied, and holds nothing.
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.truncate(0)
        is_new.append(True)

    def record(outcome: Outcome) -> None:
        try:
            if not is_new:
                renew()
            file.write(json.dumps(outcome.as_json()) + "\n")
        except OSError as error:
            raise _unwritable(path, error) from error

    try:
        yield record
        if not is_new:
            renew()
    finally:
        try:
            file.close()
        except OSError as error:  # what could not be written before is tried once more here
            raise _unwritable(path, error) from error


def _unwritable(path: str, error: OSError) -> CliError:
    return CliError(f"Cannot write the --report file {path}: {error.strerror or error}.")
