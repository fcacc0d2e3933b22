"""Uploads in chunks: by the SDK, in any permitted order, repeated, refused, expired and started again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Callable, Dict

import cloudinary.uploader
import pytest
import requests

from cloudinary_cli.sandbox.chunks import LIFETIME
from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import Control, OAuthClient, png, session

Options = Dict[str, Any]
CONTENT = b"0123456789"


@pytest.fixture
def sandbox(make_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    """A sandbox that accepts chunks of two bytes."""
    return make_sandbox(min_chunk=1)


class Sender:
    """Sends chunks of CONTENT under one upload ID."""

    def __init__(self, sandbox: SandboxServer, oauth: OAuthClient) -> None:
        self.url = sandbox.base_url + "/v1_1/sandbox/raw/upload"
        self.token = oauth.login()["access_token"]

    def response(self, content_range: str, content: bytes) -> requests.Response:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Range": content_range,
            "X-Unique-Upload-Id": "../../id",
        }
        return session().post(self.url, headers=headers, data={"public_id": "x"}, files={"file": ("x.bin", content)})

    def send(self, first: int, last: int, total: object = len(CONTENT)) -> Dict[str, Any]:
        response = self.response(f"bytes {first}-{last}/{total}", CONTENT[first : last + 1])
        assert response.status_code == 200, response.text
        result: Dict[str, Any] = response.json()
        return result

    def refusal(self, first: int, last: int, total: object = len(CONTENT)) -> str:
        """The message of a refused chunk."""
        response = self.response(f"bytes {first}-{last}/{total}", CONTENT[first : last + 1])
        assert response.status_code == 400, response.text
        return str(response.json()["error"]["message"])


@pytest.fixture
def sender(sandbox: SandboxServer, oauth: OAuthClient) -> Sender:
    return Sender(sandbox, oauth)


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


def test_the_middle_chunks_arrive_in_any_order_and_repeatedly(sender: Sender) -> None:
    assert sender.send(0, 1)["done"] is False
    assert sender.send(6, 7)["done"] is False
    assert sender.send(2, 5)["bytes"] == 8 and sender.send(2, 5)["bytes"] == 8
    assert sender.send(0, 1)["bytes"] == 8
    last = sender.send(8, 9)
    assert last["done"] is True and last["etag"] == hashlib.md5(CONTENT).hexdigest()
    assert sender.send(8, 9) == last, "a repeated last chunk gets the same response"


def test_no_chunk_is_accepted_before_the_first_one(sender: Sender) -> None:
    assert "The first chunk of this upload has not been received" in sender.refusal(2, 5)
    sender.send(0, 1)
    assert sender.send(2, 5)["bytes"] == 6


def test_the_last_chunk_is_refused_while_another_one_is_missing(sender: Sender) -> None:
    sender.send(0, 1)
    sender.send(4, 7)
    assert sender.refusal(8, 9) == "The last chunk was received before 2 bytes of the other chunks"
    sender.send(2, 3)
    assert sender.send(8, 9)["done"] is True


def test_a_chunk_that_overlaps_another_one_is_refused(sender: Sender) -> None:
    sender.send(0, 3)
    assert "overlaps" in sender.refusal(2, 5) and "overlaps" in sender.refusal(0, 1)


def test_another_total_is_refused(sender: Sender) -> None:
    sender.send(0, 3)
    assert sender.refusal(4, 7, 12) == "The total in Content-Range is 12, and was 10 before"
    assert "ends after the 6 bytes" in sender.refusal(4, 7, 6)


def test_the_total_may_be_unknown_until_the_last_chunk(sender: Sender) -> None:
    assert sender.send(0, 3, -1)["done"] is False and sender.send(4, 7, -1)["done"] is False
    assert sender.send(8, 9)["bytes"] == 10


def test_small_chunks_are_refused_except_the_last_one(make_sandbox: Callable[..., SandboxServer]) -> None:
    sandbox = make_sandbox()  # with the limit of the service
    sender, limit = Sender(sandbox, OAuthClient(sandbox)), 5 * 1024**2
    assert sender.refusal(0, 3) == "All parts except EOF-chunk must be larger than 5mb"
    assert sender.response(f"bytes 0-{limit - 1}/{limit + 1}", b"x" * limit).status_code == 400
    assert sender.response(f"bytes 0-{limit}/{limit + 2}", b"x" * (limit + 1)).status_code == 200
    last = sender.response(f"bytes {limit + 1}-{limit + 1}/{limit + 2}", b"x")
    assert last.json()["bytes"] == limit + 2


def test_an_incomplete_upload_expires(sandbox: SandboxServer, sender: Sender, control: Control) -> None:
    sender.send(0, 3)
    control.clock(LIFETIME + 1)
    sender.token = OAuthClient(sandbox).login()["access_token"]
    assert "the upload has expired" in sender.refusal(4, 7)
    assert not list(sandbox.state.temp_dir.iterdir())


def test_malformed_chunks_are_refused(sender: Sender) -> None:
    for content_range in ("bytes 0-9/20", "nonsense", "bytes 5-1/9"):
        assert sender.response(content_range, b"abc").status_code == 400


def test_a_chunked_upload_that_failed_can_start_again(sandbox: SandboxServer, oauth: OAuthClient) -> None:
    headers = {"Authorization": "Bearer " + oauth.login()["access_token"], "X-Unique-Upload-Id": "u"}
    headers["Content-Range"] = "bytes 0-3/4"
    url = sandbox.base_url + "/v1_1/sandbox/image/upload"
    assert session().post(url, headers=headers, files={"file": ("a.txt", b"text")}).status_code == 400
    assert session().post(url, headers=headers, files={"file": ("a.png", b"text")}).json()["done"] is True
