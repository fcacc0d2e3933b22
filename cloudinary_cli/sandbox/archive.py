"""The Upload API's `generate_archive`: a zip of chosen assets, stored as a raw asset or sent as the response."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Dict, List

from flask import Response, send_file

from .assets import Asset
from .fetch import describe, discard
from .ingest import store_upload
from .naming import random_id
from .params import Params, flag, items
from .state import RefusedCall, state
from .views import upload_view


def create_archive(cloud: str, kind: str, values: Params) -> Any:
    """Zip the assets chosen by ID, prefix or tag."""
    chosen = [asset for asset in state().assets(cloud).all() if _is_wanted(asset, kind, values)]
    if not chosen and not flag(values, "allow_missing"):
        raise RefusedCall(400, "No resources found for the archive")
    path = state().temp_file()
    _write(path, cloud, chosen)
    name = str(values.get("target_public_id") or random_id())
    if values.get("mode") == "download":
        return _download(path, f"{name}.zip")
    wanted = {"public_id": f"{name}.zip", "tags": values.get("target_tags")}
    received = describe(path, f"{name}.zip")
    try:
        stored = store_upload(cloud, "raw", wanted, received)
    finally:
        discard(received)
    response: Dict[str, Any] = upload_view(cloud, stored, "")
    response.update(resource_count=len(chosen), file_count=len(chosen))
    return response


def _download(path: Path, name: str) -> Response:
    response: Response = send_file(str(path), mimetype="application/zip", as_attachment=True, download_name=name)
    response.call_on_close(path.unlink)
    return response


def _is_wanted(asset: Asset, kind: str, values: Params) -> bool:
    if kind not in ("all", "auto", asset["resource_type"]) or asset["type"] != (values.get("type") or "upload"):
        return False
    qualified = f"{asset['resource_type']}/{asset['type']}/{asset['public_id']}"
    return (
        asset["public_id"] in items(values.get("public_ids"))
        or qualified in items(values.get("fully_qualified_public_ids"))
        or any(asset["public_id"].startswith(prefix) for prefix in items(values.get("prefixes")))
        or bool(set(asset["tags"]) & set(items(values.get("tags"))))
    )


def _write(path: Path, cloud: str, chosen: List[Asset]) -> None:
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED) as archive:
        for asset in chosen:
            suffix = f".{asset['format']}" if asset.get("format") else ""
            archive.write(str(state().assets(cloud).content(asset)), asset["public_id"] + suffix)
