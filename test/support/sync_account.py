"""A scripted account for tests of `cld sync`, directory trees, and the requests that were sent."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Union
from urllib.parse import urlsplit

from test.support.cloudinary_server import CloudinaryServer, Reply, Request

Tree = Dict[str, bytes]


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def make(root: Union[Path, str], *names: str, **contents: bytes) -> Path:
    """Write files. The content of a file is its name, unless another content is given."""
    root = Path(root)
    for name, content in [*((name, name.encode()) for name in names), *contents.items()]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    root.mkdir(parents=True, exist_ok=True)
    return root


def tree(root: Path) -> Tree:
    """Every file below `root`, except the name map."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".cld-sync"
    }


class Account:
    """A scripted account in dynamic folder mode: a fixed search result, uploads that are accepted, deliveries."""

    def __init__(self, server: CloudinaryServer, mode: str = "dynamic") -> None:
        self.server, self.mode = server, mode
        self.results: List[Dict[str, Any]] = []
        self.contents: Dict[str, bytes] = {}  # by public ID
        server.on("GET", "/config", {"settings": {"folder_mode": mode}})
        server.on("POST", "/folders/search", {"total_count": 1, "folders": [{}]})
        server.on("POST", "/resources/search", lambda request: {"resources": self.results})
        server.on("POST", "/upload", self.respond_to_upload)
        for kind in ("image", "video", "raw"):
            for type_ in ("upload", "private"):
                server.on("DELETE", f"/resources/{kind}/{type_}", self.respond_to_delete)

    def config_url(self, **params: str) -> str:
        host = urlsplit(self.server.url).netloc
        return self.server.config_url(secure="false", cname=host, **params)

    def add(self, name: str, content: bytes = b"", **more: Any) -> Dict[str, Any]:
        """An asset `name` (without extension) of the folder f; its content is its name, if none is given."""
        public_id = more.pop("public_id", f"id-{len(self.results)}")
        content = content or name.encode()
        result = {
            "public_id": public_id,
            "resource_type": "image",
            "type": "upload",
            "format": "jpg",
            "display_name": name,
            "asset_folder": "f",
            "bytes": len(content),
            "etag": md5(content),
            "created_at": f"2024-01-01T00:00:{len(self.results):02}Z",
            "version": 1,
            **more,
        }
        self.results.append({key: value for key, value in result.items() if value is not ...})
        self.contents[public_id] = content
        self.server.on("GET", f"/{public_id}.jpg", Reply(body=content, headers={"Content-Type": "image/jpeg"}))
        return result

    def respond_to_upload(self, request: Request) -> Any:
        file = request.files["file"]
        stem, _, extension = str(file.filename).rpartition(".")
        return {
            "public_id": request.field("public_id") or f"new-{stem}",
            "resource_type": "image",
            "type": "upload",
            "format": extension.lower().replace("jpeg", "jpg"),
            "display_name": stem.replace("&", "_"),
            "asset_folder": request.field("asset_folder"),
            "etag": md5(file.content),
        }

    def respond_to_delete(self, request: Request) -> Any:
        return {"deleted": dict.fromkeys(deleted_ids(request), "deleted")}

    def sent(self, method: str, part: str = "") -> List[Request]:
        return [request for request in self.server.requests if request.method == method and part in request.path]

    @property
    def changes(self) -> List[str]:
        """The requests that change something, in order."""
        reading = ("/search", "/config")
        return [
            f"{request.method} {request.path}"
            for request in self.server.requests
            if request.method != "GET" and not request.path.endswith(reading)
        ]


def deleted_ids(request: Request) -> Sequence[str]:
    ids: Sequence[str] = request.json["public_ids"]
    return ids


def fails_for(name: str, response: Reply, otherwise: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """An upload handler that refuses one file."""
    return lambda request: response if request.files["file"].filename == name else otherwise(request)


def line_with(text: str, part: str) -> Optional[str]:
    return next((line for line in text.splitlines() if part in line), None)
