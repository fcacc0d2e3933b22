"""Turns received content and upload parameters into a stored asset."""

from __future__ import annotations

import secrets
from typing import Any, Callable, Dict, List, Optional, Tuple

from cloudinary_cli.transfer.keys import ALIASES, permitted

from .assets import Asset, Change
from .fetch import Received
from .media import Media, inspect, split_name
from .naming import check_display_name, check_folder, check_public_id, choose_names, default_display_name
from .params import Params, flag, items, metadata, objects, pairs
from .state import RefusedCall, state
from .views import iso


def store_upload(cloud: str, wanted: str, values: Params, received: Received) -> Asset:
    """Store an upload. With overwrite off, an existing asset is kept and marked `existing`.

    The received file is moved to the assets, or deleted.

    :raises RefusedCall: 400 when the content is empty, does not fit the resource type or is of a format that is not
        allowed, or when the public ID, the folder or the display name is invalid.
    """
    try:
        return _store(cloud, wanted, values, received)
    finally:
        received.path.unlink(missing_ok=True)


def _store(cloud: str, wanted: str, values: Params, received: Received) -> Asset:
    if received.size == 0:
        raise RefusedCall(400, "Empty file")
    media = inspect(received.path, received.filename, wanted)
    if media is None:
        raise RefusedCall(400, f"Invalid {wanted} file")
    asset = _new_asset(values, received, media)
    store = state().assets(cloud)
    existing = store.get(asset["resource_type"], asset["type"], asset["public_id"])
    if existing is not None and not flag(values, "overwrite", default=True):
        return dict(existing, existing=True)
    if existing is None:
        asset["asset_folder"] = asset["asset_folder"] or ""
        asset["display_name"] = asset["display_name"] or default_display_name(
            asset["public_id"], asset["resource_type"]
        )
    ensure_folder(cloud, asset)
    stored = store.put(asset, received.path)
    state().counters.add("uploads")
    state().usage.add(f"{cloud}/transformations", 1 + len(stored["derived"]))
    return stored


def require_asset(cloud: str, kind: str, delivery_type: str, public_id: str) -> Asset:
    """The asset with this identity.

    :raises RefusedCall: 404.
    """
    found: Optional[Asset] = state().assets(cloud).get(kind, delivery_type, public_id)
    if found is None:
        raise RefusedCall(404, f"Resource not found - {public_id}")
    return found


def change_asset(cloud: str, asset: Asset, change: Change) -> Asset:
    """Change a stored asset.

    :raises RefusedCall: 404 when it has been deleted.
    """
    changed = state().assets(cloud).update(asset["asset_id"], change)
    if changed is None:
        raise RefusedCall(404, f"Resource not found - {asset['public_id']}")
    return changed


def ensure_folder(cloud: str, asset: Asset) -> None:
    """Create the folder of an asset. The public ID of a fetched asset is a URL, so it has no folder."""
    if asset["type"] == "fetch":
        return
    fixed = state().settings.folder_mode == "fixed"
    folder = asset["public_id"].rpartition("/")[0] if fixed else asset.get("asset_folder")
    if folder:
        add_folder(cloud, str(folder))


def add_folder(cloud: str, path: str) -> bool:
    """Create a folder and its parents; False when it existed."""
    added = False
    parts = path.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        current = "/".join(parts[:depth])
        if state().storage.document(cloud, "folder", current) is None:
            doc = {"path": current, "external_id": secrets.token_hex(16), "created_at": iso(state().clock.now())}
            added = state().storage.add_document(cloud, "folder", current, doc)
    return added


def _new_asset(values: Params, received: Received, media: Media) -> Asset:
    now = state().clock.now()
    names = choose_names(values, received.filename, media, state().settings.folder_mode)
    if values.get("type") != "fetch":
        check_public_id(names.public_id)
    return {
        "asset_id": secrets.token_hex(16),
        "public_id": names.public_id,
        "version": int(now),
        "version_id": secrets.token_hex(16),
        "width": media.width,
        "height": media.height,
        "format": _final_format(values, received, media),
        "resource_type": media.resource_type,
        "created_at": iso(now),
        "uploaded_at": iso(now),
        "tags": items(values.get("tags")),
        "bytes": received.size,
        "type": str(values.get("type") or "upload"),
        "etag": received.etag,
        "status": "active",
        "access_mode": "public",
        "access_control": objects(values.get("access_control"), "access_control"),
        "asset_folder": names.asset_folder,
        "display_name": names.display_name,
        "original_filename": permitted(split_name(received.filename)[0]) or "file",
        "context": pairs(values.get("context")),
        "metadata": metadata(values.get("metadata")),
        "derived": eager_items(values.get("eager"), received.size),
        "related": [],
    }


def _final_format(values: Params, received: Received, media: Media) -> Optional[str]:
    """The format that is stored. With `allowed_formats`, only a file of another format is converted to `format`.

    :raises RefusedCall: 400 when neither the format of the file nor the target format is allowed.
    """
    given = str(values.get("format") or "").lower()
    wanted = ALIASES.get(given, given) if media.resource_type != "raw" else ""
    allowed = {name.lower() for name in items(values.get("allowed_formats"))}
    if not allowed:
        return wanted or media.format
    found = media.format or split_name(received.filename)[1]
    aliases = {ALIASES.get(name, name) for name in allowed}
    if found in allowed | aliases:
        return media.format
    if wanted in aliases:
        return wanted
    what = f"{media.resource_type.title()} file format {found}" if found else "An unknown file format"
    raise RefusedCall(400, f"{what} not allowed")


def eager_items(eager: Any, size: int) -> List[Dict[str, Any]]:
    """The derived assets that an `eager` parameter requests; `c_scale,w_9/png` names a format too."""
    found = []
    for text in str(eager or "").split("|"):
        transformation, format_ = _split_format(text.strip())
        if transformation:
            found.append(
                {"transformation": transformation, "format": format_, "bytes": size, "id": secrets.token_hex(16)}
            )
    return found


def drop_derived(cloud: str, asset: Asset, unwanted: Callable[[Dict[str, Any]], bool]) -> int:
    """Delete the unwanted derived assets of an asset. Returns how many there were."""

    def drop(current: Asset) -> None:
        current["derived"] = [item for item in current["derived"] if not unwanted(item)]

    changed = state().assets(cloud).update(asset["asset_id"], drop)
    return len(asset["derived"]) - len(changed["derived"]) if changed else 0


def merge_derived(asset: Asset, fresh: List[Dict[str, Any]]) -> None:
    """Add derived assets; a regenerated one keeps its position and gets a new ID."""
    kept = {(item["transformation"], item["format"]): item for item in asset["derived"]}
    kept.update({(item["transformation"], item["format"]): item for item in fresh})
    asset["derived"] = list(kept.values())


def apply_changes(asset: Asset, values: Params) -> None:
    """Apply the parameters that `explicit` and the Admin API's update share."""
    if "tags" in values:
        asset["tags"] = items(values["tags"])
    if "context" in values:
        asset["context"] = pairs(values["context"])
    if "metadata" in values:
        asset["metadata"] = {**asset["metadata"], **metadata(values["metadata"])}
    if "access_control" in values:
        asset["access_control"] = objects(values["access_control"], "access_control")
    if "asset_folder" in values:
        asset["asset_folder"] = check_folder(str(values["asset_folder"]))
    if "display_name" in values:
        asset["display_name"] = check_display_name(str(values["display_name"]))


def _split_format(text: str) -> Tuple[str, Optional[str]]:
    transformation, slash, last = text.rpartition("/")
    if slash and last.isalnum() and "_" not in last:
        return transformation, last
    return text, None
