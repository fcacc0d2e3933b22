"""`--items`: the lines of a plan, which `--dry-run --report` has written. One line at a time is held in memory."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, Callable, Generic, Iterator, List, Mapping, Optional, Sequence, TypeVar, Union

from cloudinary_cli.errors import CliError
from cloudinary_cli.system.file_access import file_errors, stdin_descriptor
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.records import PlannedItem, Status
from cloudinary_cli.transfer.engine.report import check_input
from cloudinary_cli.transfer.engine.run import Run, TransferOptions
from cloudinary_cli.transfer.engine.summary import MAX_NAMES

T = TypeVar("T")

DELETE = "delete"
# Much longer than any item. A longer line means that the file is not a plan.
LONGEST_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class PlanLine:
    """One line: what is to be done with one item."""

    where: str  # for errors: "Line 3 of plan.jsonl"
    action: str
    path: str  # the item's name in reports
    values: Mapping[str, Any]

    def text(self, name: str, default: Optional[str] = None) -> str:
        """:raises CliError: the member is not text, or is missing and has no default."""
        value = self.values.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.error(f"its '{name}' is not text")
        return value

    def number(self, name: str) -> Optional[int]:
        """:raises CliError: the member is neither missing nor a whole number."""
        value = self.values.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise self.error(f"its '{name}' is not a whole number")
        return value

    def error(self, reason: str) -> CliError:
        return CliError(f"{self.where} cannot be used: {reason}. Give a file that --dry-run --report has written.")


@dataclass
class PlanTotal:
    """The number of selected items of a file, and the names of the first ones."""

    count: int = 0
    deletions: int = 0
    names: List[str] = field(default_factory=list)
    deleted: List[str] = field(default_factory=list)

    def add(self, item: PlanLine) -> None:
        """Count an item."""
        is_deletion = item.action == DELETE
        self.count += 1
        self.deletions += is_deletion
        names = self.deleted if is_deletion else self.names
        if len(names) < MAX_NAMES:
            names.append(item.path)

    @property
    def transfers(self) -> int:
        return self.count - self.deletions


@dataclass
class PlanFile(Generic[T]):
    """The items of a file that belong to the run, as records of the command. It can be read several times.

    :param parse: makes the record of an item. :param includes: True for an item that belongs to the run.
    """

    name: str
    file: IO[bytes]
    parse: Callable[[PlanLine], T]
    includes: Callable[[PlanLine], bool]

    def __iter__(self) -> Iterator[T]:
        """:raises CliError: a line is malformed. The message has its number."""
        for item in self._lines():
            if self.includes(item):
                yield self.parse(item)

    def check(self, run: Run) -> PlanTotal:
        """Read all lines once, so that a malformed line is an error before anything is changed.

        :raises CliError: a line is malformed.
        """
        total = PlanTotal()
        with run.session.progress.item(f"Reading {self.name}", detail=lambda: f"{total.count} items"):
            try:
                for item in self._lines():
                    _check_cloud(item, run.cloud_name)
                    self.parse(item)
                    if self.includes(item):
                        total.add(item)
            except CliError as error:
                raise CliError(f"{error.message} Nothing was changed.") from error
        run.app.console.info(f"{total.count} items of {self.name} belong to this run")
        return total

    def print_plan(self, run: Run) -> None:
        """Print the items, for --dry-run, and write them to its --report."""
        run.app.console.info("The following would be done:")
        for item in filter(self.includes, self._lines()):
            run.app.console.info(one_line(f"{item.action} {item.path}", None))
            run.plan([PlannedItem(item.action, item.path, item.values)])

    def _lines(self) -> Iterator[PlanLine]:
        self.file.seek(0)
        number = 0
        while True:
            line = self.file.readline(LONGEST_LINE_BYTES)
            if not line:
                return
            number += 1
            if line.strip():
                yield _item(f"Line {number} of {self.name}", line)


def _check_cloud(item: PlanLine, cloud_name: str) -> None:
    """:raises CliError: the plan was made for another cloud."""
    cloud = item.values.get("cloud")
    if cloud not in (None, cloud_name):
        raise item.error(f"it is for the cloud '{cloud}', and this run changes the cloud '{cloud_name}'")


def _item(where: str, line: bytes) -> PlanLine:
    try:
        values: Any = json.loads(line.decode("utf-8-sig"))  # an editor on Windows may have added a BOM
    except (ValueError, RecursionError):
        values = None
    item = PlanLine(where, "", "", values if isinstance(values, dict) else {})
    if not isinstance(values, dict):
        raise item.error("it is not a JSON object")
    status = item.text("status", Status.PLANNED.value)
    if status != Status.PLANNED.value:
        raise item.error(f"its status is '{status}', so it is from the report of a run, not from a plan")
    return PlanLine(where, item.text("action"), item.text("path"), values)


@contextmanager
def open_plan(
    options: TransferOptions, parse: Callable[[PlanLine], T], includes: Callable[[PlanLine], bool]
) -> Iterator[PlanFile[T]]:
    """Open the file of --items. What is not a regular file, such as stdin (`-`), is copied to a temporary file.

    :raises CliError: the file cannot be read, or is also the file of --report.
    """
    path = str(options.items)
    name = "stdin" if path == "-" else path
    check_input(path, options.report, "--items")
    source: Union[int, str] = stdin_descriptor("--items") if path == "-" else path
    with ExitStack() as stack:
        with file_errors(f"Cannot read the --items file {name}"):
            file: IO[bytes] = stack.enter_context(open(source, "rb", closefd=path != "-"))
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                copy = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, copy)
                file = copy
        yield PlanFile(name, file, parse, includes)


def one_of(item: PlanLine, actions: Sequence[str]) -> str:
    """The action of an item. :raises CliError: the command does not have this action."""
    if item.action not in actions:
        raise item.error(f"its action is '{item.action}', and this run only knows: {', '.join(actions)}")
    return item.action
