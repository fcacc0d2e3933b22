"""One command sends a failing request at most four times, whatever the command and the failure are."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.commands import Run
from test.support.raw_server import RawServer
from test.support.sync_account import make

MOST_REQUESTS = 4
FAILING = Reply(500, {"error": {"message": "oops"}})
MODE = {"settings": {"folder_mode": "dynamic"}}

COMMANDS = [
    ("/config", ["upload_dir", "d"]),
    ("/config", ["sync", "d", "shop", "--push"]),
    ("/resources/search", ["sync", "d", "shop", "--push"]),
    ("/folders/search", ["sync", "d", "shop", "--push"]),
    ("/upload", ["upload_dir", "d"]),
    ("/upload", ["sync", "d", "shop", "--push", "-K"]),
    ("/resources/image/upload", ["sync", "d", "shop", "--push", "-F"]),
    ("/v1/a.jpg", ["sync", "e", "shop", "--pull"]),
    ("/upload_mappings", ["migrate", "m", "urls"]),
    ("/transformations", ["regen_derived", "t", "-F"]),
    ("/explicit", ["regen_derived", "t", "-F"]),
    ("/resources/search", ["search", "x"]),
    ("/folders/search", ["search_folders", "x"]),
    ("/ping", ["admin", "ping"]),
    ("/resources/image", ["admin", "resources"]),
]


@pytest.fixture
def command(server: CloudinaryServer, invoke: Run) -> Run:
    """Run a command of the table in a folder with one local file, and an account with one asset."""
    make("d", "new.jpg")
    make("e")
    Path("urls").write_text("http://old.example/a.jpg\n")
    server.on("GET", "/config", MODE)
    asset = {"public_id": "a", "format": "jpg", "asset_folder": "shop", "display_name": "a", "etag": "0"}
    listing = {"resources": [{**asset, "secure_url": f"{server.url}/v1/a.jpg"}]}
    server.on("POST", "/resources/search", listing)
    server.on("POST", "/folders/search", {"total_count": 1})
    server.on("GET", "/upload_mappings", {"folder": "m", "template": "http://old.example/"})
    server.on("GET", "/transformations", {"derived": [{"public_id": "a"}]})
    return lambda *args: invoke("-c", server.config_url(), *args)


@pytest.mark.parametrize(("path", "args"), COMMANDS, ids=lambda value: value if isinstance(value, str) else value[0])
def test_a_request_with_status_500_is_sent_at_most_four_times(
    path: str, args: List[str], server: CloudinaryServer, command: Run
) -> None:
    server.on("*", path, FAILING)
    done = command(*args)
    requests = [request for request in server.requests if request.path.endswith(path)]
    assert done.code == 1 and 0 < len(requests) <= MOST_REQUESTS, (len(requests), done.err)


@pytest.mark.parametrize(
    "args", [["upload_dir", "d"], ["sync", "d", "shop", "--push"], ["search", "x"], ["migrate", "m", "urls"]], ids=str
)
def test_a_request_without_a_response_is_sent_at_most_four_times(args: List[str], command: Run, invoke: Run) -> None:
    connections: List[bytes] = []

    def hang_up(peer: socket.socket) -> None:
        connections.append(peer.recv(65536).split()[1])
        peer.close()

    with RawServer(hang_up) as server:
        done = invoke("-c", f"cloudinary://k:s@demo?upload_prefix=http://{server.address}", *args)
    counts = {path: connections.count(path) for path in connections}
    assert done.code == 1 and counts and max(counts.values()) <= MOST_REQUESTS, counts


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_refusal_is_not_repeated(status: int, server: CloudinaryServer, command: Run) -> None:
    server.on("POST", "/resources/search", Reply(status, {"error": {"message": "no"}}))
    assert command("search", "x").code == 1 and len(server.requests) == 1


def test_a_new_asset_is_never_created_twice(server: CloudinaryServer, command: Run) -> None:
    server.on("POST", "/upload", FAILING)
    assert command("uploader", "upload", "d/new.jpg").code == 1 and len(server.requests) == 1
