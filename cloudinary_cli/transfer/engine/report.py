"""Reports on a run: a progress line on a terminal, a line for each item, --report as JSON Lines, and the tally."""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Callable, Dict, Iterator, Optional

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer.engine.records import Outcome, Status

_REDRAW_SECONDS = 0.1
_KIB = 1024.0


@dataclass
class Tally:
    """The number of items so far, by their status."""

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
    """Reports outcomes to the user and to a file: `arrived` as soon as there is one, `show` in the plan's order."""

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
        """Expect `total` further items; None when the number is unknown."""
        self._total = None if total is None else self.tally.done + total
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start of the command."""
        return time.monotonic() - self._created

    def arrived(self, outcome: Outcome) -> None:
        """Count and record an outcome, and redraw the progress line at most ten times a second."""
        self.tally.add(outcome)
        self._record(outcome)
        now = time.monotonic()
        if self._progress and now >= self._next_redraw:
            self._next_redraw = now + _REDRAW_SECONDS
            self._console.status(progress_line(self.tally, self._total, now - self._started))

    def show(self, outcome: Outcome) -> None:
        """Print the outcome of an item."""
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
    """`412/1000  41%  3.2 MiB  98 items/s  ETA 6 s`, and the number of failures if there are any.

    Without a total: `412  98 items/s`.
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
    """Yield a function that writes the line of an outcome at once.

    The previous content is kept until the first outcome, or until a run without outcomes ends: it may be the input of
    --retry-failed, and the run may fail before it starts.

    :raises CliError: on entry when the path cannot be opened for writing, later when a write fails.
    """
    if path is None:
        yield lambda outcome: None
        return
    try:
        file: IO[str] = open(path, "a", encoding="utf-8", errors="surrogateescape", buffering=1)  # noqa: SIM115
    except OSError as error:
        raise _unwritable(path, error) from error

    is_truncated = False

    def truncate() -> None:
        nonlocal is_truncated
        # A pipe or a device has no content to truncate.
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.truncate(0)
        is_truncated = True

    def record(outcome: Outcome) -> None:
        try:
            if not is_truncated:
                truncate()
            file.write(json.dumps(outcome.as_json()) + "\n")
        except OSError as error:
            raise _unwritable(path, error) from error

    try:
        yield record
        if not is_truncated:
            truncate()
    finally:
        try:
            file.close()
        except OSError as error:  # close() writes the rest of an incomplete line
            raise _unwritable(path, error) from error


def _unwritable(path: str, error: OSError) -> CliError:
    return CliError(f"Cannot write the --report file {path}: {error.strerror or error}.")
