"""Admin API routes that delete assets, derived assets and backups, and that restore assets."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from flask import Response, jsonify

from .admin_assets import KINDS, require_asset_id
from .admin_auth import admin_blueprint
from .assets import Asset
from .params import Params, flag, items, params, required
from .state import RefusedCall, state
from .views import admin_view

blueprint = admin_blueprint("admin_delete")
BATCH = 1000


@blueprint.delete(f"/resources/{KINDS}/<delivery_type>")
def delete_resources(cloud: str, kind: str, delivery_type: str) -> Response:
    """Delete assets by ID, by prefix, or all of a type."""
    values = params()
    if "public_ids" in values:
        found = {item: state().assets(cloud).get(kind, delivery_type, item) for item in items(values["public_ids"])}
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
    found = {item: state().assets(cloud).by_asset_id(item) for item in items(required(values, "asset_ids"))}
    return _deletion_result(cloud, values, found)


def _delete_where(cloud: str, values: Params, wanted: Callable[[Asset], bool]) -> Response:
    chosen = [asset for asset in state().assets(cloud).all() if wanted(asset)]
    batch = {asset["public_id"]: asset for asset in chosen[:BATCH]}
    return _deletion_result(cloud, values, batch, partial=len(chosen) > BATCH)


def _deletion_result(cloud: str, values: Params, found: Dict[str, Any], partial: bool = False) -> Response:
    deleted, counts = {}, {}
    for name, asset in found.items():
        counts[name] = _delete_one(cloud, values, asset) if asset else {"original": 0, "derived": 0}
        deleted[name] = "deleted" if asset else "not_found"
    body: Dict[str, Any] = {"deleted": deleted, "deleted_counts": counts, "partial": partial}
    if partial:
        # The next call starts at the first of the remaining assets, so the cursor needs no position.
        body["next_cursor"] = "0" * 32
    return jsonify(body)


def _delete_one(cloud: str, values: Params, asset: Asset) -> Dict[str, int]:
    names = [name for name in str(values.get("transformations") or "").split("|") if name]
    before = len(asset["derived"])
    if not flag(values, "keep_original"):
        state().assets(cloud).delete(asset["asset_id"])
        return {"original": 1, "derived": before}

    def drop(item: Asset) -> None:
        item["derived"] = [one for one in item["derived"] if names and one["transformation"] not in names]

    changed = state().assets(cloud).update(asset["asset_id"], drop)
    return {"original": 0, "derived": before - len(changed["derived"]) if changed else 0}


@blueprint.delete("/derived_resources")
def delete_derived(cloud: str) -> Response:
    """Delete derived assets by ID."""
    wanted = items(required(params(), "derived_resource_ids"))
    deleted = dict.fromkeys(wanted, "not_found")
    for asset in state().assets(cloud).all():
        mine = [item["id"] for item in asset["derived"] if item["id"] in wanted]
        if mine:
            state().assets(cloud).update(asset["asset_id"], _without(mine))
            deleted.update(dict.fromkeys(mine, "deleted"))
    return jsonify({"deleted": deleted})


def _without(ids: List[str]) -> Callable[[Asset], None]:
    def change(asset: Asset) -> None:
        asset["derived"] = [item for item in asset["derived"] if item["id"] not in ids]

    return change


@blueprint.post(f"/resources/{KINDS}/<delivery_type>/restore")
def restore(cloud: str, kind: str, delivery_type: str) -> Response:
    """Restore deleted assets or older versions."""
    values = params()
    body: Dict[str, Any] = {}
    for public_id, version in _with_versions(required(values, "public_ids"), values):
        backups = [
            item
            for item in state().assets(cloud).backups(public_id=public_id)
            if item["resource_type"] == kind and item["type"] == delivery_type and version in ("", item["version_id"])
        ]
        body[public_id] = _restored(cloud, backups)
    return jsonify(body)


@blueprint.post("/resources/restore")
def restore_by_asset_ids(cloud: str) -> Response:
    """Restore assets by their immutable IDs."""
    values = params()
    body: Dict[str, Any] = {}
    for asset_id, version in _with_versions(required(values, "asset_ids"), values):
        backups = [
            item for item in state().assets(cloud).backups(asset_id=asset_id) if version in ("", item["version_id"])
        ]
        body[asset_id] = _restored(cloud, backups)
    return jsonify(body)


def _with_versions(ids: Any, values: Params) -> Any:
    versions = items(values.get("versions"))
    return zip(items(ids), versions + [""] * len(items(ids)))


def _restored(cloud: str, backups: List[Asset]) -> Dict[str, Any]:
    if not backups:
        return {"error": "no_backup"}
    return admin_view(cloud, state().assets(cloud).restore(backups[0]), [])


@blueprint.delete("/resources/backup/<asset_id>")
def delete_backups(cloud: str, asset_id: str) -> Response:
    """Delete versions of an asset from the backup."""
    require_asset_id(cloud, asset_id)
    deleted = []
    for version_id in items(required(params(), "version_ids")):
        if state().assets(cloud).delete_backup(asset_id, version_id):
            deleted.append(version_id)
    return jsonify({"asset_id": asset_id, "deleted_version_ids": deleted})
