"""Finds the local files and the assets of two folders at the same time, and how they match."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Iterator, List, Sequence, Set

from cloudinary_cli.console import Console
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.progress import Progress
from cloudinary_cli.transfer.engine.background import Background
from cloudinary_cli.transfer.engine.records import LocalFile, Outcome, RemoteAsset
from cloudinary_cli.transfer.remote import AssetCollector, Assets, RemoteIndex, RemoteQuery, list_folder
from cloudinary_cli.transfer.scan import ScanResult, scan
from cloudinary_cli.transfer.sync import disk_names, matching, messages
from cloudinary_cli.transfer.sync.matching import Etag
from cloudinary_cli.transfer.sync.name_map import NameMap
from cloudinary_cli.transfer.sync.plan import Direction


@dataclass(frozen=True)
class Folders:
    """A local folder, and the Cloudinary folder that it is compared with."""

    local: str
    remote: RemoteQuery
    include_hidden: bool = False


@dataclass
class Found:
    """The local files, the assets, and how they match."""

    names: NameMap
    local: ScanResult
    remote: RemoteIndex
    assets: List[RemoteAsset] = field(default_factory=list)
    matched: matching.Matched = field(default_factory=matching.Matched)
    keys: Set[str] = field(default_factory=set)  # of all local files
    others: List[LocalFile] = field(default_factory=list)  # the files without an asset of the other shards
    clashes: List[Outcome] = field(default_factory=list)


def list_both(
    app: AppContext,
    progress: Progress,
    folders: Folders,
    direction: Direction,
    begin: Callable[[Sequence[LocalFile]], None],
) -> Found:
    """List both sides at the same time.

    :param begin: called with the local files while the remote listing is in progress. It may start to hash them.
    :raises CliError: the source of the sync does not exist, or a side cannot be listed.
    """
    names = NameMap.load(folders.local)
    listing = Background(lambda: list_remote(app, progress, folders.remote))
    local = scan(folders.local, folders.include_hidden, progress)
    messages.print_local(app.console, folders.local, local.exists, len(local.files))
    if direction is Direction.PUSH and not local.exists:
        raise CliError(f"Cannot push a non-existent local folder '{folders.local}'. Check its name.")
    begin(local.files)
    remote = listing.result()
    messages.print_remote(app.console, folders.remote.folder, remote)
    if direction is Direction.PULL and not remote.exists:
        raise CliError(
            f"Cannot pull from a non-existent Cloudinary folder '{folders.remote.folder}'. Find it with:"
            " cld search_folders"
        )
    return Found(names, local, remote)


def list_remote(
    app: AppContext, progress: Progress, query: RemoteQuery, new_collector: Callable[[], AssetCollector] = Assets
) -> RemoteIndex:
    """List the Cloudinary folder while its name and the number of assets are shown; see list_folder()."""
    with progress.item(f"Listing Cloudinary folder {query.folder or '/'}"):
        return list_folder(query, app.clock, new_collector)


def match(
    found: Found,
    console: Console,
    folders: Folders,
    etag: Etag,
    by_disk: bool,
    is_taken: Callable[[str], bool] = lambda key: False,
) -> None:
    """Match the files with the assets, without the assets that are ignored because of their names.

    :param by_disk: also pair a file with the asset whose path is, on this disk, another name of the file.
    :param is_taken: True for the key of an asset that is already paired, and is not in `found`.
    """
    known = found.names.effective({asset.key for asset in found.remote.assets})
    found.remote.leave_out(folders.include_hidden, set(known.values()))
    messages.print_ignored(console, found.remote)
    files = matching.distinct(found.local.files, known)
    found.assets, shared = matching.resolve_duplicates(found.remote.assets, files, etag, is_taken)
    messages.print_duplicates(console, folders.remote.folder, shared)
    known = found.names.effective({asset.key for asset in found.assets})
    found.matched = matching.match(files, found.assets, known, etag)
    if by_disk:
        found.matched = disk_names.paired_by_disk(found.matched, folders.local)
    found.keys = {file.key for file in files}


def item_paths(matched: matching.Matched) -> Iterator[str]:
    """The path of each item: that of the local file if there is one."""
    yield from (pair.local.relative for pair in matched.pairs)
    yield from (file.relative for file in matched.local_only)
    yield from (asset.key for asset in matched.remote_only)
