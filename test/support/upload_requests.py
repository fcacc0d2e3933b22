"""Lets the scripted server accept the uploads of `cld upload_dir`, and reads them."""

from __future__ import annotations

from typing import Any, Dict, List

from test.support.cloudinary_server import CloudinaryServer, Request


def accepted(request: Request) -> Dict[str, Any]:
    name, dot, extension = str(request.files["file"].filename).partition(".")
    return {
        "public_id": "id-" + name,
        "asset_folder": request.field("asset_folder"),
        "display_name": name,
        "format": extension,
        "secure_url": f"https://x/{name}{dot}{extension}",
        "etag": "e",
    }


def uploads(server: CloudinaryServer) -> List[Request]:
    return [request for request in server.requests if request.path.endswith("/upload")]


def sent(server: CloudinaryServer) -> List[str]:
    """`folder/file name` of each upload, in order."""
    return [f"{request.field('asset_folder')}/{request.files['file'].filename}" for request in uploads(server)]
