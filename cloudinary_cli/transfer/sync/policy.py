"""What sync may delete, in which place it uploads, and how it says what it finds; asks, but changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError, Declined
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.actions import DeleteRemote, delete_batches
from cloudinary_cli.transfer.engine.records import Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.engine.run import TransferOptions
from cloudinary_cli.transfer.keys import NAME_MAP, FolderMode, place
from cloudinary_cli.transfer.remote import RemoteIndex
from cloudinary_cli.transfer.scan import ScanResult
from cloudinary_cli.transfer.sync.plan import Direction, Plan, without_overwritten

_HINT = "Use --force (-F) to delete them, or --keep-unique (-K) to keep them."


class Policy(str, Enum):
    """What becomes of files that are on the receiving side only."""

    ASK = "ask"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True)
class Sides:
    """The two folders as a person calls them, and whether there is nothing at all on the side that counts."""

    local: str
    remote: str
    source_is_empty: bool
    status: Optional[str] = None  # --status: which assets were listed


def deletes(console: Console, policy: Policy, options: TransferOptions, work: Plan, sides: Sides) -> bool:
    """True when what is on the receiving side only is to be deleted.

    :raises CliError: it must not be, and nothing was changed. :raises Declined: the user said no.
    """
    count, where = work.deletions, "remote" if work.direction is Direction.PUSH else "local"
    if not count:
        return True
    if policy is Policy.KEEP:
        console.info(f"Keeping {count} {where} files...")
        return False
    if options.shard:
        # Another part may have just uploaded under a name that only its own `.cld-sync` knows.
        console.info(f"Keeping {count} {where} files: with --shard nothing is deleted. Run without it to delete them.")
        return False
    if work.direction is Direction.PULL and sides.status not in (None, "all"):
        # The asset of a local file may exist, with another status.
        console.info(
            f"Keeping {count} local files: with --status {sides.status} nothing is deleted. Run without it to delete"
            " them."
        )
        return False
    refusal = _refusal(options, work, sides)
    if options.dry_run:
        if refusal:
            console.warning(f"Without --dry-run this is refused. {refusal}")
        return True
    if refusal:
        raise CliError(refusal)
    return policy is Policy.DELETE or _asked(console, count, where)


def _refusal(options: TransferOptions, work: Plan, sides: Sides) -> str:
    """Why so much must not be deleted; empty when it may be."""
    count, limit = work.deletions, options.max_delete
    if limit is not None and count > limit:
        return f"{count} files would be deleted, more than --max-delete {limit} allows. Nothing was changed."
    if limit is None and sides.source_is_empty:
        source, target = f"local folder '{sides.local}'", f"Cloudinary folder '{sides.remote}'"
        if work.direction is Direction.PULL:
            source, target = target, source
        return (
            f"The {source} is empty, so all {count} files of {target} would be deleted. Nothing was changed."
            f" If you mean it, add --max-delete {count}."
        )
    return ""


def _asked(console: Console, count: int, where: str) -> bool:
    answer = console.prompt(
        f"Running this command will delete {count} {where} files.\n"
        "To keep them and go on, answer k; to delete them and go on, answer y.\n"
        "Continue? (y/k/N) ",
        _HINT,
    )
    answer = (answer or "").strip().lower()
    if answer == "k":
        console.info(f"Keeping {count} {where} files...")
        return False
    if answer == "y":
        return True
    raise Declined("Aborting... Nothing was changed.")


# -- uploads and deletions


def in_place(asset: RemoteAsset, mode: FolderMode) -> Dict[str, Any]:
    """Upload options that put new content into an existing asset, whatever it is called."""
    options: Dict[str, Any] = {"public_id": asset.public_id, "invalidate": True}
    if asset.type != "upload":
        options["type"] = asset.type
    if mode is FolderMode.FIXED:
        folder, _, options["public_id"] = asset.public_id.rpartition("/")
        options["folder"] = folder or None
    return options


def folders(assets: Iterable[RemoteAsset], mode: FolderMode) -> Dict[str, str]:
    """How the server spells the folders of these assets, by their normal form C: a new asset joins the others."""
    if mode is FolderMode.FIXED:
        names = {asset.public_id.rpartition("/")[0] for asset in assets}
    else:
        names = {asset.asset_folder for asset in assets}
    spelled: Dict[str, str] = {}
    for name in sorted(names):
        while name:
            spelled.setdefault(nfc(name), name)
            name = name.rpartition("/")[0]
    return spelled


def names_itself(answer: Mapping[str, Any], mode: FolderMode) -> bool:
    """True when an upload's answer has what its key is made of; one to an asynchronous upload has not."""
    if mode is FolderMode.DYNAMIC:
        return bool(answer.get("public_id") and answer.get("display_name"))
    return bool(answer.get("public_id") and (answer.get("format") or answer.get("resource_type") == "raw"))


