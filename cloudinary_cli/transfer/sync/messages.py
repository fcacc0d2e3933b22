"""The messages of `cld sync`: what was found, the plan of a dry run, and the summary."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from cloudinary_cli.console import Console
from cloudinary_cli.transfer.actions import DeleteRemote, delete_batches
from cloudinary_cli.transfer.engine.records import RemoteAsset
from cloudinary_cli.transfer.keys import NAME_MAP
from cloudinary_cli.transfer.remote import RemoteIndex
from cloudinary_cli.transfer.sync.plan import Plan


def print_local(console: Console, folder: str, exists: bool, count: int) -> None:
    """The number of local files."""
    if not exists:
        console.info(f"Local folder '{folder}' does not exist.")
    elif not count:
        console.info(f"Local folder '{folder}' is empty.")
    else:
        console.info(f"Found {count} items in local folder '{folder}'")


def print_remote(console: Console, folder: str, remote: RemoteIndex) -> None:
    """The number of remote assets."""
    name, mode = f"Cloudinary folder '{folder or '/'}'", remote.mode.value
    if not remote.exists:
        console.info(f"{name} does not exist ({mode} folder mode).")
    elif not remote.count:
        console.info(f"{name} is empty. ({mode} folder mode)")
    else:
        console.info(f"Found {remote.count} items in {name} ({mode} folder mode).")
    if remote.outside:
        console.warning(f"{remote.outside} search results are not in the folder, and are ignored.")


def print_ignored(console: Console, remote: RemoteIndex) -> None:
    """The number of assets that are ignored because of their names."""
    if remote.hidden:
        console.warning(f"{remote.hidden} hidden assets are ignored. To include them, add --include-hidden (-H).")
    if remote.reserved:
        console.warning(f"{remote.reserved} assets are ignored: {NAME_MAP} is the name of sync's own file.")


def print_duplicates(console: Console, folder: str, shared: Mapping[str, Sequence[RemoteAsset]]) -> None:
    """The names that occur more than once in the remote folder."""
    if not shared:
        return
    console.warning(f"Cloudinary folder '{folder or '/'}' contains {len(shared)} duplicate asset names")
    for key, group in shared.items():
        console.debug(f"'{key}' is the name of: {', '.join(asset.public_id for asset in group)}")


def print_ambiguous(console: Console, count: int) -> None:
    """The number of files that may be renamed ones, but whose old names are unknown."""
    if count:
        console.info(f"{count} files are not tracked as renames, because several files or assets have their content.")


def print_differences(console: Console, work: Plan, shows_each: bool) -> None:
    """The pairs that are out of sync, or only their number, and the number of those in sync."""
    if work.out_of_sync and not shows_each:
        console.info(f"{len(work.out_of_sync)} items are out of sync")
    for local, remote in work.out_of_sync if shows_each else ():
        other = f" with '{remote.key}'" if remote.key != local.key else ""
        console.warning(f"'{local.key}' is out of sync{other}")
        console.debug(f"'{local.key}': remote etag {remote.etag or 0}, {remote.size} bytes; local {local.size} bytes")
    if work.in_sync:
        console.info(f"Skipping {len(work.in_sync)} items")


def deletion_lines(batches: Iterable[DeleteRemote]) -> List[str]:
    """A line for each kind of asset that is deleted."""
    counts = Counter(f"{asset.type} {asset.resource_type}" for batch in batches for asset in batch.assets)
    return [f"Deleting {count} resources of type {kind}" for kind, count in counts.items()]


def print_plan(console: Console, work: Plan, batch_size: int, backup: Optional[str]) -> None:
    """The plan, for --dry-run.

    :param backup: where the backups would be; None for no backups.
    """
    for batch in delete_batches(work.delete_remote, batch_size):
        console.info(f"Dry run mode enabled. Would delete {len(batch.assets)} resources:")
        for key in batch.keys:
            console.info(key)
    for file in work.delete_local:
        console.info(f"Would delete '{file.path}'")
    for old, new in work.renamed_paths:
        console.info(f"Would rename {old} -> {new}")
    for verb, keys in (("uploaded", _uploads(work)), ("downloaded", _downloads(work))):
        if keys:
            console.info(f"The following files would be {verb}:")
            for key in keys:
                console.info(key)
    if backup is not None:
        console.info(f"Deleted and overwritten files would be kept in '{backup}'.")


def _uploads(work: Plan) -> List[str]:
    return [upload.file.relative for upload in work.uploads]


def _downloads(work: Plan) -> List[str]:
    return [download.relative for download in work.downloads]


def plan_json(work: Plan) -> Dict[str, Any]:
    """The plan as the `plan` member of the summary."""
    deleted = [{"path": asset.key, "public_id": asset.public_id} for asset in work.delete_remote]
    return {
        "upload": _uploads(work),
        "download": _downloads(work),
        "delete": deleted + [{"path": file.relative} for file in work.delete_local],
        "rename": [
            {"from": old, "path": new, "public_id": rename.asset.public_id}
            for rename, (old, new) in zip(work.renames, work.renamed_paths)
        ],
    }


def print_summary(console: Console, counts: Mapping[str, int]) -> None:
    """The table at the end of a transfer."""
    line = "==============="
    rows = [("In Sync", "in_sync"), ("Synced ", "synced"), ("Failed ", "failed")]
    more = [("Renamed", "renamed"), ("Backups", "backed_up"), ("Deleted", "deleted")]
    more += [("Skipped", "skipped"), ("Not begun", "cancelled")]
    rows += [(title, name) for title, name in more if counts.get(name)]
    for text in ("==Sync Status==", line, *(f"{title}| {counts[name]}" for title, name in rows), line):
        console.info(text)
