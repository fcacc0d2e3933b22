"""Decides what sync may delete, with a question to the user, and which options an upload gets. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Dict, Iterable, List, Mapping, Optional, Protocol, Set, Tuple

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError, Declined
from cloudinary_cli.text import nfc, one_line
from cloudinary_cli.transfer.engine.records import Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.engine.run import TransferOptions
from cloudinary_cli.transfer.engine.summary import listed
from cloudinary_cli.transfer.keys import FolderMode, place
from cloudinary_cli.transfer.sync.plan import Direction, Plan, without_overwritten

_HINT = "Use --force (-F) to delete them, or --keep-unique (-K) to keep them."


class Policy(str, Enum):
    """What to do with files that exist only on the receiving side."""

    ASK = "ask"
    DELETE = "delete"
    KEEP = "keep"


class Deletions(Protocol):
    """What is to be deleted: the number of files, and the names of all or of the first ones."""

    @property
    def direction(self) -> Direction: ...

    @property
    def deletions(self) -> int: ...

    @property
    def deleted_names(self) -> List[str]: ...


@dataclass(frozen=True)
class Sides:
    """The names of the two folders and of the cloud for messages, and whether the source is empty."""

    local: str
    remote: str
    cloud: str
    source_is_empty: bool
    status: Optional[str] = None  # of --status: which assets were listed
    backup: str = ""  # of --backup-dir or --backup-folder: where deleted files are moved


def deletes(console: Console, policy: Policy, options: TransferOptions, work: Deletions, sides: Sides) -> bool:
    """True when the files that exist only on the receiving side are to be deleted.

    :raises CliError: they must not be deleted. Nothing was changed. :raises Declined: the user declined.
    """
    count, where = work.deletions, "remote" if work.direction is Direction.PUSH else "local"
    if not count:
        return True
    if policy is Policy.KEEP:
        console.info(f"Keeping {count} {where} files...")
        return False
    if options.shard and not options.items:
        # Another part may have just uploaded a file under a name that only its own `.cld-sync` has.
        console.info(f"Keeping {count} {where} files: with --shard nothing is deleted. Run without it to delete them.")
        return False
    if work.direction is Direction.PULL and sides.status not in (None, "all"):
        # The asset of a local file may exist with another status.
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
    return policy is Policy.DELETE or _confirmed(console, work, sides)


def _refusal(options: TransferOptions, work: Deletions, sides: Sides) -> str:
    """Why so many files must not be deleted; empty if they may be."""
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


def _confirmed(console: Console, work: Deletions, sides: Sides) -> bool:
    count, is_push = work.deletions, work.direction is Direction.PUSH
    where = "remote" if is_push else "local"
    local = f"local folder '{one_line(sides.local)}'"
    remote = f"Cloudinary folder '{one_line(sides.remote)}' of cloud '{one_line(sides.cloud)}'"
    target, source = (remote, local) if is_push else (local, remote)
    verb, place = ("move", f" to '{one_line(sides.backup)}'") if sides.backup else ("delete", "")
    lines = [
        f"Running this command will {verb} {count} {where} files of {target}{place}. They are not in {source}:",
        *(f"  {name}" for name in listed(work.deleted_names, count=count)),
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
    assets = without_overwritten(work.delete_remote, identities)
    if mode is FolderMode.DYNAMIC:
        return assets
    # In fixed mode the public ID is known in advance, even if the response does not have it.
    taken = {place(upload.remote_key, mode) for upload in work.uploads}
    return [asset for asset in assets if asset.type != "upload" or place(asset.server_key, mode) not in taken]


def not_deleted(key: str) -> Outcome:
    """The outcome of a deletion that was prevented by an earlier failure."""
    return Outcome("delete", key, Status.SKIPPED, "not deleted, because not everything was transferred")


def skipped(problem: Outcome) -> Outcome:
    """The problem as a skipped item, which does not make the run fail."""
    return replace(problem, status=Status.SKIPPED)
