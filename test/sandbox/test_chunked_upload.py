"""Uploads in chunks: by the SDK, in any order, repeated, malformed and restarted."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Dict

import cloudinary.uploader

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import Control, OAuthClient, png, session

Options = Dict[str, Any]


def test_the_sdk_uploads_in_chunks(options: Options, control: Control, tmp_path: Path) -> None:
    content = png() + bytes(range(256)) * 40
    (tmp_path / "big.png").write_bytes(content)
    response = cloudinary.uploader.upload_large(
        str(tmp_path / "big.png"), resource_type="auto", chunk_size=3000, tags="t", **options
    )
    assert response["done"] is True and response["bytes"] == len(content) and response["resource_type"] == "image"
    assert response["etag"] == hashlib.md5(content).hexdigest() and not response["public_id"].startswith("upload-")
    stats = control.stats()
    assert (stats["upload_chunks"], stats["uploads"]) == (4, 1)
    assert session().get(response["url"]).content == content


def test_chunks_in_any_order_and_repeated(sandbox: SandboxServer, oauth: OAuthClient) -> None:
    token, content = oauth.login()["access_token"], b"0123456789"
    url = sandbox.base_url + "/v1_1/sandbox/raw/upload"

    def send(first: int, last: int) -> Dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Range": f"bytes {first}-{last}/{len(content)}",
            "X-Unique-Upload-Id": "../../id",
        }
        files = {"file": ("x.bin", content[first : last + 1])}
        response: Dict[str, Any] = session().post(url, headers=headers, data={"public_id": "x"}, files=files).json()
        return response

    assert send(8, 9)["done"] is False
    assert send(0, 3)["done"] is False and send(0, 3)["bytes"] == 6
    last = send(4, 7)
    assert last["done"] is True and last["etag"] == hashlib.md5(content).hexdigest()
    assert send(4, 7) == last, "a repeated last part gets the same answer"


def test_malformed_chunks_are_refused(sandbox: SandboxServer, oauth: OAuthClient) -> None:
    headers = {"Authorization": "Bearer " + oauth.login()["access_token"], "X-Unique-Upload-Id": "u"}
    for content_range in ("bytes 0-9/20", "nonsense", "bytes 5-1/9"):
        headers["Content-Range"] = content_range
        files = {"file": ("x.bin", b"abc")}
        response = session().post(sandbox.base_url + "/v1_1/sandbox/raw/upload", headers=headers, files=files)
        assert response.status_code == 400


def test_a_chunked_upload_that_failed_can_start_again(sandbox: SandboxServer, oauth: OAuthClient) -> None:
    headers = {"Authorization": "Bearer " + oauth.login()["access_token"], "X-Unique-Upload-Id": "u"}
    headers["Content-Range"] = "bytes 0-3/4"
    url = sandbox.base_url + "/v1_1/sandbox/image/upload"
    assert session().post(url, headers=headers, files={"file": ("a.txt", b"text")}).status_code == 400
    assert session().post(url, headers=headers, files={"file": ("a.png", b"text")}).json()["done"] is True
