"""A server that accepts uploads of any size: it reads each body in blocks, and keeps only the headers."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List

_BLOCK = 1 << 20


class DiscardingServer:
    """A context manager. `headers` holds the headers of the uploads, with names in lower case."""

    def __init__(self) -> None:
        self.headers: List[Dict[str, str]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self.headers))
        self._http.daemon_threads = True

    def __enter__(self) -> "DiscardingServer":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def config_url(self) -> str:
        return f"cloudinary://key:secret@demo?upload_prefix=http://127.0.0.1:{self._http.server_address[1]}"


def _handler_of(seen: List[Dict[str, str]]) -> type:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            remaining = int(self.headers.get("Content-Length") or 0)
            while remaining:
                remaining -= len(self.rfile.read(min(_BLOCK, remaining)))
            is_upload = self.path.endswith("/upload")
            if is_upload:
                seen.append({name.lower(): value for name, value in self.headers.items()})
            body: Any = {"public_id": "a"} if is_upload else {"resources": [], "presets": [], "total_count": 0}
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _serve

        def log_message(self, *args: object) -> None:
            pass

    return Handler
