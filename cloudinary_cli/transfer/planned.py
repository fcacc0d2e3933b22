"""Uploads, downloads and deletions as lines of a plan: each record is written by a dry run, and read by --items."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Optional

from cloudinary_cli.text import nfc, without_signature
from cloudinary_cli.transfer.actions import UploadFile
from cloudinary_cli.transfer.engine.plan_file import PlanLine
from cloudinary_cli.transfer.engine.records import Download, LocalFile, PlannedItem, RemoteAsset
from cloudinary_cli.transfer.http.download import unsafe_reason
from cloudinary_cli.transfer.http.upload import UploadSource, UploadTarget, with_public_id
from cloudinary_cli.transfer.keys import FolderMode, normalized
from cloudinary_cli.transfer.upload_options import default_options, folder_option

_TEXTS = (
    *("public_id", "resource_type", "type", "format", "etag", "created_at", "asset_folder", "display_name"),
    *("access_mode", "secure_url"),
)

# What would give a replaced asset another public ID or delivery type.
_NAMING = ("type", "folder", "public_id_prefix", "use_asset_folder_as_public_id_prefix")


def safe_path(item: PlanLine) -> str:
    """The path of an item below a local folder.

    :raises CliError: it leads out of the folder.
    """
    reason = unsafe_reason(item.path)
    if reason is not None:
        raise item.error(reason)
    return item.path


@dataclass(frozen=True)
class PlannedUpload:
    """A file to upload: as a new asset, or to replace the content of an asset.

    `public_id` is that of a new asset; if it is empty, the server derives it from the file name or chooses it.
    `filename` is sent instead of the file's own name.
    """

    path: str  # relative to the local folder, with slashes
    mode: FolderMode
    folder: str = ""
    filename: str = ""
    public_id: str = ""
    replaces: Optional[RemoteAsset] = None
    size: Optional[int] = None  # bytes

    @classmethod
    def of_file(
        cls, file: LocalFile, remote_key: str, folder: str, mode: FolderMode, replaces: Optional[RemoteAsset] = None
    ) -> "PlannedUpload":
        """The upload of a file as the asset with this key: the path below the remote folder."""
        own_name = os.path.basename(file.relative)
        filename = ""
        if remote_key != normalized(file.relative):
            filename = remote_key.rpartition("/")[2]
        elif nfc(own_name) != own_name:
            filename = nfc(own_name)
        return cls(file.relative, mode, folder, filename, replaces=replaces, size=file.size)

    @classmethod
    def of_item(cls, item: PlanLine) -> "PlannedUpload":
        """:raises CliError: a member is missing or unusable."""
        mode = item.text("folder_mode")
        if mode not in [each.value for each in FolderMode]:
            raise item.error(f"its 'folder_mode' is '{mode}', not fixed or dynamic")
        replaces = remote_asset(item) if item.values.get("replaces") else None
        public_id = "" if replaces else item.text("public_id", "")
        texts = item.text("folder", ""), item.text("filename", ""), public_id
        return cls(safe_path(item), FolderMode(mode), *texts, replaces, item.number("bytes"))

    def as_item(self) -> PlannedItem:
        """The line of the plan."""
        values: Dict[str, Any] = {"bytes": self.size, "folder_mode": self.mode.value, "folder": self.folder}
        values.update(filename=self.filename, public_id=self.public_id)
        if self.replaces is not None:
            values.update(_asset_values(self.replaces), bytes=self.size, replaces=True)
        return PlannedItem("upload", self.path, values)

    def with_public_id(self, target: UploadTarget, given: Mapping[str, Any]) -> "PlannedUpload":
        """The same upload with the public ID that an upload would choose, so that a repetition creates no second asset.

        :param given: the options of each upload.
        """
        options = self.options(given)
        if options.get("public_id"):
            return self
        return replace(self, public_id=with_public_id(target, UploadSource(self.path), options).get("public_id") or "")

    def options(self, given: Mapping[str, Any]) -> Dict[str, Any]:
        """The options of the SDK's `upload`.

        :param given: the options of each upload.
        """
        options = {**default_options(self.mode), **given, **folder_option(self.mode, self.folder)}
        if self.filename:
            options["filename"] = self.filename
        if self.replaces is not None:
            options = {name: value for name, value in options.items() if name not in _NAMING}
            options.update(_in_place(self.replaces, self.mode))
        elif self.public_id:
            options["public_id"] = self.public_id
        return options

    def action(self, target: UploadTarget, root: str, given: Mapping[str, Any]) -> UploadFile:
        """The upload of the file below `root`."""
        path = os.path.join(root, *self.path.split("/"))
        return UploadFile(target, self.path, path, self.options(given), self.mode, self.size)


def _in_place(asset: RemoteAsset, mode: FolderMode) -> Dict[str, Any]:
    """Upload options that replace the content of an existing asset, whatever its name is."""
    options: Dict[str, Any] = {"public_id": asset.public_id, "invalidate": True}
    if asset.type != "upload":
        options["type"] = asset.type
    if mode is FolderMode.FIXED:
        folder, _, options["public_id"] = asset.public_id.rpartition("/")
        options["folder"] = folder or None
    return options


def remote_asset(item: PlanLine) -> RemoteAsset:
    """The asset of an item.

    :raises CliError: a member is missing or unusable.
    """
    defaults = {"public_id": None, "resource_type": "image", "type": "upload"}
    texts = {name: item.text(name, defaults.get(name, "")) for name in _TEXTS}
    return RemoteAsset(item.path, size=item.number("bytes"), version=item.number("version"), **texts)


def _asset_values(asset: RemoteAsset) -> Dict[str, Any]:
    values: Dict[str, Any] = {name: getattr(asset, name) for name in _TEXTS}
    if without_signature(asset.secure_url) != asset.secure_url:
        values["secure_url"] = ""  # the signature gives anyone access to the asset
    return {"bytes": asset.size, "version": asset.version, **values}


def download_item(item: Download) -> PlannedItem:
    """The line of a download."""
    return PlannedItem("download", item.relative, _asset_values(item.asset))


def deletion_item(asset: RemoteAsset) -> PlannedItem:
    """The line of an asset to delete."""
    return PlannedItem("delete", asset.key, _asset_values(asset))


def local_deletion_item(file: LocalFile) -> PlannedItem:
    """The line of a local file to delete."""
    return PlannedItem("delete", file.relative, {"bytes": file.size, "mtime_ns": file.mtime_ns})


def local_file(item: PlanLine, root: str) -> LocalFile:
    """The local file of an item.

    :raises CliError: the path leads out of the folder, or the item is an asset.
    """
    path = safe_path(item)
    size, mtime_ns = item.number("bytes"), item.number("mtime_ns")
    if size is None or mtime_ns is None:
        raise item.error("it has no 'bytes' and 'mtime_ns' of a local file")
    return LocalFile(path, path, os.path.join(root, *path.split("/")), size, mtime_ns)
