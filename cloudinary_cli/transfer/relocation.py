"""Renames assets and local files. In dynamic folder mode the public ID and the URL of an asset do not change."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, NamedTuple, Optional, Union

from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.net.retry import repeatable, retried
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.system.moves import move_new
from cloudinary_cli.text import one_line, without_signature
from cloudinary_cli.transfer.engine.records import LocalFile, Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.http.download import target_path
from cloudinary_cli.transfer.keys import FolderMode, joined, normalized, permitted, split_extension


class Destination(NamedTuple):
    """A folder without slashes at its ends, and a file name with its extension."""

    folder: str
    name: str


def move_asset(asset: RemoteAsset, folder: str, display_name: Optional[str] = None) -> Dict[str, Any]:
    """Move an asset to another asset folder (dynamic mode), with another display name if one is given.

    https://cloudinary.com/documentation/admin_api#update_details_of_an_existing_resource

    :raises ApiError: refused, or no response after the retries.
    """
    changes = {"asset_folder": folder, **({"display_name": display_name} if display_name else {})}
    response: Dict[str, Any] = retried(
        lambda: call_api(
            loader.module("admin").update,
            asset.public_id,
            resource_type=asset.resource_type,
            type=asset.type,
            **changes,
        )
    )
    return response


def rename_asset(asset: RemoteAsset, public_id: str, invalidate: bool = True) -> Dict[str, Any]:
    """Give an asset another public ID. An existing asset is never overwritten.

    https://cloudinary.com/documentation/image_upload_api_reference#rename

    :raises ApiError: refused (the public ID is taken), or no response after the retries.
    """
    response: Dict[str, Any]
    with repeatable() as repetition:
        try:
            response = call_api(
                loader.module("uploader").rename,
                asset.public_id,
                public_id,
                overwrite=False,
                invalidate=invalidate,
                resource_type=asset.resource_type,
                type=asset.type,
            )
        except ApiError:
            # If a response was lost, an earlier request may have renamed the asset, and the repeated one was refused.
            renamed = _renamed(asset, public_id) if repetition.may_be_done else None
            if renamed is None:
                raise
            response = renamed
    return response


def _renamed(asset: RemoteAsset, public_id: str) -> Optional[Dict[str, Any]]:
    """The asset under its new public ID; None if it still has the old one, or if another asset has the new one."""
    if _details(asset, asset.public_id) is not None:
        return None
    found = _details(asset, public_id)
    return found if found is not None and found.get("etag") == asset.etag else None


def _details(asset: RemoteAsset, public_id: str) -> Optional[Dict[str, Any]]:
    """:raises ApiError: an error other than 404."""
    try:
        found: Dict[str, Any] = call_api(
            loader.module("admin").resource, public_id, resource_type=asset.resource_type, type=asset.type
        )
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    return found


def is_taken(error: ApiError) -> bool:
    """True when a rename was refused because an asset has the public ID."""
    return error.status == 409 or "already exists" in error.message


def display_name(asset: RemoteAsset, name: str) -> str:
    """The display name with which the asset is listed as `name`."""
    stem, extension = split_extension(name)
    if asset.resource_type == "raw":
        # The extension of a raw asset is part of its public ID. Without one there, the display name has it.
        is_added = split_extension(normalized(asset.public_id))[1] == split_extension(normalized(name))[1]
    else:
        is_added = bool(asset.format and extension)
    return permitted(stem if is_added else name)


def public_id(asset: RemoteAsset, to: Destination) -> str:
    """The public ID with which the asset is listed at its destination in fixed mode."""
    stem, extension = split_extension(to.name)
    if asset.resource_type == "raw":
        stem = to.name if not extension else stem + split_extension(asset.public_id)[1]
    elif not asset.format:
        stem = to.name
    return joined(to.folder, permitted(stem))


@dataclass(frozen=True)
class RenameAsset:
    """Rename an asset after a local file.

    :param key: the path of the file. :param invalidate: the old URL in caches, if the URL changes.
    """

    asset: RemoteAsset
    key: str
    to: Destination
    mode: FolderMode
    invalidate: bool = True
    action: str = "rename"

    @property
    def origin(self) -> str:
        return self.asset.key

    def run(self) -> Outcome:
        return _outcome(self, self._rename)

    def _rename(self) -> Dict[str, Any]:
        asset, to = self.asset, self.to
        if self.mode is FolderMode.DYNAMIC:
            return move_asset(asset, to.folder, display_name(asset, to.name))
        return rename_asset(asset, public_id(asset, to), self.invalidate)


@dataclass(frozen=True)
class RenameFile:
    """Rename a local file after an asset. Nothing is overwritten.

    :param file: its content equalled that of the asset when it was hashed.
    """

    root: str
    file: LocalFile
    asset: RemoteAsset
    action: str = "rename"

    @property
    def key(self) -> str:
        return self.asset.key

    @property
    def origin(self) -> str:
        return self.file.relative

    def run(self) -> Outcome:
        return _outcome(self, self._rename)

    def _rename(self) -> Dict[str, Any]:
        try:
            path = target_path(self.root, self.key)
            self._check_unchanged()
            move_new(self.file.path, path)
        except FileExistsError as error:
            raise CliError(f"there is already a file '{one_line(self.key)}'") from error
        except OSError as error:
            raise CliError(error.strerror or str(error)) from error
        return {}

    def _check_unchanged(self) -> None:
        """:raises CliError: the file has changed since it was listed, so its content may be another."""
        info = os.stat(self.file.path)
        if (info.st_size, info.st_mtime_ns, info.st_ctime_ns) != (
            self.file.size,
            self.file.mtime_ns,
            self.file.ctime_ns,
        ):
            raise CliError("the file has changed since it was compared")


def _outcome(action: Union[RenameAsset, RenameFile], rename: Callable[[], Dict[str, Any]]) -> Outcome:
    """Rename, and report it.

    :param rename: returns the server's response; empty for a file.
    """
    names = f"{action.origin} -> {action.key}"
    outcome = Outcome(action.action, action.key, public_id=action.asset.public_id, origin=action.origin)
    try:
        response = rename()
    except CliError as error:
        message = f"Failed renaming {names}, error: {error.message}"
        return replace(outcome, status=Status.FAILED, error=error.message, message=message, cause=error)
    return replace(
        outcome,
        public_id=response.get("public_id") or outcome.public_id,
        url=without_signature(str(response.get("secure_url") or "")) or None,
        etag=action.asset.etag,
        message=f"Renamed {names}",
        response=response or None,
    )
