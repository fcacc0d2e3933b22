"""The Upload API's routes: upload, explicit, destroy, rename, tags, context, metadata, archives, text."""

from __future__ import annotations

import secrets
import zipfile
from typing import Any, Callable, Dict, List, Tuple

from flask import Blueprint, Response, jsonify, request, send_file

from .assets import Asset, AssetExists
from .auth_check import check_upload
from .chunks import ChunkStore, ReceivedChunk
from .fetch import Received, describe, receive, save, save_url
from .ingest import apply_changes, change_asset, eager_items, ensure_folder, merge_derived, require_asset, store_upload
from .media import PIXEL
from .naming import check_public_id, random_id
from .params import Params, flag, items, metadata, pairs, params, required
from .state import RefusedCall, state
from .views import upload_view

blueprint = Blueprint("upload_api", __name__, url_prefix="/v1_1/<cloud>")
Result = Dict[str, Any]
UPLOAD_TYPES = ("upload", "private", "authenticated")
TYPES = (*UPLOAD_TYPES, "fetch", "text")
KINDS = ("image", "video", "raw")
# `auto` is valid for new content, `all` for a selection of assets.
MORE_KINDS = {"upload": ("auto",), "generate_archive": ("auto", "all")}


@blueprint.post("/<kind>/<any(upload,explicit,destroy,rename,tags,context,metadata,generate_archive,text):action>")
@blueprint.route("/<any(image,video,raw,auto,all):kind>/<action>", methods=["POST", "GET"])
def dispatch(cloud: str, kind: str, action: str) -> Response:
    """Authorize, then run the action's function."""
    handler = ACTIONS.get(action)
    if handler is None or (request.method == "GET" and action != "generate_archive"):
        raise RefusedCall(404, f"The sandbox has no {request.method} {kind}/{action}")
    if kind not in (*KINDS, *MORE_KINDS.get(action, ())):
        raise RefusedCall(400, f"Invalid value {kind[:80]} for parameter resource_type")
    values = params()
    preset = check_upload(cloud, values, action)
    if preset:
        values = {**{key: value for key, value in preset.items() if key != "unsigned"}, **values}
    _check_type(values, "type", UPLOAD_TYPES if action == "upload" else TYPES)
    result = handler(cloud, kind, values)
    return result if isinstance(result, Response) else jsonify(result)


def _check_type(values: Params, name: str, known: Tuple[str, ...]) -> None:
    if values.get(name) not in (None, "", *known):
        raise RefusedCall(400, f"Invalid value {values[name]} for parameter {name}")


def upload(cloud: str, kind: str, values: Params) -> Result:
    """Store a file, whole or in chunks."""
    content_range = request.headers.get("Content-Range")
    if content_range:
        chunk = ReceivedChunk(content_range, required(dict(request.headers), "X-Unique-Upload-Id"))
        return _upload_chunk(cloud, kind, values, chunk)
    return _finish_upload(cloud, kind, values, receive(values))


def _finish_upload(cloud: str, kind: str, values: Params, received: Received) -> Result:
    asset = store_upload(cloud, kind, values, received)
    if flag(values, "async"):
        return {"status": "pending", "batch_id": secrets.token_hex(16), "public_id": asset["public_id"]}
    return upload_view(cloud, asset, values.get("api_key"))


def _upload_chunk(cloud: str, kind: str, values: Params, chunk: ReceivedChunk) -> Result:
    store = ChunkStore(state(), cloud)
    finished = store.result(chunk)
    if finished is not None:
        return finished
    part = receive(values)
    received, complete = store.add(chunk, part.path)
    if not complete:
        public_id = values.get("public_id") or f"upload-{chunk.key[:20]}"
        return {"done": False, "bytes": received, "public_id": public_id, "resource_type": kind}
    if str(values.get("public_id")) == f"upload-{chunk.key[:20]}":
        # The SDK repeats the public ID of the response to the first part, which is only a placeholder.
        values = {key: value for key, value in values.items() if key != "public_id"}
    try:
        result = _finish_upload(cloud, kind, values, describe(store.path(chunk), part.filename))
    finally:
        store.forget(chunk)
    result["done"] = True
    store.remember(chunk, result)
    return result


