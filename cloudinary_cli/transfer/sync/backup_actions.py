"""Actions that keep a file or an asset elsewhere. They never overwrite an older backup: the new one gets a number."""

from __future__ import annotations

import filecmp
import os
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Callable, Dict, Iterator

from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.sdk.delivery import DeliveryUrls
from cloudinary_cli.system.moves import copy_new, link_new
from cloudinary_cli.text import without_signature
from cloudinary_cli.transfer.actions import delivery_url
from cloudinary_cli.transfer.engine.part_file import new_path
from cloudinary_cli.transfer.engine.records import Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.engine.stop import Stop
from cloudinary_cli.transfer.http.download import target_path
from cloudinary_cli.transfer.http.upload import UploadSource, UploadTarget, upload
from cloudinary_cli.transfer.keys import FolderMode, joined, split_extension
from cloudinary_cli.transfer.relocation import Destination, is_taken, move_asset, public_id, rename_asset
from cloudinary_cli.transfer.sync.matching import numbered

_ACTION = "backup"


def _names(name: str) -> Iterator[str]:
    """`a.jpg`, `a (1).jpg`, `a (2).jpg`, and so on."""
    return chain([name], numbered(name))


@dataclass(frozen=True)
class BackUpFile:
    """Keep a local file in the backup directory, under its relative path.

    It is linked there if possible, else copied. A symbolic link is copied as a file, because its target may change.

    :param is_moved: then delete the file.
    """

    stop: Stop
    path: str
    directory: str
    key: str
    is_moved: bool = False
    action: str = _ACTION

    def run(self) -> Outcome:
        if not os.path.lexists(self.path):
            return Outcome(self.action, self.key)  # already deleted
        try:
            kept = self._keep()
            if self.is_moved:
                os.unlink(self.path)
        except (CliError, OSError) as error:
            reason = error.message if isinstance(error, CliError) else error.strerror or str(error)
            message = f"Failed keeping a backup of '{self.path}', error: {reason}"
            return Outcome(self.action, self.key, Status.FAILED, reason, message=message, cause=error)
        verb = "Moved" if self.is_moved else "Kept"
        return Outcome(self.action, self.key, message=f"{verb} '{self.key}' as '{kept}'")

    def _keep(self) -> str:
        for name in _names(self.key):
            path = target_path(self.directory, name)
            try:
                self._link_or_copy(path)
                return path
            except FileExistsError:
                # An earlier run has made this backup, and could not overwrite the file.
                if os.path.isfile(path) and filecmp.cmp(self.path, path, shallow=False):
                    return path
        raise AssertionError("unreachable")

    def _link_or_copy(self, path: str) -> None:
        if not os.path.islink(self.path):
            try:
                link_new(self.path, path)
                return
            except FileExistsError:
                raise
            except OSError:
                pass  # another file system, or one without hard links
        with self.stop.temporary(new_path(os.path.dirname(path))) as temporary:
            copy_new(self.path, path, temporary)


@dataclass(frozen=True)
class MoveAsset:
    """Move an asset to the backup folder. In dynamic mode its public ID and its URL do not change."""

    asset: RemoteAsset
    folder: str
    mode: FolderMode
    action: str = _ACTION

    @property
    def key(self) -> str:
        return self.asset.key

    def run(self) -> Outcome:
        return _outcome(self.asset, self._moved, f"Moved '{self.key}' to Cloudinary folder '{self.folder}'")

    def _moved(self) -> Dict[str, Any]:
        to = _destination(self.folder, self.key)
        if self.mode is FolderMode.DYNAMIC:
            return move_asset(self.asset, to.folder)
        for name in _names(to.name):
            try:
                return rename_asset(self.asset, public_id(self.asset, to._replace(name=name)))
            except ApiError as error:
                if not is_taken(error):
                    raise
        raise AssertionError("unreachable")


@dataclass(frozen=True)
class BackUpAsset:
    """Copy the content of an asset to a new asset in the backup folder, before the asset is overwritten.

    The server fetches the copy from the delivery URL. Only the content is copied, without tags and other attributes.
    """

    asset: RemoteAsset
    folder: str
    mode: FolderMode
    target: UploadTarget
    urls: DeliveryUrls
    action: str = _ACTION

    @property
    def key(self) -> str:
        return self.asset.key

    def run(self) -> Outcome:
        outcome = _outcome(self.asset, self._copied)
        return replace(outcome, message=outcome.message or f"Kept '{self.key}' as {outcome.public_id}")

    def _copied(self) -> Dict[str, Any]:
        asset, to, is_fixed = self.asset, _destination(self.folder, self.key), self.mode is FolderMode.FIXED
        source = UploadSource(url=delivery_url(asset, self.urls))
        options: Dict[str, Any] = {"resource_type": asset.resource_type, "type": asset.type, "overwrite": False}
        if not is_fixed:
            options.update(asset_folder=to.folder, display_name=asset.display_name or split_extension(to.name)[0])
        for name in _names(to.name if is_fixed else self._versioned_id()):
            identifier = public_id(asset, to._replace(name=name)) if is_fixed else name
            response = upload(self.target, source, {**options, "public_id": identifier})
            is_equal = not asset.etag or response.get("etag") == asset.etag
            if response.get("existing") and not is_equal:
                continue  # an older backup
            if not is_equal:
                raise ApiError("the copy has another etag than the asset")
            return response
        raise AssertionError("unreachable")

    def _versioned_id(self) -> str:
        """A public ID for this version of the asset. So a repeated run finds the copy of an interrupted one."""
        stem, extension = self.asset.public_id, ""
        if self.asset.resource_type == "raw":
            stem, extension = split_extension(self.asset.public_id)
        return f"{stem}_v{self.asset.version or self.asset.etag}{extension}"


def _destination(folder: str, key: str) -> Destination:
    directory, _, name = key.rpartition("/")
    return Destination(joined(folder, directory), name)


def _outcome(asset: RemoteAsset, keep: Callable[[], Dict[str, Any]], message: str = "") -> Outcome:
    """Keep an asset elsewhere, and report it with the public ID of the backup.

    :param keep: returns the server's response. :param message: of a success.
    """
    try:
        response = keep()
    except CliError as error:
        reason = without_signature(error.message)
        text = f"Failed keeping a backup of '{asset.key}', error: {reason}"
        return Outcome(_ACTION, asset.key, Status.FAILED, reason, public_id=asset.public_id, message=text, cause=error)
    url = without_signature(str(response.get("secure_url") or "")) or None
    return Outcome(_ACTION, asset.key, public_id=response.get("public_id"), url=url, etag=asset.etag, message=message)
