"""`cld check`: compares the files of a local folder with the assets of a Cloudinary folder. Changes nothing."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional

from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.progress import counted
from cloudinary_cli.text import to_json
from cloudinary_cli.transfer.check.file_table import FileTable
from cloudinary_cli.transfer.check.hashes import Hashes
from cloudinary_cli.transfer.check.packed import key_of, unpack
from cloudinary_cli.transfer.check.paired_assets import PairedAssets
from cloudinary_cli.transfer.engine.background import Background
from cloudinary_cli.transfer.engine.filters import ItemFilter
from cloudinary_cli.transfer.engine.records import LocalFile, RemoteAsset
from cloudinary_cli.transfer.engine.run import Run, TransferOptions, transfer_run
from cloudinary_cli.transfer.keys import is_hidden, is_reserved, normalized, uploaded_key
from cloudinary_cli.transfer.remote import RemoteIndex, RemoteQuery
from cloudinary_cli.transfer.scan import ScanResult, shown, walk
from cloudinary_cli.transfer.sync import find, messages, plan
from cloudinary_cli.transfer.sync.name_map import NameMap

_LINES_PER_WRITE = 100


@dataclass(frozen=True)
class CheckOptions:
    """The options of `cld check`."""

    local_folder: str
    remote: RemoteQuery
    include_hidden: bool = False
    one_way: bool = False
    transfer: TransferOptions = field(default_factory=TransferOptions)


def check(app: AppContext, options: CheckOptions) -> bool:
    """Print how each item compares. Returns True if there is no difference and no error.

    :raises CliError: a side cannot be listed, or does not exist.
    """
    item_filter = options.transfer.item_filter()
    with transfer_run(app, options.transfer) as run:
        return _Check(run, options, item_filter).run()


class CheckStatus(str, Enum):
    """How an item compares. The symbols are those of `rclone check --combined`, with the local folder as the source."""

    EQUAL = "equal"
    LOCAL_ONLY = "local_only"
    REMOTE_ONLY = "remote_only"
    DIFFERENT = "different"
    ERROR = "error"  # not compared

    @property
    def symbol(self) -> str:
        return dict(zip(CheckStatus, "=+-*!"))[self]


class Comparison(NamedTuple):
    """One item. `path` is that of the local file, or of the asset if there is no file."""

    path: str
    status: CheckStatus
    local: Optional[LocalFile] = None
    remote: Optional[RemoteAsset] = None
    etag: str = ""  # of the local file, if it was computed
    error: str = ""

    def as_json(self) -> Dict[str, Any]:
        """The object of --json. Values that were not needed or are not known are null."""
        local, remote = self.local, self.remote
        return {
            "path": self.path,
            "status": self.status.value,
            "local": local and {"bytes": local.size, "etag": self.etag or None},
            "remote": remote
            and {
                "bytes": remote.size,
                "etag": remote.etag or None,
                "public_id": remote.public_id,
                "resource_type": remote.resource_type,
                "type": remote.type,
            },
            "error": self.error or None,
        }


class _Item(NamedTuple):
    """What is compared, and its place in the output."""

    path: str
    local: Optional[LocalFile] = None
    remote: Optional[RemoteAsset] = None
    error: str = ""


class _Check:
    def __init__(self, run: Run, options: CheckOptions, item_filter: ItemFilter) -> None:
        self._options, self._filter = options, item_filter
        self._app, self._console, self._progress = run.app, run.app.console, run.session.progress
        self._names = NameMap.load(options.local_folder)
        self._mapped = set(self._names.names.values())  # and the keys of assets whose names the server has changed
        self._scanned = ScanResult()
        self._counts = dict.fromkeys(CheckStatus, 0)

    def run(self) -> bool:
        scanning: Background[Hashes] = Background(self._scan)
        collectors: List[PairedAssets] = []

        def new_collector() -> PairedAssets:
            collectors[:] = [self._new_collector(scanning.result())]
            return collectors[0]

        remote = find.list_remote(self._app, self._progress, self._options.remote, new_collector)
        hashes = scanning.result()
        try:
            self._print_found(hashes.table, remote)
            self._print(self._compared(item, hashes) for item in self._items(hashes, collectors[0], remote))
        finally:
            hashes.close()
        return self._finish()

    # -- finding

    def _scan(self) -> Hashes:
        options, names = self._options, self._names.names

        def is_special(file: LocalFile) -> bool:
            remote_key = uploaded_key(file.key)
            if remote_key != file.key:
                self._mapped.add(remote_key)
                return True
            return file.key in names or file.relative in names or self._is_special(file.key)

        with self._progress.item(f"Listing {options.local_folder}"):
            files = walk(options.local_folder, options.include_hidden, self._scanned)
            table = FileTable(options.local_folder, files, is_special)
        if not self._scanned.exists:
            raise CliError(f"The local folder '{options.local_folder}' does not exist. Check its name.")
        return Hashes(table, self._progress)

    def _is_special(self, key: str) -> bool:
        is_ignored = is_reserved(key) or (not self._options.include_hidden and is_hidden(key))
        return is_ignored or key in self._mapped

    def _new_collector(self, hashes: Hashes) -> PairedAssets:
        def request(row: int) -> None:
            if self._filter.includes(hashes.table.path(row)):
                hashes.request(row)

        return PairedAssets(hashes.table, self._is_special, request)

    def _print_found(self, table: FileTable, remote: RemoteIndex) -> None:
        folder = self._options.remote.folder
        messages.print_local(self._console, self._options.local_folder, True, len(table))
        messages.print_remote(self._console, folder, remote)
        if not remote.exists:
            raise CliError(f"The Cloudinary folder '{folder}' does not exist. Find it with: cld search_folders")

    # -- matching

    def _items(self, hashes: Hashes, assets: PairedAssets, remote: RemoteIndex) -> Iterator[_Item]:
        """Everything that is compared, sorted by path."""
        table, includes = hashes.table, self._filter.includes
        others = assets.candidates(remote.assets)
        found = find.Found(self._names, ScanResult(files=[table.file(row) for row in others]), remote)
        folders = find.Folders(self._options.local_folder, self._options.remote, self._options.include_hidden)
        find.match(found, self._console, folders, hashes.etag, by_disk=True, is_taken=assets.is_paired_key)
        known = itertools.chain(
            find.item_paths(found.matched), map(table.path, range(len(table))), map(key_of, assets.lone)
        )
        problems = self._problems(known)
        matched = plan.selected(found.matched, includes)
        for pair in matched.pairs:
            if plan.needs_hash(pair):
                hashes.request(table.row_of_path(pair.local.relative))
        selected = (row for row in _without(len(table), others) if includes(table.path(row)))
        rows = (_Item(table.path(row), table.file(row), assets.asset(row)) for row in selected)
        lone = self._remote_only((unpack(data) for data in assets.lone if includes(key_of(data))), problems)
        rest = [
            *(_Item(pair.local.relative, *pair) for pair in matched.pairs),
            *(_Item(file.relative, file) for file in matched.local_only),
            *self._remote_only(matched.remote_only, problems),
            *(_Item(path, error=reason) for path, reason in problems.items()),
        ]
        path_of = itemgetter(0)
        return heapq.merge(rows, lone, sorted(rest, key=path_of), key=path_of)

    def _problems(self, known: Iterable[str]) -> Dict[str, str]:
        """The paths that cannot be compared, with the reasons. Others that are ignored are only printed.

        :param known: the paths of all items of the two sides.
        """
        every = self._scanned.problems
        problems = [problem for problem in every if self._filter.may_include(problem.key)]
        for problem in problems:
            if not problem.failed:
                self._console.warning(problem.message)
        problems += self._filter.missing(itertools.chain(known, (problem.key for problem in every)))
        return {problem.key: problem.error or "" for problem in problems if problem.failed}

    def _remote_only(self, assets: Iterable[RemoteAsset], problems: Dict[str, str]) -> Iterator[_Item]:
        """The assets without a file, without those whose file cannot be compared."""
        failed = {normalized(path): reason for path, reason in problems.items()}
        directories = [path for path in failed if path.endswith("/")]
        for asset in assets:
            unreadable = (path for path in directories if path == "./" or asset.key.startswith(path))
            if asset.key not in failed:
                yield _Item(asset.key, None, asset, failed.get(next(unreadable, ""), ""))

    # -- comparing

    def _compared(self, item: _Item, hashes: Hashes) -> Comparison:
        path, local, remote, error = item
        if error:
            return Comparison(path, CheckStatus.ERROR, local, remote, error=error)
        if local is None or remote is None:
            return Comparison(path, CheckStatus.LOCAL_ONLY if local else CheckStatus.REMOTE_ONLY, local, remote)
        if remote.size not in (None, local.size):
            return Comparison(path, CheckStatus.DIFFERENT, local, remote)
        if not remote.etag:
            return Comparison(path, CheckStatus.ERROR, local, remote, error="the asset has no etag")
        row = hashes.table.row_of_path(local.relative)
        etag, error = hashes.result(row), hashes.error(row)
        status = CheckStatus.EQUAL if etag == remote.etag else CheckStatus.DIFFERENT
        return Comparison(path, CheckStatus.ERROR if error else status, local, remote, etag, error)

    # -- output

    def _print(self, comparisons: Iterator[Comparison]) -> None:
        lines: List[str] = []
        with self._progress.item("Comparing", detail=lambda: f"{sum(self._counts.values())} items"):
            for comparison in comparisons:
                self._counts[comparison.status] += 1
                if comparison.error:
                    self._console.error(f"'{shown(comparison.path)}' cannot be compared: {comparison.error}.")
                if comparison.status is not CheckStatus.REMOTE_ONLY or not self._options.one_way:
                    lines.append(self._line(comparison))
                if len(lines) == _LINES_PER_WRITE:
                    self._console.data("\n".join(lines))
                    lines.clear()
        if lines:
            self._console.data("\n".join(lines))

    def _line(self, comparison: Comparison) -> str:
        if self._options.transfer.as_json:
            return to_json(comparison.as_json(), getattr(self._console.stdout, "encoding", None), indent=None)
        return f"{comparison.status.symbol} {shown(comparison.path)}"

    def _finish(self) -> bool:
        counts, folder = self._counts, self._options.remote.folder or "/"
        words = {
            CheckStatus.EQUAL: "equal",
            CheckStatus.DIFFERENT: "different",
            CheckStatus.LOCAL_ONLY: f"only in '{self._options.local_folder}'",
            CheckStatus.REMOTE_ONLY: f"only in Cloudinary folder '{folder}'",
            CheckStatus.ERROR: "not compared",
        }
        parts = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
        text = f"Checked {counted(sum(counts.values()), 'item', 'items')}: {', '.join(parts) or 'nothing to compare'}."
        accepted = {CheckStatus.EQUAL, *([CheckStatus.REMOTE_ONLY] if self._options.one_way else [])}
        is_equal = not any(counts[status] for status in counts if status not in accepted)
        (self._console.success if is_equal else self._console.error)(text)
        return is_equal


def _without(count: int, numbers: Iterable[int]) -> Iterator[int]:
    """The numbers below `count` that are not in `numbers`."""
    omitted = bytearray(count)
    for number in numbers:
        omitted[number] = True
    return (number for number in range(count) if not omitted[number])
