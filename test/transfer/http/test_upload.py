"""Uploads: requests, streaming, chunks, retries, and status 401."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.auth.oauth_config import OAuthConfig
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ApiError, AuthenticationError
from cloudinary_cli.net.multipart import BLOCK, FilePart, encode
from cloudinary_cli.net.retry import Stopped
from cloudinary_cli.transfer.http.upload import UploadSource, UploadTarget, explicit, is_repeatable, upload
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.sandbox_client import SandboxClient

Make = Callable[..., UploadTarget]


@pytest.fixture
def photo(tmp_path: Path) -> UploadSource:
    path = tmp_path / "pic é.bin"
    path.write_bytes(os.urandom(5000))
    return UploadSource.of_file(str(path))


def test_one_upload_is_the_sdks_request(server: CloudinaryServer, target: Make, photo: UploadSource) -> None:
    server.reply({"public_id": "a"})
    response = upload(target(server.config_url()), photo, {"folder": "f", "tags": ["x", "y"], "use_filename": True})
    assert response == {"public_id": "a"}
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1_1/demo/auto/upload")
    assert {name: request.field(name) for name in ("folder", "tags", "use_filename", "api_key")} == {
        "folder": "f",
        "tags": "x,y",
        "use_filename": "1",
        "api_key": "key",
    }
    assert request.field("signature") and "authorization" not in request.headers
    assert request.headers["user-agent"].startswith("CloudinaryCLI/")
    sent = request.files["file"]
    assert sent.content == Path(str(photo.path)).read_bytes()
    assert sent.filename == "pic é.bin"  # never the path


def test_the_timeout_and_the_headers_of_the_options_apply(
    server: CloudinaryServer, target: Make, photo: UploadSource
) -> None:
    def slow(request: Request) -> Any:
        time.sleep(2)
        return {"public_id": "a"}

    server.on("POST", "/upload", slow)
    options = {"timeout": "60", "extra_headers": {"X-Trace": 1}}
    upload(target(server.config_url(timeout="1")), photo, options)
    (request,) = server.requests  # it was not repeated after a second
    assert request.headers["x-trace"] == "1" and request.field("timeout") is None


def test_the_server_accepts_signature_and_bearer(
    box: SandboxClient, target: Make, photo: UploadSource, store: ConfigStore
) -> None:
    signed = upload(target(box.server.environment(Path("."))["CLOUDINARY_URL"]), photo, {"public_id": "signed"})
    assert signed["etag"] == hashlib.md5(Path(str(photo.path)).read_bytes()).hexdigest()
    box.save_login(store, "box", stale=True)
    config = OAuthConfig.bind_saved("box", store.load()["box"], store)
    assert upload(target(config), photo, {"public_id": "bearer"})["public_id"] == "bearer"
    assert box.stats["refresh_exchanges"] == 1 and box.stats["bad_signatures"] == 0


def test_a_rejected_token_is_renewed_once(
    box: SandboxClient, target: Make, photo: UploadSource, store: ConfigStore
) -> None:
    box.save_login(store, "box", stale=False)
    config = OAuthConfig.bind_saved("box", store.load()["box"], store)
    box.fault("/v1_1", status=401, body={"error": {"message": "expired"}})
    assert upload(target(config), photo, {"public_id": "x"})["public_id"] == "x"
    assert box.stats["refresh_exchanges"] == 1
    box.fault("/v1_1", status=401, body={"error": {"message": "expired"}}, times=None)
    with pytest.raises(AuthenticationError):
        upload(target(config), photo, {"public_id": "x"})


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503},
        {"status": 420, "headers": {"Retry-After": "0"}},
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"mode": "reset"},
        {"mode": "cut"},
        {"mode": "after"},
        {"mode": "stall", "delay": 5},
    ],
    ids=lambda fault: str(fault.get("mode") or fault["status"]),
)
def test_a_transient_error_is_retried_without_creating_a_second_asset(
    fault: Any, box: SandboxClient, target: Make, photo: UploadSource
) -> None:
    url = box.server.environment(Path("."))["CLOUDINARY_URL"] + "&timeout=1"
    before = len(box.server.state.assets("sandbox").all())
    box.fault("/v1_1", **fault)
    response = upload(target(url), photo, {"asset_folder": f"t{fault}", "use_filename_as_display_name": True})
    assert response["bytes"] == photo.size
    assert len(box.server.state.assets("sandbox").all()) == before + 1


@pytest.mark.parametrize(
    ("options", "repeatable"),
    [
        ({"public_id": "a"}, True),
        ({"use_filename": 1, "unique_filename": 0}, True),
        ({"use_filename": "true", "unique_filename": "false"}, True),
        ({"use_filename": True}, False),
        ({"upload_preset": "p"}, False),
        ({}, False),
    ],
)
def test_which_uploads_may_be_repeated(options: Any, repeatable: bool) -> None:
    assert is_repeatable(options) is repeatable


def test_a_lost_response_of_an_unrepeatable_upload_is_an_error_that_says_so(
    server: CloudinaryServer, target: Make, photo: UploadSource
) -> None:
    server.on("POST", "/upload", Reply(200, b'{"public_id"', {"Content-Length": "9999"}))
    with pytest.raises(ApiError, match="may have been uploaded"):
        upload(target(server.config_url(timeout="1")), photo, {"upload_preset": "p"})
    assert len(server.requests) == 1


def test_bodies_are_streamed_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 3_000_000)
    headers, make = encode([("a", "b")], FilePart(str(path), "f", 3_000_000))
    for _ in range(2):  # created again for each attempt
        blocks = list(make())
        assert max(map(len, blocks)) <= BLOCK
        assert sum(map(len, blocks)) == int(headers["Content-Length"])


def test_names_cannot_break_out_of_their_header(server: CloudinaryServer, target: Make, tmp_path: Path) -> None:
    path = tmp_path / 'a"\r\nX: y'
    path.write_bytes(b"1")
    upload(target(server.config_url()), UploadSource.of_file(str(path)), {"public_id": "x"})
    assert server.requests[0].files["file"].filename == "a%22%0D%0AX: y"


def test_explicit_and_remote_urls(server: CloudinaryServer, target: Make) -> None:
    there = target(server.config_url())
    explicit(there, "a/b", {"type": "upload", "eager": [{"width": 5}], "invalidate": True})
    upload(there, UploadSource(url="https://example.com/a.jpg"), {"public_id": "c"})
    first, second = server.requests
    assert (first.path, first.field("public_id"), first.field("eager")) == ("/v1_1/demo/image/explicit", "a/b", "w_5")
    assert second.field("file") == "https://example.com/a.jpg" and second.files == {}


def test_errors_have_the_text_of_the_server(server: CloudinaryServer, target: Make, photo: UploadSource) -> None:
    server.reply(Reply(400, {"error": {"message": "Invalid image file"}}), Reply(200, b"<html>"), Reply(409, {"a": 1}))
    for text in ("^Invalid image file$", r"parsing server response \(200\)", "HTTP 409"):
        with pytest.raises(ApiError, match=text):
            upload(target(server.config_url()), photo, {"public_id": "x"})


def test_a_target_sends_its_own_credentials_only(server: CloudinaryServer, target: Make, photo: UploadSource) -> None:
    from cloudinary_cli.sdk import loader

    there = target(server.config_url("other", "k2:s2"))
    loader.load()._config = OAuthConfig.from_url(
        server.config_url("source", "", oauth_token="TOKEN-OF-SOURCE", upload_preset="p")
    )
    upload(there, photo, {"public_id": "x"})
    (request,) = server.requests
    assert b"TOKEN-OF-SOURCE" not in request.body and "authorization" not in request.headers
    assert (request.field("api_key"), request.field("upload_preset")) == ("k2", None)


def test_a_stop_ends_the_wait_for_a_retry(server: CloudinaryServer, target: Make, photo: UploadSource) -> None:
    there = target(server.config_url())
    seen: List[int] = []

    def refuse(request: Any) -> Reply:
        seen.append(1)
        threading.Timer(0.1, there.session.stop.request).start()
        return Reply(429, {}, {"Retry-After": "200"})

    server.on("POST", "/upload", refuse)
    with pytest.raises(Stopped):
        upload(there, photo, {"public_id": "x"})
    assert seen == [1]
