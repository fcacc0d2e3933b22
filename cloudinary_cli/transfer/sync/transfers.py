"""Builds the actions of a sync that rename, upload and download, with the backups of what they overwrite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, List, Mapping, Optional

from cloudinary_cli.sdk.delivery import DeliveryUrls
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.actions import DownloadFile, delete_batches
from cloudinary_cli.transfer.engine.executor import TransferAction
from cloudinary_cli.transfer.engine.records import PlannedItem
from cloudinary_cli.transfer.engine.run import Run
from cloudinary_cli.transfer.http.upload import UploadTarget, is_true
from cloudinary_cli.transfer.keys import FolderMode
from cloudinary_cli.transfer.planned import PlannedUpload, deletion_item, download_item, local_deletion_item
from cloudinary_cli.transfer.relocation import Destination, RenameAsset, RenameFile
from cloudinary_cli.transfer.sync import policy
from cloudinary_cli.transfer.sync.backups import Backups, overwritten_assets
from cloudinary_cli.transfer.sync.plan import Direction, Plan, Rename, Upload
from cloudinary_cli.transfer.upload_options import upload_target

BATCH_SIZE = 30  # assets that are deleted with one call, by default


@dataclass(frozen=True)
class Transfers:
    """The actions of one run.

    :param root: the local folder. :param folder: the remote folder. :param folders: the server's spelling of folders.
    """

    run: Run
    root: str
    folder: str
    mode: FolderMode
    folders: Mapping[str, str]
    upload_options: Mapping[str, Any]
    backups: Optional[Backups] = None

    def actions(self, work: Plan) -> List[TransferAction]:
        """All in one list, so that each item has an outcome if the run is interrupted. They may run in any order."""
        if work.direction is Direction.PUSH:
            return [*map(self._rename_asset, work.renames), *self._uploads(work)]
        return [*(RenameFile(self.root, file, asset) for file, asset in work.renames), *self._downloads(work)]

    def _rename_asset(self, rename: Rename) -> RenameAsset:
        directory, _, name = nfc(rename.file.relative).rpartition("/")
        to = Destination(self._remote_folder(directory), name)
        invalidate = is_true(self.upload_options.get("invalidate", True))
        return RenameAsset(rename.asset, rename.file.relative, to, self.mode, invalidate)

    def _remote_folder(self, directory: str) -> str:
        folder = "/".join(name for name in (self.folder, directory) if name)
        return self.folders.get(nfc(folder), folder)

    def _uploads(self, work: Plan) -> List[TransferAction]:
        if not work.uploads:
            return []
        self.run.app.console.info(f"Uploading {len(work.uploads)} items to Cloudinary folder '{self.folder or '/'}'")
        target, given = self._target(work), self.upload_options
        uploads = [self._planned(upload).action(target, self.root, given) for upload in work.uploads]
        if self.backups is None:
            return [*uploads]
        overwritten = overwritten_assets(work, self.mode)
        return [self.backups.before_upload(overwritten.get(upload.key), upload) for upload in uploads]

    def _target(self, work: Plan) -> UploadTarget:
        has_new = any(upload.replaces is None for upload in work.uploads)
        return upload_target(self.run.session, self.run.app.sdk_config, self.mode, self.upload_options, has_new)

    def _planned(self, item: Upload) -> PlannedUpload:
        folder = self._remote_folder(item.remote_key.rpartition("/")[0])
        return PlannedUpload.of_file(item.file, item.remote_key, folder, self.mode, item.replaces)

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

    def _downloads(self, work: Plan) -> List[TransferAction]:
        if not work.downloads:
            return []
        console, folder = self.run.app.console, self.folder or "/"
        console.info(f"Preparing to download {len(work.downloads)} items from Cloudinary folder '{folder}'")
        console.info(f"Downloading {len(work.downloads)} files from Cloudinary")
        urls = DeliveryUrls(self.run.app.active.fields)
        downloads = [DownloadFile(self.run.session, self.root, item, urls) for item in work.downloads]
        return [*downloads] if self.backups is None else [self.backups.before_download(item) for item in downloads]
