"""Actions for one item: upload, download, delete an asset, delete a file. They run in a worker and print nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence
from urllib.parse import urlsplit

from cloudinary_cli.defaults import is_loopback_host
from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.net.retry import repeatable
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.sdk.delivery import DeliveryUrls, UrlRequest
from cloudinary_cli.text import without_signature
from cloudinary_cli.transfer.engine.records import Download, LocalFile, Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.http.download import Expected, download, target_path
from cloudinary_cli.transfer.http.upload import UploadSource, UploadTarget, upload
from cloudinary_cli.transfer.keys import FolderMode

_RESTRICTED = ("private", "authenticated")


@dataclass(frozen=True)
class UploadFile:
    """Upload a local file with options of the SDK's `upload`."""

    target: UploadTarget
    key: str
    path: str
    options: Mapping[str, Any]
    mode: FolderMode
    size: Optional[int] = None  # bytes, if known
    action: str = "upload"

    def run(self) -> Outcome:
        try:
            source = UploadSource.of_file(self.path)
            response = upload(self.target, source, self.options)
        except CliError as error:
            message = f"Failed uploading {self.path}, error: {error.message}"
            return Outcome(self.action, self.key, Status.FAILED, error.message, message=message, cause=error)
        return uploaded(self.key, self.path, response, self.mode, source.size)


def uploaded(key: str, name: str, response: Dict[str, Any], mode: FolderMode, size: int = 0) -> Outcome:
    """The outcome of an upload that the server has accepted.

    :param name: the name of the file in the message. :param size: of the sent content, in bytes.
    """
    return Outcome(
        "upload",
        key,
        public_id=response.get("public_id"),
        url=response.get("secure_url") or response.get("url"),
        etag=response.get("etag"),
        size=size,
        message=_upload_message(name, response, mode),
        response=response,
    )


def _upload_message(name: str, response: Mapping[str, Any], mode: FolderMode) -> str:
    if response.get("batch_id"):
        return f"Uploading {name} asynchronously with batch_id: {response['batch_id']}"
    public_id = response.get("public_id")
    display_name = response.get("display_name")
    if mode is FolderMode.FIXED or not display_name:
        return f"Successfully uploaded {name} as {public_id}"
    path = "/".join(part for part in (response.get("asset_folder"), display_name) if part)
    extension = f".{response['format']}" if response.get("format") else ""
    return f"Successfully uploaded {name} as {path}{extension} with public_id: {public_id}"


def delivery_url(asset: RemoteAsset, urls: DeliveryUrls) -> str:
    """The delivery URL of the original of an asset, signed if the asset is restricted.

    An API on this machine (the sandbox) also delivers assets. The listed URL is used then, because a login does not
    contain the delivery host.

    :raises ConfigError: a signature is needed, and the configuration has no API secret.
    """
    fields = urls.fields
    api = urlsplit(str(fields.get("upload_prefix") or ""))
    is_local = urlsplit(asset.secure_url)[:2] == api[:2] and is_loopback_host(api.hostname)
    if is_local and not any(fields.get(name) for name in ("cname", "secure_distribution")):
        return asset.secure_url
    extension = f".{asset.format}" if asset.format and asset.resource_type != "raw" and asset.type != "fetch" else ""
    sign = asset.type in _RESTRICTED or asset.access_mode == "authenticated"
    request = UrlRequest(f"{asset.public_id}{extension}", "", asset.resource_type, asset.type, sign)
    # With the version, because a cache may still have an earlier version.
    return urls.url(request, asset.version)


