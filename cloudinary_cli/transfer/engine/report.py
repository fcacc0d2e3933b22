"""Reports on a run: the rows of the display, a line for each item, --report as JSON Lines, and the tally."""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Callable, Dict, Iterator, List, Optional, Union

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError
from cloudinary_cli.progress import Progress, Total
from cloudinary_cli.system.file_access import file_errors, own_descriptor
from cloudinary_cli.system.region import Row
from cloudinary_cli.transfer.engine.records import Outcome, PlannedItem, Status
from cloudinary_cli.transfer.engine.summary import Failures

Record = Callable[[Union[Outcome, PlannedItem]], None]


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
    """Reports outcomes to the user and to a file: `arrived` as soon as there is one, `show` in the plan's order.

    :param progress: the items in progress, for rows(). :param shows_each: also print a line for each success.
    """

    def __init__(
        self,
        console: Console,
        progress: Progress,
        record: Optional[Record] = None,
        shows_each: bool = True,
    ) -> None:
        self._console = console
        self._progress = progress
        self.record: Record = record or (lambda outcome: None)
        self.shows_each = shows_each
        self._created = time.monotonic() - console.waited
        self._total: Optional[Total] = None
        self.tally = Tally()
        self.failures = Failures()

    def begin(self, count: Optional[int], size: int = 0) -> None:
        """Expect `count` further items of together `size` bytes; None and 0 when that is unknown."""
        done, position = self.tally.done, self.tally.size
        self._total = Total(None if count is None else done + count, size and position + size)

    @property
    def seconds(self) -> float:
        """Seconds since the start of the command, without the time in which the user was asked."""
        return time.monotonic() - self._console.waited - self._created

    def arrived(self, outcome: Outcome) -> None:
        """Count and record an outcome."""
        self.tally.add(outcome)
        if outcome.failed:
            self.failures.add(outcome)
        self.record(outcome)

    def show(self, outcome: Outcome) -> None:
        """Print the outcome of an item."""
        if outcome.failed:
            self._console.error(outcome.message or f"Failed: {outcome.key}, error: {outcome.error}")
        elif outcome.status is Status.SKIPPED:
            self._console.warning(outcome.message or f"Skipped: {outcome.key}, {outcome.error}")
        elif outcome.message and self.shows_each:
            self._console.success(outcome.message)

    def rows(self, columns: int, lines: int) -> List[Row]:
        """The rows of the display: the items in progress, and the totals."""
        rows = self._progress.rows(columns, lines)
        if self._total is not None:
            tally, position = self.tally, self.tally.size + self._progress.position
            rows.append(
                self._total.row(tally.done - tally.cancelled, position, tally.failed, self._progress.retries, columns)
            )
        return rows

    def close(self) -> None:
        """Expect no further items."""
        self._total = None


@contextmanager
def report_file(path: Optional[str]) -> Iterator[Record]:
    """Yield a function that writes the line of an outcome or of a planned item at once.

    The previous content is kept until the first outcome, or until a run without outcomes ends: it may be the input of
    --retry-failed, and the run may fail before it starts.

    :raises CliError: on entry when the path cannot be opened for writing, later when a write fails.
    """
    if path is None:
        yield lambda outcome: None
        return
    problem = f"Cannot write the --report file {path}"
    with file_errors(problem):
        descriptor = own_descriptor(path)
        # The mode "w" does not truncate the file of a descriptor.
        target, mode = (path, "a") if descriptor is None else (os.dup(descriptor), "w")
        file: IO[str] = open(target, mode, encoding="utf-8", errors="surrogateescape", buffering=1)  # noqa: SIM115
    is_truncated = descriptor is not None

    def truncate() -> None:
        nonlocal is_truncated
        # A pipe or a device has no content to truncate.
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.truncate(0)
        is_truncated = True

    def record(outcome: Union[Outcome, PlannedItem]) -> None:
        with file_errors(problem):
            if not is_truncated:
                truncate()
            file.write(json.dumps(outcome.as_json()) + "\n")

    try:
        yield record
        if not is_truncated:
            truncate()
    finally:
        with file_errors(problem):
            file.close()  # writes the rest of an incomplete line


def check_input(path: str, report: Optional[str], name: str) -> None:
    """Refuse a report that would overwrite an input file before it is read to its end.

    :param path: of the input; `-` for stdin. :param name: the argument or option that names the input, for the error.
    :raises CliError: both are one regular file.
    """
    try:
        info = os.fstat(0) if path == "-" else os.stat(path)
        is_report = report is not None and stat.S_ISREG(info.st_mode) and os.path.samestat(info, os.stat(report))
    except OSError:  # there is no such file
        return
    if is_report:
        raise CliError(f"{name} and --report are the same file, {report}. Write the report to another file.")
