"""Admin API routes about assets: lists, details, update, publish, related assets."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

from flask import Response, jsonify

from .admin_api import listing
from .admin_auth import admin_blueprint
from .assets import Asset
from .ingest import apply_changes, change_asset, ensure_folder, require_asset
from .params import Params, flag, items, page, params, required
from .search_values import moment
from .state import RefusedCall, state
from .views import admin_view, derived_view, folder_of, iso, only

blueprint = admin_blueprint("admin_assets")
KINDS = "<any(image,video,raw):kind>"


def choose(cloud: str, values: Params, wanted: Callable[[Asset], bool]) -> Response:
    """A page of the assets that `wanted` accepts.

    The newest comes first unless `direction` is asc. With a prefix they are sorted by public ID, and with `start_at`
    the oldest comes first: https://cloudinary.com/documentation/admin_api#get_resources
    """
    prefix, default = values.get("prefix"), "asc" if values.get("start_at") else "desc"
    found = sorted(
        (asset for asset in state().assets(cloud).all() if wanted(asset)),
        key=lambda asset: str(asset["public_id" if prefix else "created_at"]),
        reverse=not prefix and str(values.get("direction") or default) not in ("asc", "1"),
    )
    shown, cursor = page(found, values)
    return listing("resources", [selected(cloud, asset, values) for asset in shown], cursor)


def selected(cloud: str, asset: Asset, values: Params) -> Dict[str, Any]:
    """An asset with the requested extra fields or, if `fields` is given, with only those."""
    extra = [name for name in ("tags", "context", "metadata") if flag(values, name)]
    fields = items(values.get("fields"))
    return only(admin_view(cloud, asset, extra + fields), fields)


@blueprint.get("/resources")
def resource_types(cloud: str) -> Response:
    return jsonify({"resource_types": ["image", "raw", "video"]})


@blueprint.get(f"/resources/{KINDS}", defaults={"delivery_type": ""})
@blueprint.get(f"/resources/{KINDS}/<delivery_type>")
def resources(cloud: str, kind: str, delivery_type: str) -> Response:
    """Assets of one resource type, optionally only those with the given public IDs."""
    values = params()
    prefix, ids = str(values.get("prefix") or ""), items(values.get("public_ids"))
    if ids:
        values = {**values, "max_results": 500}
    start = moment(str(values.get("start_at") or "1970-01-01"), state().clock.now())
    if start is None:
        raise RefusedCall(400, f"Invalid value for parameter start_at: {values['start_at']}")
    return choose(
        cloud,
        values,
        lambda asset: (
            asset["resource_type"] == kind
            and delivery_type in ("", asset["type"])
            and asset["public_id"].startswith(prefix)
            and (not ids or asset["public_id"] in ids)
            and asset["created_at"] >= iso(start)
        ),
    )


@blueprint.get(f"/resources/{KINDS}/tags/<path:tag>")
def by_tag(cloud: str, kind: str, tag: str) -> Response:
    return choose(cloud, params(), lambda asset: asset["resource_type"] == kind and tag in asset["tags"])


@blueprint.get(f"/resources/{KINDS}/context")
def by_context(cloud: str, kind: str) -> Response:
    """Assets with a context key and, if given, a value."""
    values = params()
    key, value = str(required(values, "key")), values.get("value")
    return choose(
        cloud,
        values,
        lambda asset: (
            asset["resource_type"] == kind and key in asset["context"] and value in (None, asset["context"][key])
        ),
    )


@blueprint.get(f"/resources/{KINDS}/moderations/<moderation>/<status>")
def by_moderation(cloud: str, kind: str, moderation: str, status: str) -> Response:
    """Always empty, because the sandbox does not moderate."""
    return choose(cloud, params(), lambda asset: False)


@blueprint.get("/resources/by_asset_ids")
def by_asset_ids(cloud: str) -> Response:
    """Assets with the given immutable IDs."""
    values = params()
    ids = items(required(values, "asset_ids"))
    return choose(cloud, {**values, "max_results": 500}, lambda asset: asset["asset_id"] in ids)


@blueprint.get("/resources/by_asset_folder")
def by_asset_folder(cloud: str) -> Response:
    """Assets directly in a folder."""
    values = params()
    folder = str(required(values, "asset_folder")).strip("/")
    return choose(cloud, values, lambda asset: folder_of(asset) == folder)


@blueprint.get("/resources/<asset_id>")
def details_by_asset_id(cloud: str, asset_id: str) -> Response:
    """One asset, by its immutable ID."""
    return jsonify(_details(cloud, require_asset_id(cloud, asset_id)))


@blueprint.get(f"/resources/{KINDS}/<delivery_type>/<path:public_id>")
def details(cloud: str, kind: str, delivery_type: str, public_id: str) -> Response:
    """One asset, with its derived assets."""
    return jsonify(_details(cloud, require_asset(cloud, kind, delivery_type, public_id)))


def _details(cloud: str, asset: Asset) -> Dict[str, Any]:
    values = params()
    body = admin_view(cloud, asset, ["tags", "context", "metadata"])
    derived_values = {
        "next_cursor": values.get("derived_next_cursor"),
        "max_results": values.get("max_results"),
    }
    shown, cursor = page(asset["derived"], derived_values)
    body["derived"] = [derived_view(cloud, asset, item) for item in shown]
    if cursor:
        body["derived_next_cursor"] = cursor
    if flag(values, "versions"):
        body["versions"] = [version_view(item) for item in [asset] + state().assets(cloud).backups(asset["asset_id"])]
    if flag(values, "related"):
        body["related_assets"] = asset["related"]
    return body


def version_view(asset: Asset) -> Dict[str, Any]:
    """One version of an asset."""
    return {
        "version_id": asset["version_id"],
        "version": str(asset["version"]),
        "format": asset.get("format"),
        "size": asset["bytes"],
        "time": asset["uploaded_at"],
        "restorable": True,
    }


@blueprint.post(f"/resources/{KINDS}/<delivery_type>/<path:public_id>")
def update(cloud: str, kind: str, delivery_type: str, public_id: str) -> Response:
    """Change an asset's tags, context, metadata, access control, folder or display name."""
    asset, values = require_asset(cloud, kind, delivery_type, public_id), params()
    changed = change_asset(cloud, asset, lambda item: apply_changes(item, values))
    ensure_folder(cloud, changed)
    return jsonify(_details(cloud, changed))