@dataclass(frozen=True)
class DownloadFile:
    """Download an asset to its path below `root`."""

    session: TransferSession
    root: str
    item: Download
    urls: DeliveryUrls
    action: str = "download"

    @property
    def key(self) -> str:
        return self.item.relative

    @property
    def size(self) -> Optional[int]:
        return self.item.asset.size

    def run(self) -> Outcome:
        asset = self.item.asset
        outcome = Outcome(
            self.action, self.key, public_id=asset.public_id, url=asset.public_id, etag=asset.etag or None
        )
        try:
            path = target_path(self.root, self.key, self.session.resolve)
            address = delivery_url(asset, self.urls)
            outcome = replace(outcome, url=without_signature(address))
            size = download(self.session, address, path, Expected(asset.size, asset.etag))
        except CliError as error:
            reason = without_signature(error.message)
            message = f"Failed downloading: {outcome.url}, {reason}"
            return replace(outcome, status=Status.FAILED, error=reason, message=message, cause=error)
        path = os.path.join(self.root, *self.key.split("/"))  # as the user gave it: links are not resolved
        return replace(outcome, size=size, message=f"Downloaded '{self.key}' to '{path}'")


@dataclass(frozen=True)
class DeleteLocal:
    """Delete a local file."""

    file: LocalFile
    action: str = "delete"

    @property
    def key(self) -> str:
        return self.file.relative

    def run(self) -> Outcome:
        try:
            os.unlink(self.file.path)
        except FileNotFoundError:
            pass  # already deleted
        except OSError as error:
            reason = error.strerror or str(error)
            message = f"Failed deleting '{self.file.path}', error: {reason}"
            return Outcome(self.action, self.key, Status.FAILED, reason, message=message, cause=error)
        return Outcome(self.action, self.key, message=f"Deleted '{self.file.path}'")


@dataclass(frozen=True)
class DeleteRemote:
    """Delete assets of one resource type and one delivery type with one call."""

    assets: Sequence[RemoteAsset]
    action: str = "delete"

    @property
    def key(self) -> str:
        return self.assets[0].key

    @property
    def keys(self) -> List[str]:
        return [asset.key for asset in self.assets]

    def run(self) -> List[Outcome]:
        kind = self.assets[0]
        try:
            with repeatable() as repetition:
                states = call_api(
                    loader.module("admin").delete_resources,
                    [asset.public_id for asset in self.assets],
                    resource_type=kind.resource_type,
                    type=kind.type,
                    invalidate=True,
                ).get("deleted")
        except ApiError as error:
            return [self._outcome(asset, str(error)) for asset in self.assets]
        states = states if isinstance(states, dict) else {}
        # If a response was lost, an earlier request may have deleted the assets.
        accepted = ("deleted", "not_found") if repetition.may_be_done else ("deleted",)
        return [self._outcome(asset, "", states.get(asset.public_id, "no result"), accepted) for asset in self.assets]

    def _outcome(self, asset: RemoteAsset, error: str, state: str = "", accepted: Sequence[str] = ()) -> Outcome:
        if state in accepted:
            return Outcome(self.action, asset.key, public_id=asset.public_id)
        reason = error or f"the server says '{state}'"
        message = f"Failed deletes: {asset.public_id}, error: {reason}"
        return Outcome(self.action, asset.key, Status.FAILED, reason, public_id=asset.public_id, message=message)


def delete_batches(assets: Sequence[RemoteAsset], size: int) -> Iterator[DeleteRemote]:
    """Group assets into as few calls as possible, with at most `size` assets of one kind each."""

    def kind(asset: RemoteAsset) -> Any:
        return asset.resource_type, asset.type

    for _, group in groupby(sorted(assets, key=lambda asset: (*kind(asset), asset.key)), key=kind):
        same = list(group)
        for start in range(0, len(same), size):
            yield DeleteRemote(same[start : start + size])


def remove_empty_directories(root: str, include_hidden: bool) -> None:
    """Remove the empty directories below `root`, but not `root`. Links are not followed."""
    found = [root]
    for path in found:  # which grows: the directories in each are added
        try:
            with os.scandir(path) as entries:
                directories = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        found += [entry.path for entry in directories if include_hidden or not entry.name.startswith(".")]
    for path in reversed(found[1:]):
        try:
            os.rmdir(path)
        except OSError:
            pass  # not empty
