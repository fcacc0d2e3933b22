"""Decides what sync may delete, with a question to the user, and which options an upload gets. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError, Declined
from cloudinary_cli.text import nfc, one_line
from cloudinary_cli.transfer.engine.records import RemoteAsset
from cloudinary_cli.transfer.engine.run import TransferOptions
from cloudinary_cli.transfer.engine.summary import listed
from cloudinary_cli.transfer.keys import FolderMode, place
from cloudinary_cli.transfer.sync.plan import Direction, Plan

_HINT = "Use --force (-F) to delete them, or --keep-unique (-K) to keep them."


class Policy(str, Enum):
    """What to do with files that exist only on the receiving side."""

    ASK = "ask"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True)
class Sides:
    """The names of the two folders and of the cloud for messages, and whether the source is empty."""

    direction: Direction
    local: str
    remote: str
    cloud: str
    source_is_empty: bool
    status: Optional[str] = None  # of --status: which assets were listed
    backup: str = ""  # of --backup-dir or --backup-folder: where deleted files are moved


def deletes(
    console: Console, policy: Policy, options: TransferOptions, sides: Sides, count: int, names: Sequence[str]
) -> bool:
    """True when the `count` files that exist only on the receiving side are to be deleted.

    :param names: of all of them, or of the first ones.
    :raises CliError: they must not be deleted. Nothing was changed. :raises Declined: the user declined.
    """
    where = "remote" if sides.direction is Direction.PUSH else "local"
    if not count:
        return True
    if policy is Policy.KEEP:
        console.info(f"Keeping {count} {where} files...")
        return False
    if options.shard and not options.items:
        # Another part may have just uploaded a file under a name that only its own `.cld-sync` has.
        console.info(f"Keeping {count} {where} files: with --shard nothing is deleted. Run without it to delete them.")
        return False
    if sides.direction is Direction.PULL and sides.status not in (None, "all"):
        # The asset of a local file may exist with another status.
        console.info(
            f"Keeping {count} local files: with --status {sides.status} nothing is deleted. Run without it to delete"
            " them."
        )
        return False
    refusal = _refusal(options, sides, count)
    if options.dry_run:
        if refusal:
            console.warning(f"Without --dry-run this is refused. {refusal}")
        return True
    if refusal:
        raise CliError(refusal)
    return policy is Policy.DELETE or _confirmed(console, sides, count, names)


def _refusal(options: TransferOptions, sides: Sides, count: int) -> str:
    """Why so many files must not be deleted; empty if they may be."""
    limit = options.max_delete
    if limit is not None and count > limit:
        return f"{count} files would be deleted, more than --max-delete {limit} allows. Nothing was changed."
    if limit is None and sides.source_is_empty:
        source, target = f"local folder '{sides.local}'", f"Cloudinary folder '{sides.remote}'"
        if sides.direction is Direction.PULL:
            source, target = target, source
        return (
            f"The {source} is empty, so all {count} files of {target} would be deleted. Nothing was changed."
            f" If you mean it, add --max-delete {count}."
        )
    return ""


def _confirmed(console: Console, sides: Sides, count: int, names: Sequence[str]) -> bool:
    is_push = sides.direction is Direction.PUSH
    where = "remote" if is_push else "local"
    local = f"local folder '{one_line(sides.local)}'"
    remote = f"Cloudinary folder '{one_line(sides.remote)}' of cloud '{one_line(sides.cloud)}'"
    target, source = (remote, local) if is_push else (local, remote)
    verb, place = ("move", f" to '{one_line(sides.backup)}'") if sides.backup else ("delete", "")
    lines = [
        f"Running this command will {verb} {count} {where} files of {target}{place}. They are not in {source}:",
        *(f"  {name}" for name in listed(names, count=count)),
        f"[y]es: {verb} them and continue. [k]eep: keep them and continue. [N]o: stop, nothing is changed.",
    ]
    answer = console.prompt("\n".join([*lines, "Continue? (y/k/N) "]), _HINT)
    answer = (answer or "").strip().lower()
    if answer == "k":
        console.info(f"Keeping {count} {where} files...")
        return False
    if answer == "y":
        return True
    raise Declined("Aborting... Nothing was changed.")


def folders(assets: Iterable[RemoteAsset], mode: FolderMode) -> Dict[str, str]:
    """The server's spelling of the folders of these assets, by normal form C. New assets use the same spelling."""
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


def has_key(response: Mapping[str, Any], mode: FolderMode) -> bool:
    """True when the response to an upload has the members of a key. That to an asynchronous upload does not."""
    if mode is FolderMode.DYNAMIC:
        return bool(response.get("public_id") and response.get("display_name"))
    return bool(response.get("public_id") and (response.get("format") or response.get("resource_type") == "raw"))


def pending_deletions(work: Plan, identities: Set[Tuple[str, str, str]], mode: FolderMode) -> List[RemoteAsset]:
    """The assets to delete, without those that an upload of this run has replaced."""
    assets = [asset for asset in work.delete_remote if asset.identity not in identities]
    if mode is FolderMode.DYNAMIC:
        return assets
    # In fixed mode the public ID is known in advance, even if the response does not have it.
    taken = {place(upload.remote_key, mode) for upload in work.uploads}
    new_type = work.upload_type
    return [asset for asset in assets if asset.type != new_type or place(asset.server_key, mode) not in taken]
