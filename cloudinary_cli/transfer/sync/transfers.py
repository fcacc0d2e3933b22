"""Builds the actions of a sync that rename, upload, download and delete, with the backups of what they replace."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, List, Mapping, Optional, Sequence

from cloudinary_cli.sdk.delivery import DeliveryUrls
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.actions import DeleteLocal, DownloadFile, delete_batches
from cloudinary_cli.transfer.engine.executor import TransferAction
from cloudinary_cli.transfer.engine.records import Outcome, PlannedItem, RemoteAsset, Status
from cloudinary_cli.transfer.engine.run import Run
from cloudinary_cli.transfer.http.download import unsafe_reason
from cloudinary_cli.transfer.http.upload import UploadTarget, is_true
from cloudinary_cli.transfer.keys import FolderMode, joined
from cloudinary_cli.transfer.planned import PlannedUpload, deletion_item, download_item, local_deletion_item
from cloudinary_cli.transfer.relocation import Destination, RenameAsset, RenameFile
from cloudinary_cli.transfer.sync import disk_names, messages, policy
from cloudinary_cli.transfer.sync.backup_actions import BackUpAsset, BackUpFile, MoveAsset
from cloudinary_cli.transfer.sync.backups import WithBackup, overwritten_assets
from cloudinary_cli.transfer.sync.plan import Direction, Plan, Rename, Upload
from cloudinary_cli.transfer.upload_options import upload_target

BATCH_SIZE = 30  # assets that are deleted with one call, by default


@dataclass(frozen=True)
class Transfers:
    """The actions of one run.

    :param root: the local folder. :param folder: the remote folder. :param folders: the server's spelling of folders.
    :param backup: the directory of a pull, or the Cloudinary folder of a push; None for no backups.
    """

    run: Run
    root: str
    folder: str
    mode: FolderMode
    folders: Mapping[str, str]
    upload_options: Mapping[str, Any]
    backup: Optional[str] = None

    def actions(self, work: Plan) -> List[TransferAction]:
        """All in one list, so that each item has an outcome if the run is interrupted. They may run in any order."""
        if work.direction is Direction.PUSH:
            return [*map(self._rename_asset, work.renames), *self._uploads(work)]
        return [*(RenameFile(self.root, file, asset) for file, asset in work.renames), *self._downloads(work)]

    def _path(self, relative: str) -> str:
        return os.path.join(self.root, *relative.split("/"))

    def _rename_asset(self, rename: Rename) -> RenameAsset:
        directory, _, name = nfc(rename.file.relative).rpartition("/")
        to = Destination(self._remote_folder(directory), name)
        invalidate = is_true(self.upload_options.get("invalidate", True))
        return RenameAsset(rename.asset, rename.file.relative, to, self.mode, invalidate)

    def _remote_folder(self, directory: str) -> str:
        folder = joined(self.folder, directory)
        return self.folders.get(nfc(folder), folder)

    # -- uploads

    def _uploads(self, work: Plan) -> List[TransferAction]:
        if not work.uploads:
            return []
        self.run.app.console.info(f"Uploading {len(work.uploads)} items to Cloudinary folder '{self.folder or '/'}'")
        target, given = self._target(work), self.upload_options
        uploads = [self._planned(upload).action(target, self.root, given) for upload in work.uploads]
        if self.backup is None:
            return [*uploads]
        overwritten, urls = overwritten_assets(work, self.mode), DeliveryUrls(self.run.app.active.fields)
        copies = UploadTarget(self.run.session, self.run.app.sdk_config)
        return [
            WithBackup(BackUpAsset(overwritten[upload.key], self.backup, self.mode, copies, urls), upload)
            if upload.key in overwritten
            else upload
            for upload in uploads
        ]

    def _target(self, work: Plan) -> UploadTarget:
        has_new = any(upload.replaces is None for upload in work.uploads)
        return upload_target(self.run.session, self.run.app.sdk_config, self.mode, self.upload_options, has_new)

    def _planned(self, item: Upload) -> PlannedUpload:
        folder = self._remote_folder(item.remote_key.rpartition("/")[0])
        return PlannedUpload.of_file(item.file, item.remote_key, folder, self.mode, item.replaces)

    # -- downloads

    def _downloads(self, work: Plan) -> List[TransferAction]:
        if not work.downloads:
            return []
        console, folder = self.run.app.console, self.folder or "/"
        console.info(f"Preparing to download {len(work.downloads)} items from Cloudinary folder '{folder}'")
        console.info(f"Downloading {len(work.downloads)} files from Cloudinary")
        urls = DeliveryUrls(self.run.app.active.fields)
        return [self._kept_first(DownloadFile(self.run.session, self.root, item, urls)) for item in work.downloads]

    def _kept_first(self, download: DownloadFile) -> TransferAction:
        """The download, after the backup of the file that it overwrites, if there is one."""
        path = self._path(download.key)
        if self.backup is None or unsafe_reason(download.key) or not os.path.lexists(path):
            return download
        return WithBackup(BackUpFile(self.run.session.stop, path, self.backup, download.key), download)

    # -- deletions

    def deletions(self, work: Plan, remote: Sequence[RemoteAsset], batch_size: int) -> List[TransferAction]:
        """:param remote: the assets to delete, without those that an upload has replaced."""
        written = [*(item.relative for item in work.downloads), *(new for _, new in work.renamed_paths)]
        local = disk_names.other_files(work.delete_local, map(self._path, written))
        if self.backup is not None:
            stop, place = self.run.session.stop, self.backup
            files = [BackUpFile(stop, file.path, place, file.relative, is_moved=True) for file in local]
            return [*(MoveAsset(asset, place, self.mode) for asset in remote), *files]
        batches = list(delete_batches(remote, batch_size))
        for line in messages.deletion_lines(batches):
            self.run.app.console.info(line)
        return [*batches, *map(DeleteLocal, local)]

    # -- the lines of a plan

    def items(self, work: Plan) -> Iterator[PlannedItem]:
        """The lines of a plan, with the deletions at the end. A plan has no renames."""
        if work.uploads:
            target, given = self._target(work), self.upload_options
            for upload in map(self._planned, work.uploads):
                yield (upload if upload.replaces else upload.with_public_id(target, given)).as_item()
        yield from map(download_item, work.downloads)
        for batch in delete_batches(policy.pending_deletions(work, set(), self.mode), BATCH_SIZE):
            yield from map(deletion_item, batch.assets)
        yield from map(local_deletion_item, work.delete_local)


def report_kept(run: Run, keys: Iterable[str]) -> None:
    """Report the deletions that are not made because of an earlier failure."""
    count, reason = 0, "not deleted, because not everything was transferred"
    for key in keys:
        run.reporter.arrived(Outcome("delete", key, Status.SKIPPED, reason))
        count += 1
    if count:
        run.app.console.warning(f"{count} files are not deleted, because not everything was transferred.")
