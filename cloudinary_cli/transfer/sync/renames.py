"""Plans the renames of `cld sync --track-renames`: an equal file under a new name is renamed on the receiving side."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from typing import Dict, List, Sequence, Set, Tuple

from cloudinary_cli.console import Console
from cloudinary_cli.errors import Declined
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.records import LocalFile, RemoteAsset
from cloudinary_cli.transfer.engine.summary import listed
from cloudinary_cli.transfer.keys import FolderMode, normalized, place, split_extension
from cloudinary_cli.transfer.sync.matching import Etag, Matched
from cloudinary_cli.transfer.sync.plan import Direction, Plan, Rename
from cloudinary_cli.transfer.sync.policy import Sides

_HINT = "Use --force (-F) to rename them, or omit --track-renames."
# The public ID of other types is a URL or is generated.
_RENAMED_TYPES = ("upload", "private", "authenticated")


def candidates(matched: Matched) -> List[LocalFile]:
    """The files without an asset that have the size of an asset without a file. Only these need hashes."""
    sizes = {asset.size for asset in matched.remote_only if asset.etag}
    return [file for file in matched.local_only if file.size in sizes]


def tracked(work: Plan, assets: Sequence[RemoteAsset], mode: FolderMode, etag: Etag) -> Tuple[Plan, int]:
    """The plan with a rename instead of each transfer and deletion of equal content.

    Returns the plan, and the number of files that equal an asset, but are not paired: several files or several assets
    have the content, so it is unknown which one was renamed.

    :param assets: all assets of the remote folder.
    """
    renames, ambiguous = _equal_content(work, etag)
    if work.direction is Direction.PUSH:
        renames = _possible(renames, work, assets, mode)
    else:
        # A relative link would lead elsewhere from another directory.
        renames = [rename for rename in renames if not os.path.islink(rename.file.path)]
    files = {rename.file.relative for rename in renames}
    identities = {rename.asset.identity for rename in renames}
    return (
        replace(
            work,
            uploads=[upload for upload in work.uploads if upload.file.relative not in files],
            downloads=[item for item in work.downloads if item.asset.identity not in identities],
            delete_remote=[asset for asset in work.delete_remote if asset.identity not in identities],
            delete_local=[file for file in work.delete_local if file.relative not in files],
            renames=sorted(renames, key=lambda rename: rename.file.relative),
        ),
        ambiguous,
    )


def _equal_content(work: Plan, etag: Etag) -> Tuple[List[Rename], int]:
    if work.direction is Direction.PUSH:
        files, assets = [upload.file for upload in work.uploads if upload.replaces is None], work.delete_remote
    else:
        paired = {pair.remote.identity for pair in work.out_of_sync}
        files = work.delete_local
        assets = [item.asset for item in work.downloads if item.asset.identity not in paired]
    by_etag: Dict[str, Tuple[List[LocalFile], List[RemoteAsset]]] = {}
    for asset in assets:
        if asset.etag:
            by_etag.setdefault(asset.etag, ([], []))[1].append(asset)
    sizes = {asset.size for asset in assets}
    for file in files:
        equal = by_etag.get(etag(file)) if file.size in sizes else None
        if equal is not None:
            equal[0].append(file)
    groups = [group for group in by_etag.values() if group[0]]
    renames = [Rename(same[0], other[0]) for same, other in groups if len(same) == len(other) == 1]
    return renames, sum(len(same) for same, _ in groups) - len(renames)


def _possible(renames: Sequence[Rename], work: Plan, assets: Sequence[RemoteAsset], mode: FolderMode) -> List[Rename]:
    """The renames of assets that keep the format, and whose old and new names concern no other file or asset.

    So renames and uploads may be made in any order, and neither overwrites anything.
    """
    wanted = Counter(_place_of(upload.file, mode) for upload in work.uploads if upload.replaces is None)
    taken: Set[Tuple[str, str]] = {place(asset.server_key, mode) for asset in assets}
    return [
        rename
        for rename in renames
        if rename.asset.type in _RENAMED_TYPES
        and split_extension(normalized(rename.file.relative))[1] == split_extension(rename.asset.server_key)[1]
        and wanted[_place_of(rename.file, mode)] == 1
        and _place_of(rename.file, mode) not in taken
        and place(rename.asset.server_key, mode) not in wanted
    ]


def _place_of(file: LocalFile, mode: FolderMode) -> Tuple[str, str]:
    return place(normalized(file.relative), mode)


def confirmed(console: Console, work: Plan, sides: Sides) -> bool:
    """Ask whether the assets may get new public IDs, and so new URLs. False: upload and delete instead.

    :raises Declined: there is no input.
    """
    count = len(work.renames)
    lines = [
        f"{count} assets of Cloudinary folder '{one_line(sides.remote)}' of cloud '{one_line(sides.cloud)}' get a new"
        " public ID and a new URL:",
        *(f"  {line}" for line in listed([f"{old} -> {new}" for old, new in work.renamed_paths])),
        "[y]es: rename them. [N]o: upload and delete instead.",
    ]
    answer = console.prompt("\n".join([*lines, "Continue? (y/N) "]), _HINT)
    if answer is None:
        raise Declined("Aborting... Nothing was changed.")
    return answer.lower() in ("y", "yes")