def explicit(cloud: str, kind: str, values: Params) -> Result:
    """Change an existing asset, and generate derived assets."""
    if _type(values) == "fetch":
        _fetch_original(cloud, kind, str(required(values, "public_id")), flag(values, "invalidate"))
    else:
        check_public_id(str(required(values, "public_id")))
    asset = require_asset(cloud, kind, _type(values), str(required(values, "public_id")))
    fresh = eager_items(values.get("eager"), asset["bytes"])

    def change(current: Asset) -> None:
        apply_changes(current, values)
        merge_derived(current, fresh)

    updated = change_asset(cloud, asset, change)
    ensure_folder(cloud, updated)
    state().usage.add(f"{cloud}/transformations", len(fresh))
    result = upload_view(cloud, updated, values.get("api_key"))
    wanted = {item["id"] for item in fresh}
    result["eager"] = [item for item in result.get("eager", []) if item["id"] in wanted]
    if flag(values, "eager_async") and fresh:
        result["batch_id"] = secrets.token_hex(16)
        result["eager"] = [dict(item, status="processing") for item in result["eager"]]
    if not fresh:
        result.pop("eager")
    return result


def _fetch_original(cloud: str, kind: str, url: str, again: bool) -> None:
    """Store the content of the URL with the URL as its public ID, unless it is stored and `again` is false.

    :raises RefusedCall: 400 when the URL cannot be fetched.
    """
    if state().assets(cloud).get(kind, "fetch", url) is not None and not again:
        return
    store_upload(cloud, kind, {"public_id": url, "type": "fetch"}, save_url(url))


def destroy(cloud: str, kind: str, values: Params) -> Result:
    asset = state().assets(cloud).get(kind, _type(values), str(required(values, "public_id")))
    deleted = asset is not None and state().assets(cloud).delete(asset["asset_id"])
    return {"result": "ok" if deleted else "not found"}


def rename(cloud: str, kind: str, values: Params) -> Result:
    """Give an asset another public ID or delivery type."""
    asset = require_asset(cloud, kind, _type(values), str(required(values, "from_public_id")))
    target_id, store = check_public_id(str(required(values, "to_public_id")), "to_public_id"), state().assets(cloud)
    _check_type(values, "to_type", UPLOAD_TYPES)
    target_type = str(values.get("to_type") or asset["type"])
    taken = store.get(kind, target_type, target_id)
    if taken is not None and taken["asset_id"] != asset["asset_id"] and flag(values, "overwrite"):
        store.delete(taken["asset_id"])
    try:
        moved = change_asset(cloud, asset, lambda item: item.update(public_id=target_id, type=target_type))
    except AssetExists:
        raise RefusedCall(409, f"to_public_id({target_id}) already exists") from None
    ensure_folder(cloud, moved)
    return upload_view(cloud, moved, values.get("api_key"))


def tags(cloud: str, kind: str, values: Params) -> Result:
    """Add, remove or replace tags of several assets."""
    command, wanted = str(required(values, "command")), items(values.get("tag"))
    changes: Dict[str, Callable[[List[str]], List[str]]] = {
        "add": lambda have: have + [tag for tag in wanted if tag not in have],
        "set_exclusive": lambda have: have + [tag for tag in wanted if tag not in have],
        "remove": lambda have: [tag for tag in have if tag not in wanted],
        "replace": lambda have: list(wanted),
        "remove_all": lambda have: [],
    }
    if command not in changes:
        raise RefusedCall(400, f"Invalid command {command}")
    if command == "set_exclusive":
        for other in state().assets(cloud).all():
            if other["resource_type"] == kind and set(other["tags"]) & set(wanted):
                state().assets(cloud).update(
                    other["asset_id"], lambda item: item.update(tags=[tag for tag in item["tags"] if tag not in wanted])
                )
    return _change_each(cloud, kind, values, lambda item: item.update(tags=changes[command](item["tags"])))


