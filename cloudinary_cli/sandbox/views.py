"""Builds the JSON of an asset for responses of the Upload, Admin and Search APIs."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Dict, List, Optional
from urllib.parse import quote

from .assets import Asset
from .signing import RESTRICTED, escaped, signature_path
from .state import state

HIDDEN = ("derived", "tags", "context", "metadata", "related", "original_filename", "version_id")


def iso(moment: float) -> str:
    """Epoch seconds in the time format of Cloudinary's responses (ISO 8601, UTC)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def delivery_url(cloud: str, asset: Asset, transformation: str = "", extension: Optional[str] = None) -> str:
    """The delivery URL of an asset or of a derived asset, signed if the asset is restricted."""
    extension = extension or asset.get("format")
    has_suffix = extension and asset["resource_type"] != "raw" and asset["type"] != "fetch"
    name = f"{asset['public_id']}.{extension}" if has_suffix else str(asset["public_id"])
    signature = signature_path(cloud, transformation, name) if asset["type"] in RESTRICTED else ""
    parts = [asset["resource_type"], asset["type"], signature, transformation, f"v{asset['version']}"]
    path = "/".join(part for part in parts if part)
    return f"{state().base_url}/{cloud}/{quote(path, safe='/:,=')}/{escaped(name)}"


def common(cloud: str, asset: Asset) -> Dict[str, Any]:
    """The fields that all responses have. Fields that start with an underscore are internal."""
    shown = {key: value for key, value in asset.items() if not key.startswith("_") and value is not None}
    shown["url"] = shown["secure_url"] = delivery_url(cloud, asset)
    if state().settings.folder_mode == "fixed":
        shown["folder"] = folder_of(asset)
        shown.pop("asset_folder", None)
        shown.pop("display_name", None)
    return shown


def folder_of(asset: Asset) -> str:
    """The folder an asset is in, for the sandbox's folder mode."""
    if state().settings.folder_mode == "fixed":
        return "" if asset["type"] == "fetch" else str(asset["public_id"]).rpartition("/")[0]
    return str(asset.get("asset_folder") or "")


def upload_view(cloud: str, asset: Asset, api_key: str) -> Dict[str, Any]:
    """The response of upload, explicit and rename."""
    shown = common(cloud, asset)
    shown["signature"] = response_signature(cloud, asset)
    shown["placeholder"] = False
    shown["api_key"] = api_key
    for key in ("status", "access_mode", "related", "uploaded_at"):
        shown.pop(key, None)
    for key in ("context", "metadata", "derived", "access_control"):
        if not shown.get(key):
            shown.pop(key, None)
    if asset.get("context"):
        shown["context"] = {"custom": asset["context"]}
    if asset.get("derived"):
        shown["eager"] = [derived_view(cloud, asset, item) for item in asset["derived"]]
        shown.pop("derived", None)
    return shown


def response_signature(cloud: str, asset: Asset) -> str:
    """The signature that the SDK's verify_api_response_signature() checks."""
    keys = state().clouds.keys(cloud)
    text = f"public_id={asset['public_id']}&version={asset['version']}{keys[0]['api_secret'] if keys else ''}"
    return hashlib.sha1(text.encode("utf-8")).hexdigest()  # noqa: S324 - what the SDK expects


def derived_view(cloud: str, asset: Asset, item: Dict[str, Any]) -> Dict[str, Any]:
    """A derived asset."""
    url = delivery_url(cloud, asset, item["transformation"], item.get("format"))
    shown = {key: item[key] for key in ("transformation", "format", "bytes", "id") if item.get(key) is not None}
    return {**shown, "url": url, "secure_url": url}


def admin_view(cloud: str, asset: Asset, extra: List[str]) -> Dict[str, Any]:
    """An asset of a list, with tags, context and metadata only if requested."""
    shown = {key: value for key, value in common(cloud, asset).items() if key not in HIDDEN}
    if asset.get("tags") and "tags" in extra:
        shown["tags"] = asset["tags"]
    if asset.get("context") and "context" in extra:
        shown["context"] = {"custom": asset["context"]}
    if asset.get("metadata") and "metadata" in extra:
        shown["metadata"] = asset["metadata"]
    return shown


def search_view(cloud: str, asset: Asset, extra: List[str]) -> Dict[str, Any]:
    """An asset of a search result, with a flat context and the file name."""
    shown = admin_view(cloud, asset, extra)
    shown["filename"] = str(asset["public_id"]).rsplit("/", 1)[-1]
    if asset.get("width") and asset.get("height"):
        shown["pixels"] = asset["width"] * asset["height"]
        shown["aspect_ratio"] = round(asset["width"] / asset["height"], 5)
    if "context" in shown:
        shown["context"] = asset["context"]
    if "tags" in extra:
        shown["tags"] = asset["tags"]
    if "image_analysis" in extra and asset["resource_type"] == "image":
        shown["image_analysis"] = {"face_count": 0, "faces": [], "grayscale": False}
    return shown
