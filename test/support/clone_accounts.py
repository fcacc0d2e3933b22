"""Two scripted accounts on two hosts for tests of `cld clone`."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from test.support.cloudinary_server import CloudinaryServer, Reply, Request

PAGE = 500


class Source:
    """A scripted account whose search finds `assets`, in pages."""

    def __init__(self, server: CloudinaryServer, page_size: int = PAGE) -> None:
        self.server, self.page_size = server, page_size
        self.assets: List[Dict[str, Any]] = []
        server.on("POST", "/resources/search", self.respond_to_search)

    def add(self, public_id: str, **more: Any) -> Dict[str, Any]:
        asset = {
            "public_id": public_id,
            "resource_type": "image",
            "type": "upload",
            "format": "jpg",
            "secure_url": f"https://res.example/src/image/upload/v1/{public_id}.jpg",
            **more,
        }
        self.assets.append({name: value for name, value in asset.items() if value is not ...})
        return self.assets[-1]

    def respond_to_search(self, request: Request) -> Any:
        begin = int(request.json.get("next_cursor") or 0)
        end = begin + self.page_size
        cursor = {"next_cursor": str(end)} if end < len(self.assets) else {}
        return {"total_count": len(self.assets), "resources": self.assets[begin:end], **cursor}

    @property
    def searches(self) -> List[Request]:
        return [request for request in self.server.requests if request.path.endswith("/resources/search")]


class Target:
    """A scripted account in fixed folder mode that accepts everything but the public IDs in `refused`."""

    def __init__(self, server: CloudinaryServer) -> None:
        self.server = server
        self.refused: Dict[str, Reply] = {}
        server.on("GET", "/ping", {"status": "ok"})
        server.on("GET", "/metadata_fields", {"metadata_fields": [{"external_id": "f"}]})
        server.on("POST", "/upload", self.respond_to_upload)

    def respond_to_upload(self, request: Request) -> Any:
        public_id = str(request.field("public_id"))
        if public_id in self.refused:
            return self.refused[public_id]
        return {
            "public_id": public_id,
            "secure_url": f"https://res.example/dst/{public_id}.jpg",
            "etag": "e",
            "bytes": 5,
        }

    @property
    def uploads(self) -> List[Request]:
        return [request for request in self.server.requests if request.path.endswith("/upload")]

    def sent(self, public_id: str) -> Optional[Request]:
        """The upload of an asset."""
        return next((request for request in self.uploads if request.field("public_id") == public_id), None)

    @property
    def arrived(self) -> List[str]:
        return sorted(str(request.field("public_id")) for request in self.uploads)
