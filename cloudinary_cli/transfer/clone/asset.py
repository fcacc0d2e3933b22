"""One asset of a clone: what is sent to the target, and what is said about it."""

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

_ACTION = "clone"
_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]*")


@dataclass(frozen=True)
class CopyOptions:
    """What is the same for all assets of a run."""

    overwrite: bool = False
    is_async: bool = False
    tags: bool = False
    notification_url: Optional[str] = None


def key_of(asset: Asset) -> str:
    """Its name in reports: a public ID alone may stand for an image and for a video."""
    return f"{asset.get('resource_type') or 'image'}/{asset.get('type') or 'upload'}/{asset['public_id']}"


def parameters(asset: Asset, copy_options: CopyOptions, metadata: Mapping[str, Any]) -> Dict[str, Any]:
    """The options of the upload; what the asset has not is left out.

    :param metadata: those of its values that the target has fields for.
    """
    found = {
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
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _context(value: Any) -> Any:
    # Search results have it flat; other listings under "custom".
    if isinstance(value, dict) and set(value) == {"custom"} and isinstance(value["custom"], dict):
        return value["custom"]
    return value


@dataclass(frozen=True)
class CopyAsset:
    """Let the target fetch one asset."""

    target: UploadTarget
    urls: SourceUrls
    asset: Asset
    options: Mapping[str, Any]
    action: str = _ACTION

    @property
    def key(self) -> str:
        return key_of(self.asset)

    def run(self) -> Outcome:
        try:
            answer = upload(self.target, UploadSource(url=self.urls.url(self.asset)), self.options)
        except CliError as error:
            reason = _without_queries(error.message)
            message = f"Failed uploading {self._name}, error: {reason}"
            public_id = str(self.asset["public_id"])
            outcome = Outcome(self.action, self.key, Status.FAILED, reason, public_id=public_id, message=message)
            return replace(outcome, cause=error)
        return self._done(answer)

    @property
    def _name(self) -> str:
        """How the asset is called in messages: its address, without what would let anybody in."""
        url = str(self.asset.get("secure_url") or self.key)
        return one_line(without_signature(_without_queries(url)), None)

    def _done(self, answer: Dict[str, Any]) -> Outcome:
        mode = FolderMode.DYNAMIC if "asset_folder" in answer else FolderMode.FIXED
        size = answer.get("bytes")
        outcome = uploaded(self.key, self._name, answer, mode, size if isinstance(size, int) else 0)
        outcome = replace(outcome, action=self.action, url=without_signature(outcome.url) if outcome.url else None)
        if answer.get("existing"):
            name = one_line(self.key, None)
            return replace(outcome, size=0, message=f"Kept {name}: the target has it already (-ow overwrites it)")
        return outcome


@dataclass(frozen=True)
class LeaveOut:
    """An asset that is not cloned, with the reason."""

    asset: Asset
    reason: str
    action: str = _ACTION

    @property
    def key(self) -> str:
        return key_of(self.asset)

    def run(self) -> Outcome:
        public_id = str(self.asset["public_id"])
        return Outcome(self.action, self.key, Status.SKIPPED, self.reason, public_id=public_id)


def _without_queries(text: str) -> str:
    """Text of the server, which may repeat the address it was given: signatures and tokens stand in the query."""
    return redact(without_signature(_QUERY.sub(r"\1", text)))
