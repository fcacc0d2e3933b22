"""Admin API routes about the cloud itself: ping, usage, config, tags, folders."""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, List

from flask import Response, jsonify

from .admin_auth import admin_blueprint
from .assets import Asset
from .ingest import add_folder
from .naming import check_folder
from .params import flag, page, params, required
from .state import RefusedCall, state
from .storage import Document
from .views import folder_of, iso

blueprint = admin_blueprint("admin_api")
# The free plan: 25 credits; one is 1,000 transformations, 1 GB of storage or 1 GB of bandwidth.
CREDITS = 25
TRANSFORMATIONS_PER_CREDIT = 1000
BYTES_PER_CREDIT = 1 << 30
MAX_OBJECTS = 1_000_000


@blueprint.get("/ping")
def ping(cloud: str) -> Response:
    """Confirm that the credentials are valid."""
    return jsonify({"status": "ok"})


@blueprint.get("/config")
def config(cloud: str) -> Response:
    """The cloud's settings; with `settings`, its folder mode."""
    body: Dict[str, Any] = {"cloud_name": cloud, "created_at": iso(0)}
    if flag(params(), "settings"):
        body["settings"] = {"folder_mode": state().settings.folder_mode}
    return jsonify(body)


@blueprint.get("/usage", defaults={"date": ""})
@blueprint.get("/usage/<date>")
def usage(cloud: str, date: str) -> Response:
    """Storage at this moment; transformations and bandwidth since the sandbox started."""
    assets, counted = state().assets(cloud).all(), state().usage
    derived = [item for asset in assets for item in asset["derived"]]
    storage = sum(item["bytes"] for item in assets) + sum(item["bytes"] for item in derived)
    used = {
        "transformations": _part(counted.get(f"{cloud}/transformations"), TRANSFORMATIONS_PER_CREDIT),
        "objects": _of_limit(len(assets) + len(derived), MAX_OBJECTS),
        "bandwidth": _part(counted.get(f"{cloud}/bandwidth"), BYTES_PER_CREDIT),
        "storage": _part(storage, BYTES_PER_CREDIT),
    }
    credits_used = sum(float(part.get("credits_usage", 0)) for part in used.values())
    return jsonify(
        {
            "plan": "Sandbox",
            "last_updated": iso(state().clock.now())[:10],
            "date_requested": date or iso(state().clock.now()),
            **used,
            "credits": _of_limit(round(credits_used, 2), CREDITS),
            "requests": counted.get(f"{cloud}/requests"),
            "resources": len(assets),
            "derived_resources": len(derived),
        }
    )


def _part(amount: int, per_credit: int) -> Dict[str, float]:
    return {**_of_limit(amount, CREDITS * per_credit), "credits_usage": round(amount / per_credit, 2)}


def _of_limit(amount: float, limit: int) -> Dict[str, float]:
    return {"usage": amount, "limit": limit, "used_percent": round(100 * amount / limit, 2)}


@blueprint.get("/tags/<any(image,video,raw):kind>")
def tags(cloud: str, kind: str) -> Response:
    """The tags in use, sorted."""
    values = params()
    prefix = str(values.get("prefix") or "")
    used = {tag for asset in state().assets(cloud).all() if asset["resource_type"] == kind for tag in asset["tags"]}
    found, cursor = page(sorted(tag for tag in used if tag.startswith(prefix)), values)
    return listing("tags", found, cursor)


def listing(name: str, found: List[Any], cursor: Any, /, **more: Any) -> Response:
    """A list response, with a cursor if another page follows."""
    return jsonify({name: found, **more, **({"next_cursor": cursor} if cursor else {})})


def folders_in(cloud: str) -> List[Document]:
    """All folders, sorted by path."""
    return sorted(state().storage.documents(cloud, "folder"), key=lambda folder: str(folder["path"]))


def folder_view(folder: Document) -> Dict[str, Any]:
    """A folder as responses show it."""
    return {"name": folder["path"].rpartition("/")[2], "path": folder["path"], "external_id": folder["external_id"]}


@blueprint.get("/folders", defaults={"path": ""})
@blueprint.get("/folders/<path:path>")
def subfolders(cloud: str, path: str) -> Response:
    """The subfolders of a folder, or the top-level folders."""
    parent = str(_require_folder(cloud, path)["path"]) if path else ""
    here = [folder_view(folder) for folder in folders_in(cloud) if folder["path"].rpartition("/")[0] == parent]
    found, cursor = page(here, params())
    return listing("folders", found, cursor, total_count=len(here))


@blueprint.post("/folders/<path:path>")
def create_folder(cloud: str, path: str) -> Response:
    """Create a folder and its parents; an existing folder is not an error."""
    add_folder(cloud, check_folder(path, "folder"))
    return jsonify({"success": True, **folder_view(_require_folder(cloud, path))})


@blueprint.put("/folders/<path:path>")
def rename_folder(cloud: str, path: str) -> Response:
    """Move a folder with its contents. In fixed mode this is refused, because public IDs contain the folder."""
    target = check_folder(str(required(params(), "to_folder")), "to_folder")
    source = _require_folder(cloud, path)["path"]
    if _is_inside(target, source):
        raise RefusedCall(400, f"Folder {source} cannot be moved to {target}")
    if state().settings.folder_mode == "fixed":
        raise RefusedCall(400, "Folders cannot be renamed in fixed folder mode")
    if state().storage.document(cloud, "folder", target) is not None:
        raise RefusedCall(409, f"Folder {target} already exists")
    add_folder(cloud, target)
    for folder in folders_in(cloud):
        if _is_inside(folder["path"], source):
            state().storage.delete_document(cloud, "folder", folder["path"])
            add_folder(cloud, target + folder["path"][len(source) :])
    for asset in state().assets(cloud).all():
        if _is_inside(folder_of(asset), source):
            state().assets(cloud).update(asset["asset_id"], partial(_move, source, target))
    return jsonify({"from": {"path": source}, "to": {"path": target}})


@blueprint.delete("/folders/<path:path>")
def delete_folder(cloud: str, path: str) -> Response:
    """Delete an empty folder and its empty subfolders."""
    source = _require_folder(cloud, path)["path"]
    if any(_is_inside(folder_of(asset), source) for asset in state().assets(cloud).all()):
        raise RefusedCall(400, "Folder is not empty")
    deleted = [folder["path"] for folder in folders_in(cloud) if _is_inside(folder["path"], source)]
    for name in deleted:
        state().storage.delete_document(cloud, "folder", name)
    return jsonify({"deleted": deleted})


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _move(source: str, target: str, asset: Asset) -> None:
    asset["asset_folder"] = target + folder_of(asset)[len(source) :]


def _require_folder(cloud: str, path: str) -> Document:
    found = state().storage.document(cloud, "folder", path.strip("/"))
    if found is None:
        raise RefusedCall(404, f"Can't find folder with path {path}")
    return found
