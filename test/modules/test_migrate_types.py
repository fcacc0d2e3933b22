"""`cld migrate` requests each asset under the resource type that it will have."""

from __future__ import annotations

from pathlib import Path
from typing import List
from urllib.parse import urlsplit

import pytest

from test.support.cloudinary_server import CloudinaryServer
from test.support.commands import Run

NAMES = ["a.jpg", "b.MP4", "c.mp3", "d.pdf", "e.zip", "f.csv?v=a.jpg", "g", "h.jpeg", "i.mov?x=1", "v1.2/j"]


@pytest.fixture
def migrate(server: CloudinaryServer, invoke: Run) -> Run:
    server.on("GET", "/upload_mappings", {"folder": "m", "template": "https://old.example/"})
    url = server.config_url(secure="false", cname=urlsplit(server.url).netloc)
    Path("urls").write_text("".join(f"https://old.example/{name}\n" for name in NAMES))
    return lambda *args: invoke("-c", url, "migrate", "m", "urls", "-w", "1", *args)


def kinds(server: CloudinaryServer) -> List[str]:
    return [request.path.split("/")[2] for request in server.requests if request.method == "HEAD"]


def test_the_extension_determines_the_resource_type(server: CloudinaryServer, migrate: Run) -> None:
    done = migrate()
    assert done.code == 0, done.err
    assert kinds(server) == ["image", "video", "video", "image", "raw", "raw", "image", "image", "video", "image"]


@pytest.mark.parametrize("kind", ["image", "video", "raw"])
def test_an_option_decides_for_all(kind: str, server: CloudinaryServer, migrate: Run) -> None:
    assert migrate("--resource-type", kind).code == 0
    assert kinds(server) == [kind] * len(NAMES)


def test_a_dry_run_prints_the_same_urls(server: CloudinaryServer, migrate: Run) -> None:
    done = migrate("--dry-run")
    assert "/video/upload/v1/m/b.MP4" in done.err and "/raw/upload/v1/m/e.zip" in done.err and kinds(server) == []