def context(cloud: str, kind: str, values: Params) -> Result:
    """Add context to several assets, or remove it."""
    if values.get("command") == "remove_all":
        return _change_each(cloud, kind, values, lambda item: item.update(context={}))
    if values.get("command") not in (None, "add"):
        raise RefusedCall(400, f"Invalid command {values['command']}")
    added = pairs(values.get("context"))
    return _change_each(cloud, kind, values, lambda item: item["context"].update(added))


def update_metadata(cloud: str, kind: str, values: Params) -> Result:
    """Set structured metadata of several assets."""
    added = metadata(required(values, "metadata"))
    return _change_each(cloud, kind, values, lambda item: item["metadata"].update(added))


def text(cloud: str, kind: str, values: Params) -> Result:
    """Store a picture of one pixel, since the sandbox does not render text."""
    required(values, "text")
    wanted = {"public_id": values.get("public_id") or random_id(), "type": "text"}
    stored = store_upload(cloud, "image", wanted, save([PIXEL], "text.png"))
    return upload_view(cloud, stored, values.get("api_key"))


def create_archive(cloud: str, kind: str, values: Params) -> Any:
    """A zip file of the assets chosen by ID, prefix or tag: stored as a raw asset, or sent as the response."""
    if values.get("target_format") not in (None, "", "zip"):
        raise RefusedCall(400, "The sandbox makes zip archives only")
    chosen = [asset for asset in state().assets(cloud).all() if _is_chosen(asset, kind, values)]
    found = {asset["public_id"] for asset in chosen}
    missing = [public_id for public_id in items(values.get("public_ids")) if public_id not in found]
    if (missing or not chosen) and not flag(values, "allow_missing"):
        raise RefusedCall(400, f"Resources not found for the archive {', '.join(missing)[:200]}".strip())
    path, name = state().temp_file(), str(values.get("target_public_id") or random_id())
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED) as archive:
        for asset in chosen:
            member = asset["public_id"] + (f".{asset['format']}" if asset.get("format") else "")
            member = member.rpartition("/")[2] if flag(values, "flatten_folders") else member
            archive.write(str(state().assets(cloud).content(asset)), member)
    if values.get("mode") == "download":
        sent: Response = send_file(str(path), "application/zip", as_attachment=True, download_name=f"{name}.zip")
        sent.call_on_close(path.unlink)
        return sent
    wanted = {"public_id": f"{name}.zip", "tags": values.get("target_tags")}
    stored = store_upload(cloud, "raw", wanted, describe(path, f"{name}.zip"))
    counts = {"resource_count": len(chosen), "file_count": len(chosen)}
    return {**upload_view(cloud, stored, values.get("api_key")), **counts}


def _is_chosen(asset: Asset, kind: str, values: Params) -> bool:
    if kind not in ("all", "auto", asset["resource_type"]) or asset["type"] != _type(values):
        return False
    qualified = f"{asset['resource_type']}/{asset['type']}/{asset['public_id']}"
    return (
        asset["public_id"] in items(values.get("public_ids"))
        or qualified in items(values.get("fully_qualified_public_ids"))
        or any(asset["public_id"].startswith(prefix) for prefix in items(values.get("prefixes")))
        or bool(set(asset["tags"]) & set(items(values.get("tags"))))
    )


def _change_each(cloud: str, kind: str, values: Params, change: Callable[[Asset], None]) -> Result:
    changed, store = [], state().assets(cloud)
    for public_id in items(required(values, "public_ids")):
        asset = store.get(kind, _type(values), public_id)
        if asset is not None and store.update(asset["asset_id"], change) is not None:
            changed.append(public_id)
    return {"public_ids": changed}


def _type(values: Params) -> str:
    return str(values.get("type") or "upload")


ACTIONS: Dict[str, Callable[[str, str, Params], Any]] = {
    "upload": upload,
    "explicit": explicit,
    "destroy": destroy,
    "rename": rename,
    "tags": tags,
    "context": context,
    "metadata": update_metadata,
    "generate_archive": create_archive,
    "text": text,
}