@blueprint.post(f"/resources/{KINDS}/publish_resources")
def publish(cloud: str, kind: str) -> Response:
    """Turn authenticated or private assets into public ones."""
    values, published, failed = params(), [], []
    ids, prefix, tag = items(values.get("public_ids")), values.get("prefix"), values.get("tag")
    store, source = state().assets(cloud), str(values.get("type") or "authenticated")
    for asset in store.all():
        chosen = asset["public_id"] in ids or (prefix and asset["public_id"].startswith(prefix)) or tag in asset["tags"]
        if not chosen or asset["resource_type"] != kind or asset["type"] != source:
            continue
        taken = store.get(kind, "upload", asset["public_id"])
        if taken is not None and not flag(values, "overwrite"):
            failed.append({"public_id": asset["public_id"]})
            continue
        if taken is not None:
            store.delete(taken["asset_id"])
        moved = change_asset(cloud, asset, lambda item: item.update(type="upload"))
        published.append(admin_view(cloud, moved, []))
    return jsonify({"published": published, "failed": failed})


@blueprint.route(f"/resources/related_assets/{KINDS}/<delivery_type>/<path:public_id>", methods=["POST", "DELETE"])
def relate(cloud: str, kind: str, delivery_type: str, public_id: str) -> Response:
    """Relate an asset to others (`type/delivery/id`), or remove the relation."""
    return _relate(cloud, require_asset(cloud, kind, delivery_type, public_id))


@blueprint.route("/resources/related_assets/<asset_id>", methods=["POST", "DELETE"])
def relate_by_asset_id(cloud: str, asset_id: str) -> Response:
    """Relate an asset by its immutable ID."""
    return _relate(cloud, require_asset_id(cloud, asset_id))


def _relate(cloud: str, asset: Asset) -> Response:
    values = params()
    added, removed = items(values.get("assets_to_relate")), items(values.get("assets_to_unrelate"))

    def change(item: Asset) -> None:
        kept = [name for name in item["related"] if name not in removed]
        item["related"] = kept + [name for name in added if name not in kept]

    state().assets(cloud).update(asset["asset_id"], change)
    success: List[Dict[str, Any]] = [{"asset": name, "status": 200, "message": "success"} for name in added + removed]
    return jsonify({"failed": [], "success": success})


def require_asset_id(cloud: str, asset_id: str) -> Asset:
    """The asset with this immutable ID.

    :raises RefusedCall: 404.
    """
    found: Optional[Asset] = state().assets(cloud).by_asset_id(asset_id)
    if found is None:
        raise RefusedCall(404, f"Resource not found - {asset_id}")
    return found