def still_doomed(work: Plan, identities: Set[Tuple[str, str, str]], mode: FolderMode) -> List[RemoteAsset]:
    """The assets to delete, without those that an upload of this run has taken the place of."""
    assets = without_overwritten(work.delete_remote, identities)
    if mode is FolderMode.DYNAMIC:
        return assets
    # In fixed mode the place is known beforehand, also where the server's answer does not tell.
    taken = {place(upload.remote_key, mode) for upload in work.uploads}
    return [asset for asset in assets if asset.type != "upload" or place(asset.server_key, mode) not in taken]


def not_deleted(key: str) -> Outcome:
    """The outcome of a deletion that a failure before it has prevented."""
    return Outcome("delete", key, Status.SKIPPED, "not deleted, because not everything was transferred before")


def skipped(problem: Outcome) -> Outcome:
    """A failure that does not matter."""
    return replace(problem, status=Status.SKIPPED)


# -- prose


def tell_local(console: Console, folder: str, local: ScanResult) -> None:
    """How many files there are here."""
    if not local.exists:
        console.info(f"Local folder '{folder}' does not exist.")
    elif not local.files:
        console.info(f"Local folder '{folder}' is empty.")
    else:
        console.info(f"Found {len(local.files)} items in local folder '{folder}'")


def tell_remote(console: Console, folder: str, remote: RemoteIndex) -> None:
    """How many assets there are there."""
    name, mode = f"Cloudinary folder '{folder or '/'}'", remote.mode.value
    if not remote.exists:
        console.info(f"{name} does not exist ({mode} folder mode).")
    elif not remote.assets:
        console.info(f"{name} is empty. ({mode} folder mode)")
    else:
        console.info(f"Found {len(remote.assets)} items in {name} ({mode} folder mode).")
    if remote.strangers:
        console.warning(f"{remote.strangers} search results are not in the folder, and are left alone.")


def tell_left_out(console: Console, remote: RemoteIndex) -> None:
    """How many assets do not belong to the run because of their names."""
    if remote.hidden:
        console.warning(f"{remote.hidden} hidden assets are left out. To include them, add --include-hidden (-H).")
    if remote.reserved:
        console.warning(f"{remote.reserved} assets are left out: {NAME_MAP} is the name of sync's own record.")


def tell_duplicates(console: Console, folder: str, shared: Mapping[str, Sequence[RemoteAsset]]) -> None:
    """Which names occur more than once there."""
    if not shared:
        return
    console.warning(f"Cloudinary folder '{folder or '/'}' contains {len(shared)} duplicate asset names")
    for key, group in shared.items():
        console.debug(f"'{key}' is the name of: {', '.join(asset.public_id for asset in group)}")


def tell_differences(console: Console, work: Plan) -> None:
    """What is out of sync, and how much is not."""
    for local, remote in work.out_of_sync:
        other = f" with '{remote.key}'" if remote.key != local.key else ""
        console.warning(f"'{local.key}' is out of sync{other}")
        console.debug(f"'{local.key}': remote etag {remote.etag or 0}, {remote.size} bytes; local {local.size} bytes")
    if work.in_sync:
        console.info(f"Skipping {len(work.in_sync)} items")


def deletion_lines(batches: Iterable[DeleteRemote]) -> List[str]:
    """A line for each kind of asset that is about to be deleted."""
    counts: Dict[str, int] = {}
    for batch in batches:
        kind = f"{batch.assets[0].type} {batch.assets[0].resource_type}"
        counts[kind] = counts.get(kind, 0) + len(batch.assets)
    return [f"Deleting {count} resources of type {kind}" for kind, count in counts.items()]


def show(console: Console, work: Plan, batch_size: int) -> None:
    """The plan, as --dry-run shows it."""
    for batch in delete_batches(work.delete_remote, batch_size):
        console.info(f"Dry run mode enabled. Would delete {len(batch.assets)} resources:")
        for public_id in batch.public_ids:
            console.info(public_id)
    for file in work.delete_local:
        console.info(f"Would delete '{file.path}'")
    for verb, keys in (("uploaded", _uploads(work)), ("downloaded", _downloads(work))):
        if keys:
            console.info(f"The following files would be {verb}:")
            for key in keys:
                console.info(key)


def _uploads(work: Plan) -> List[str]:
    return [upload.file.relative for upload in work.uploads]


def _downloads(work: Plan) -> List[str]:
    return [download.relative for download in work.downloads]


def as_json(work: Plan) -> Dict[str, Any]:
    deleted = [{"path": asset.key, "public_id": asset.public_id} for asset in work.delete_remote]
    return {
        "upload": _uploads(work),
        "download": _downloads(work),
        "delete": deleted + [{"path": file.relative} for file in work.delete_local],
    }


def show_summary(console: Console, counts: Mapping[str, int]) -> None:
    """The table at the end of a transfer."""
    line = "==============="
    rows = [("In Sync", "in_sync"), ("Synced ", "synced"), ("Failed ", "failed")]
    more = [("Deleted", "deleted"), ("Skipped", "skipped"), ("Not begun", "cancelled")]
    rows += [(title, name) for title, name in more if counts[name]]
    for text in ("==Sync Status==", line, *(f"{title}| {counts[name]}" for title, name in rows), line):
        console.info(text)
