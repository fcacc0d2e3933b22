"""Builds the JSON of an asset for responses of the Upload, Admin and Search APIs."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Dict, List, Optional
from urllib.parse import quote

from .assets import Asset
from .signing import RESTRICTED, escaped, signature_path
from .state import state

NOT_UPLOADED = ("status", "access_mode", "related", "uploaded_at", "context", "metadata", "derived", "access_control")
ALWAYS = ("asset_id", "public_id", "resource_type", "type", "created_at")
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


def upload_view(cloud: str, asset: Asset, api_key: Optional[str]) -> Dict[str, Any]:
    """The response of upload, explicit and rename. `api_key` is that of the request, by default the cloud's first."""
    keys = state().clouds.keys(cloud)
    text = f"public_id={asset['public_id']}&version={asset['version']}{keys[0]['api_secret'] if keys else ''}"
    shown = {
        **{key: value for key, value in common(cloud, asset).items() if key not in NOT_UPLOADED},
        # The SDK's verify_api_response_signature() checks it.
        "signature": hashlib.sha1(text.encode("utf-8")).hexdigest(),  # noqa: S324
        "placeholder": False,
        "api_key": api_key or (keys[0]["api_key"] if keys else ""),
    }
    shown.update({key: asset[key] for key in ("metadata", "access_control") if asset[key]})
    if asset["context"]:
        shown["context"] = {"custom": asset["context"]}
    if asset["derived"]:
        shown["eager"] = [derived_view(cloud, asset, item) for item in asset["derived"]]
    return shown


def derived_view(cloud: str, asset: Asset, item: Dict[str, Any]) -> Dict[str, Any]:
    """A derived asset."""
    url = delivery_url(cloud, asset, item["transformation"], item.get("format"))
    shown = {key: item[key] for key in ("transformation", "format", "bytes", "id") if item.get(key) is not None}
    return {**shown, "url": url, "secure_url": url}


def admin_view(cloud: str, asset: Asset, extra: List[str]) -> Dict[str, Any]:
    """An asset of a list, with tags, context and metadata only if requested."""
    shown = {key: value for key, value in common(cloud, asset).items() if key not in HIDDEN}
    shown.update({key: asset[key] for key in ("tags", "metadata") if key in extra and asset[key]})
    if "context" in extra and asset["context"]:
        shown["context"] = {"custom": asset["context"]}
    return shown


def only(shown: Dict[str, Any], fields: List[str]) -> Dict[str, Any]:
    """The requested fields of an asset and those that every response has; all fields when none were requested."""
    return {key: value for key, value in shown.items() if key in ALWAYS or key in fields} if fields else shown


def computed(asset: Asset) -> Dict[str, Any]:
    """The fields that only searches have."""
    found = {"filename": str(asset["public_id"]).rsplit("/", 1)[-1]}
    if not (asset.get("width") and asset.get("height")):
        return found
    return {**found, "pixels": asset["width"] * asset["height"], "aspect_ratio": asset["width"] / asset["height"]}


def search_view(cloud: str, asset: Asset, extra: List[str]) -> Dict[str, Any]:
    """An asset of a search result, with a flat context and the file name."""
    shown = {**admin_view(cloud, asset, extra), **computed(asset)}
    if "aspect_ratio" in shown:
        shown["aspect_ratio"] = round(shown["aspect_ratio"], 5)
    if "context" in shown:
        shown["context"] = asset["context"]
    if "tags" in extra:
        shown["tags"] = asset["tags"]
    if "image_analysis" in extra and asset["resource_type"] == "image":
        shown["image_analysis"] = {"face_count": 0, "faces": [], "grayscale": False}
    return shown
