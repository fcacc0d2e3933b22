"""Copies one asset: builds the upload options that are sent to the target, and the outcome."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Optional

from cloudinary_cli.errors import CliError
from cloudinary_cli.text import one_line, redact, without_signature
from cloudinary_cli.transfer.actions import uploaded
from cloudinary_cli.transfer.clone.source import Asset, SourceUrls
from cloudinary_cli.transfer.engine.records import Outcome, Status
from cloudinary_cli.transfer.http.upload import UploadSource, UploadTarget, upload
from cloudinary_cli.transfer.keys import FolderMode

ACTION = "clone"
_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]*")


@dataclass(frozen=True)
class CopyOptions:
    """The options of a run that apply to each copy."""

    overwrite: bool = False
    is_async: bool = False
    tags: bool = False
    notification_url: Optional[str] = None


def key_of(asset: Asset) -> str:
    """The asset's name in reports. The public ID alone is ambiguous: an image and a video may have the same one."""
    return f"{asset.get('resource_type') or 'image'}/{asset.get('type') or 'upload'}/{asset['public_id']}"


def upload_options(asset: Asset, copy_options: CopyOptions, metadata: Mapping[str, Any]) -> Dict[str, Any]:
    """The options of the upload. Fields missing from the asset are omitted.

    :param metadata: the structured metadata for which the target has fields.
    """
    options = {
        "overwrite": copy_options.overwrite,
        "async": copy_options.is_async,
        "public_id": asset["public_id"],
        "type": asset.get("type"),
        "resource_type": asset.get("resource_type") or "image",
        "access_control": asset.get("access_control"),
        "tags": asset.get("tags") if copy_options.tags else None,
        "context": _context(asset.get("context")),
        "metadata": dict(metadata),
        "display_name": asset.get("display_name"),
        "asset_folder": asset.get("folder") or asset.get("asset_folder"),
        "notification_url": copy_options.notification_url,
    }
    return {name: value for name, value in options.items() if value not in (None, "", [], {})}


def _context(value: Any) -> Any:
    # Search results have a flat object, other listings have it as the member "custom".
    if isinstance(value, dict) and set(value) == {"custom"} and isinstance(value["custom"], dict):
        return value["custom"]
    return value


@dataclass(frozen=True)
class CopyAsset:
    """Copy one asset: the target's server fetches it from its URL."""

    target: UploadTarget
    urls: SourceUrls
    asset: Asset
    options: Mapping[str, Any]
    action: str = ACTION

    @property
    def key(self) -> str:
        return key_of(self.asset)

    def run(self) -> Outcome:
        try:
            response = upload(self.target, UploadSource(url=self.urls.url(self.asset)), self.options)
        except CliError as error:
            reason = _without_queries(error.message)
            message = f"Failed uploading {self._name}, error: {reason}"
            public_id = str(self.asset["public_id"])
            return Outcome(self.action, self.key, Status.FAILED, reason, public_id, message=message, cause=error)
        return self._done(response)

    @property
    def _name(self) -> str:
        """The asset in messages: its URL without signatures and tokens."""
        url = str(self.asset.get("secure_url") or self.key)
        return one_line(without_signature(_without_queries(url)), None)

    def _done(self, response: Dict[str, Any]) -> Outcome:
        mode = FolderMode.DYNAMIC if "asset_folder" in response else FolderMode.FIXED
        size = response.get("bytes")
        outcome = uploaded(self.key, self._name, response, mode, size if isinstance(size, int) else 0)
        outcome = replace(outcome, action=self.action, url=without_signature(outcome.url) if outcome.url else None)
        if response.get("existing"):
            name = one_line(self.key, None)
            return replace(outcome, size=0, message=f"Kept {name}: it already exists in the target (-ow overwrites it)")
        return outcome


@dataclass(frozen=True)
class SkipAsset:
    """An asset that cannot be cloned, with the reason."""

    asset: Asset
    reason: str
    action: str = ACTION

    @property
    def key(self) -> str:
        return key_of(self.asset)

    def run(self) -> Outcome:
        public_id = str(self.asset["public_id"])
        return Outcome(self.action, self.key, Status.SKIPPED, self.reason, public_id=public_id)


def _without_queries(text: str) -> str:
    """The text without the queries of its URLs, which may contain signatures and tokens."""
    return redact(without_signature(_QUERY.sub(r"\1", text)))
