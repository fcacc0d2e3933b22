"""Handles files with several names: on file systems that ignore case or Unicode normal forms, and through links.

Each file system has its own rules, so names are compared by trying them on the disk.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.part_file import new_path
from cloudinary_cli.transfer.engine.records import Download, LocalFile, Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.http.download import unsafe_reason
from cloudinary_cli.transfer.keys import folded
from cloudinary_cli.transfer.sync.matching import Matched, Pair
from cloudinary_cli.transfer.sync.plan import Plan

Identity = Tuple[int, int]


def identity(path: str) -> Optional[Identity]:
    """Device and inode of a path (of a link, not of its target); None if nothing is there."""
    try:
        info = os.lstat(path)
    except (OSError, ValueError):
        return None
    return info.st_dev, info.st_ino


def existing(root: str, relative: str) -> Optional[Identity]:
    """What is at the path of an asset below the folder; None if nothing is, or the path is unsafe."""
    return None if unsafe_reason(relative) else identity(os.path.join(root, relative))


def paired_by_disk(matched: Matched, root: str) -> Matched:
    """Pair assets and files whose names differ, but whose paths are the same file.

    Otherwise `IMG.png` would be downloaded over `img.png`, and then deleted as the local-only `img.png`.
    """
    if not matched.local_only:
        return matched
    found = [(asset, existing(root, asset.key)) for asset in matched.remote_only]
    wanted = {inode for _, inode in found if inode is not None}
    files: Dict[Identity, List[LocalFile]] = {}
    for file in matched.local_only if wanted else ():
        inode = identity(file.path)
        if inode in wanted:
            files.setdefault(inode, []).append(file)
    pairs: Dict[str, Pair] = {}
    for asset, inode in found:
        if inode in files:
            local = _best(files.pop(inode), asset)
            pairs[local.relative] = Pair(local, asset)
    paired = {pair.remote.identity for pair in pairs.values()}
    return replace(
        matched,
        pairs=sorted([*matched.pairs, *pairs.values()], key=lambda pair: pair.local.key),
        local_only=[file for file in matched.local_only if file.relative not in pairs],
        remote_only=[asset for asset in matched.remote_only if asset.identity not in paired],
    )


def _best(files: Sequence[LocalFile], asset: RemoteAsset) -> LocalFile:
    """Of several hard links to a file, the one with the name of the asset."""
    return next((file for file in files if folded(file.relative) == folded(asset.key)), files[0])


def without_clashes(work: Plan, root: str, local: Sequence[LocalFile], may_write: bool) -> Tuple[Plan, List[Outcome]]:
    """Remove downloads that would overwrite another asset's file from the plan of a pull.

    Returns the plan, and the failed outcomes of the removed downloads.

    :param local: all files of the folder. :param may_write: a temporary directory may be created to try new names.
    """
    others = _overwritten(work, root, {file.relative for file in local})
    if may_write:
        others.update(_equivalent_names(work, root))
    rest = [item for item in work.downloads if item.relative not in others]
    return replace(work, downloads=rest), [
        _clash(item, others[item.relative]) for item in work.downloads if item.relative in others
    ]


def _clash(item: Download, other: str) -> Outcome:
    reason = f"'{one_line(item.relative)}' and '{one_line(other)}' are one file on this disk. Rename one of the assets"
    message = f"Failed downloading: {reason}."
    return Outcome("download", item.relative, Status.FAILED, reason, public_id=item.asset.public_id, message=message)


def _overwritten(work: Plan, root: str, names: Set[str]) -> Dict[str, str]:
    """Downloads with new names that are the file of another asset: name -> name of that file."""
    new = [(item.relative, existing(root, item.relative)) for item in work.downloads if item.relative not in names]
    if not any(inode for _, inode in new):
        return {}
    kept = [pair.local for pair in [*work.in_sync, *work.out_of_sync]]
    owners = {identity(file.path): file.relative for file in kept}
    return {relative: owners[inode] for relative, inode in new if inode is not None and inode in owners}


def _equivalent_names(work: Plan, root: str) -> Dict[str, str]:
    """Downloads whose name is, on this disk, the name of another asset: name -> other name."""
    groups: Dict[str, List[str]] = {}
    for relative in [*(pair.local.relative for pair in work.in_sync), *(item.relative for item in work.downloads)]:
        if not unsafe_reason(relative):
            groups.setdefault(folded(relative), []).append(relative)
    others: Dict[str, str] = {}
    for group in groups.values():
        for name in group:
            for other in group:
                if name != other and name not in others and is_one_name(root, name, other):
                    others[name] = other
    return others


def is_one_name(root: str, first: str, second: str) -> bool:
    """True when two relative paths are one file on this disk. Tried in a temporary directory."""
    differing = [names for names in zip(first.split("/"), second.split("/")) if names[0] != names[1]]
    try:
        with _empty_directory(root, first) as directory:
            return all(_is_one_file(directory, *names) for names in differing)
    except OSError:
        return False  # the download reports the same error


@contextmanager
def _empty_directory(root: str, relative: str) -> Iterator[str]:
    """A temporary directory in the nearest existing parent of a path, where the same rules for names apply."""
    os.makedirs(root, exist_ok=True)
    parent = os.path.dirname(os.path.join(root, relative))
    while not os.path.isdir(parent):
        parent = os.path.dirname(parent)
    path = new_path(parent)
    os.mkdir(path)
    try:
        yield path
    finally:
        os.rmdir(path)


def _is_one_file(directory: str, first: str, second: str) -> bool:
    path = os.path.join(directory, first)
    open(path, "xb").close()
    try:
        return os.path.lexists(os.path.join(directory, second))
    finally:
        os.unlink(path)


def other_files(files: Iterable[LocalFile], written: Iterable[str]) -> List[LocalFile]:
    """The files that are not in `written` under another name. Only these may be deleted."""
    inodes = {identity(path) for path in written} - {None}
    return [file for file in files if identity(file.path) not in inodes]
