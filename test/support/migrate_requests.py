"""Writes the input file of `cld migrate`, and reads the requests that the scripted server received."""

from __future__ import annotations

from pathlib import Path
from typing import List

from test.support.cloudinary_server import CloudinaryServer

TEMPLATE = "https://old.example/"


def write(*lines: str, name: str = "urls", delimiter: str = "\n") -> str:
    Path(name).write_text(delimiter.join(lines), encoding="utf-8")
    return name


def requested(server: CloudinaryServer) -> List[str]:
    prefix = "/demo/image/upload/v1/m/"
    return [request.path[len(prefix) :] for request in server.requests if request.path.startswith(prefix)]
