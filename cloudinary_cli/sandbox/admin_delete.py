"""Admin API routes that delete assets, derived assets and backups, and that restore assets."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from flask import Response, jsonify

from .admin_assets import KINDS, require_asset_id
from .admin_auth import admin_blueprint
from .assets import Asset
from .ingest import drop_derived
from .params import POSITION, Params, cursor_position, flag, items, params, required
from .state import RefusedCall, state
from .views import admin_view

blueprint = admin_blueprint("admin_delete")
BATCH = 1000


@blueprint.delete(f"/resources/{KINDS}/<delivery_type>")
def delete_resources(cloud: str, kind: str, delivery_type: str) -> Response:
    """Delete assets by ID, by prefix, or all of a type."""
    values = params()
    if "public_ids" in values:
        store = state().assets(cloud)
        found = [(one, store.get(kind, delivery_type, one)) for one in _up_to_100(values, "public_ids")]
        return _deletion_result(cloud, values, found)
    prefix = values.get("prefix")
    if not prefix and not flag(values, "all"):
        raise RefusedCall(400, "Missing required parameter - public_ids, prefix or all")
    return _delete_where(
        cloud,
        values,
        lambda asset: (
            asset["resource_type"] == kind
            and asset["type"] == delivery_type
            and asset["public_id"].startswith(str(prefix or ""))
        ),
    )


@blueprint.delete(f"/resources/{KINDS}/tags/<path:tag>")
def delete_by_tag(cloud: str, kind: str, tag: str) -> Response:
    return _delete_where(cloud, params(), lambda asset: asset["resource_type"] == kind and tag in asset["tags"])


@blueprint.delete("/resources")
def delete_by_asset_ids(cloud: str) -> Response:
    values = params()
    store = state().assets(cloud)
    found = [(one, store.by_asset_id(one)) for one in _up_to_100(values, "asset_ids")]
    return _deletion_result(cloud, values, found)


def _up_to_100(values: Params, name: str) -> List[str]:
    """The IDs of a deletion: https://cloudinary.com/documentation/admin_api#delete_resources"""
    found = list(dict.fromkeys(items(required(values, name))))
    if len(found) > 100:
        raise RefusedCall(400, f"Too many values in parameter {name}: {len(found)}, the limit is 100")
    return found


def _delete_where(cloud: str, values: Params, wanted: Callable[[Asset], bool]) -> Response:
    chosen = [asset for asset in state().assets(cloud).all() if wanted(asset)]
    # The next call starts at the first of the remaining assets. All remain if only derived assets are deleted.
    keeps = flag(values, "keep_original")
    start = cursor_position(values) if keeps else 0
    batch = [(str(asset["public_id"]), asset) for asset in chosen[start:][:BATCH]]
    more = len(chosen) > start + BATCH
    return _deletion_result(cloud, values, batch, f"{start + BATCH if keeps else 0:0{POSITION}x}" if more else "")


def _deletion_result(
    cloud: str, values: Params, found: Sequence[Tuple[str, Optional[Asset]]], cursor: str = ""
) -> Response:
    """Delete the assets and report by name. Assets of several types may have the same public ID."""
    deleted: Dict[str, str] = {}
    counts: Dict[str, Dict[str, int]] = {}
    for name, asset in found:
        count = counts.setdefault(name, {"original": 0, "derived": 0})
        deleted[name] = "deleted" if asset else "not_found"
        for key, number in (_delete_one(cloud, values, asset) if asset else {}).items():
            count[key] += number
    body = {"deleted": deleted, "deleted_counts": counts, "partial": bool(cursor)}
    return jsonify({**body, **({"next_cursor": cursor} if cursor else {})})


def _delete_one(cloud: str, values: Params, asset: Asset) -> Dict[str, int]:
    if not flag(values, "keep_original"):
        state().assets(cloud).delete(asset["asset_id"])
        return {"original": 1, "derived": len(asset["derived"])}
    names = [name for name in str(values.get("transformations") or "").split("|") if name]
    return {"derived": drop_derived(cloud, asset, lambda item: not names or item["transformation"] in names)}


@blueprint.delete("/derived_resources")
def delete_derived(cloud: str) -> Response:
    """Delete derived assets by ID."""
    wanted = items(required(params(), "derived_resource_ids"))
    deleted = dict.fromkeys(wanted, "not_found")
    for asset in state().assets(cloud).all():
        mine = [item["id"] for item in asset["derived"] if item["id"] in wanted]
        if mine:
            drop_derived(cloud, asset, lambda item: item["id"] in wanted)
            deleted.update(dict.fromkeys(mine, "deleted"))
    return jsonify({"deleted": deleted})


@blueprint.post(f"/resources/{KINDS}/<delivery_type>/restore")
def restore(cloud: str, kind: str, delivery_type: str) -> Response:
    """Restore deleted assets or older versions."""

    def backups(public_id: str) -> List[Asset]:
        found = state().assets(cloud).backups(public_id=public_id)
        return [item for item in found if (item["resource_type"], item["type"]) == (kind, delivery_type)]

    return _restore(cloud, "public_ids", backups)


@blueprint.post("/resources/restore")
def restore_by_asset_ids(cloud: str) -> Response:
    """Restore assets by their immutable IDs."""
    return _restore(cloud, "asset_ids", state().assets(cloud).backups)


def _restore(cloud: str, name: str, backups: Callable[[str], List[Asset]]) -> Response:
    """Restore the requested version of each ID, by default the newest backup."""
    values = params()
    body: Dict[str, Any] = {}
    ids, versions = items(required(values, name)), items(values.get("versions"))
    for one, version in zip(ids, versions + [""] * len(ids)):
        found = next((item for item in backups(one) if version in ("", item["version_id"])), None)
        restored = found and admin_view(cloud, state().assets(cloud).restore(found), [])
        body[one] = restored or {"error": "no_backup"}
    return jsonify(body)


@blueprint.delete("/resources/backup/<asset_id>")
def delete_backups(cloud: str, asset_id: str) -> Response:
    """Delete versions of an asset from the backup."""
    store, wanted = state().assets(cloud), items(required(params(), "version_ids"))
    if not store.backups(asset_id):
        require_asset_id(cloud, asset_id)
    deleted = [version_id for version_id in wanted if store.delete_backup(asset_id, version_id)]
    return jsonify({"asset_id": asset_id, "deleted_version_ids": deleted})
