"""The backups of `cld sync`: what would be deleted or overwritten is kept in another folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, List, Optional, Union

from cloudinary_cli.errors import CliError
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.engine.executor import TransferAction
from cloudinary_cli.transfer.engine.records import Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.keys import FolderMode, place
from cloudinary_cli.transfer.sync.backup_actions import BackUpAsset, BackUpFile
from cloudinary_cli.transfer.sync.disk_names import identity
from cloudinary_cli.transfer.sync.plan import Direction, Plan


@dataclass(frozen=True)
class WithBackup:
    """A transfer that overwrites something, after the backup of that. Without the backup, nothing is overwritten."""

    backup: Union[BackUpFile, BackUpAsset]
    transfer: TransferAction
    items: int = 2  # the outcomes of run()

    @property
    def action(self) -> str:
        return self.transfer.action

    @property
    def key(self) -> str:
        return self.transfer.key

    @property
    def size(self) -> Optional[int]:
        size: Optional[int] = getattr(self.transfer, "size", None)
        return size

    def run(self) -> List[Outcome]:
        kept = self.backup.run()
        if kept.status is not Status.OK:
            reason = "not overwritten, because there is no backup of it"
            return [kept, Outcome(self.action, self.key, Status.SKIPPED, reason)]
        done = self.transfer.run()
        return [kept, *(done if isinstance(done, list) else [done])]


def overwritten_assets(work: Plan, mode: FolderMode) -> Dict[str, RemoteAsset]:
    """The assets that uploads overwrite, by the path of the file.

    In fixed mode that may be an asset to be deleted, too: a new a.png gets the public ID of a deleted a.jpg.
    """
    new_type = work.upload_type
    deleted = {place(asset.server_key, mode): asset for asset in work.delete_remote if asset.type == new_type}
    found: Dict[str, RemoteAsset] = {}
    for upload in work.uploads:
        asset = upload.replaces
        if asset is None and mode is FolderMode.FIXED:
            asset = deleted.get(place(upload.remote_key, mode))
        if asset is not None:
            found[upload.file.relative] = asset
    return found


def check(direction: Direction, place: str, local: str, remote: str) -> None:
    """:raises CliError: a sync would delete the backups, or the place cannot have any."""
    if direction is Direction.PUSH:
        first, second = (nfc(f"/{folder}/" if folder else "/") for folder in (place, remote))
        overlap, kind = first.startswith(second) or second.startswith(first), "folder"
        names = f"--backup-folder {place or '/'} and the Cloudinary folder '{remote or '/'}'"
    else:
        first, second = os.path.realpath(place), os.path.realpath(local)
        overlap, kind = _is_within(first, second) or _is_within(second, first), "directory"
        names = f"--backup-dir {place} and the local folder '{local}'"
    if overlap:
        raise CliError(f"{names} overlap. Give a {kind} beside it: a sync would delete the backups.")
    if direction is Direction.PULL and os.path.lexists(place) and not os.path.isdir(place):
        raise CliError(f"--backup-dir {place} is not a directory.")


def _is_within(path: str, directory: str) -> bool:
    """Compares inodes too: on some file systems two spellings are the same directory."""
    inode = identity(directory)
    while True:
        if path == directory or (inode is not None and identity(path) == inode):
            return True
        parent = os.path.dirname(path)
        if parent == path:
            return False
        path = parent
