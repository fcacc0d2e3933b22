"""Builds the actions of a sync that rename, upload and download, with the backups of what they overwrite."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional

from cloudinary_cli.sdk.delivery import DeliveryUrls
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.actions import DownloadFile, UploadFile
from cloudinary_cli.transfer.engine.executor import TransferAction
from cloudinary_cli.transfer.engine.run import Run
from cloudinary_cli.transfer.http.upload import UploadTarget, is_true
from cloudinary_cli.transfer.keys import FolderMode, normalized
from cloudinary_cli.transfer.relocation import Destination, RenameAsset, RenameFile
from cloudinary_cli.transfer.sync import policy
from cloudinary_cli.transfer.sync.backups import Backups, overwritten_assets
from cloudinary_cli.transfer.sync.plan import Direction, Plan, Rename, Upload
from cloudinary_cli.transfer.upload_options import default_options, folder_option, upload_target


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
        has_new = any(upload.replaces is None for upload in work.uploads)
        config = self.run.app.sdk_config
        target = upload_target(self.run.session, config, self.mode, self.upload_options, has_new)
        uploads = [self._upload(target, upload) for upload in work.uploads]
        if self.backups is None:
            return [*uploads]
        overwritten = overwritten_assets(work, self.mode)
        return [self.backups.before_upload(overwritten.get(upload.key), upload) for upload in uploads]

    def _upload(self, target: UploadTarget, item: Upload) -> UploadFile:
        directory, _, name = item.remote_key.rpartition("/")
        options = {**default_options(self.mode), **self.upload_options}
        options.update(folder_option(self.mode, self._remote_folder(directory)))
        own_name = os.path.basename(item.file.relative)
        if item.remote_key != normalized(item.file.relative):
            options["filename"] = name
        elif nfc(own_name) != own_name:
            options["filename"] = nfc(own_name)
        if item.replaces is not None:
            options.update(policy.in_place(item.replaces, self.mode))
        return UploadFile(target, item.file.relative, item.file.path, options, self.mode, item.file.size)

    def _downloads(self, work: Plan) -> List[TransferAction]:
        if not work.downloads:
            return []
        console, folder = self.run.app.console, self.folder or "/"
        console.info(f"Preparing to download {len(work.downloads)} items from Cloudinary folder '{folder}'")
        console.info(f"Downloading {len(work.downloads)} files from Cloudinary")
        urls = DeliveryUrls(self.run.app.active.fields)
        downloads = [DownloadFile(self.run.session, self.root, item, urls) for item in work.downloads]
        return [*downloads] if self.backups is None else [self.backups.before_download(item) for item in downloads]
