"""`cld upload` and `cld uploader upload_large` with a large file, which is sent in chunks."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.bulk_processes import start, wait_until
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.commands import posix
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Any]
CHUNK = 6_000_000
LARGE = os.urandom(3 * CHUNK + 1)
RANGES = [
    *(f"bytes {start}-{start + CHUNK - 1}/{len(LARGE)}" for start in (0, CHUNK, 2 * CHUNK)),
    f"bytes {len(LARGE) - 1}-{len(LARGE) - 1}/{len(LARGE)}",
]


@pytest.fixture(autouse=True)
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large.bin").write_bytes(LARGE)


def ranges(server: CloudinaryServer) -> List[str]:
    return [request.headers["content-range"] for request in server.requests]


@pytest.mark.parametrize("method", ["upload", "upload_large"])
def test_the_middle_chunks_are_sent_at_the_same_time(server: CloudinaryServer, invoke: Run, method: str) -> None:
    together = threading.Barrier(2)

    def respond(request: Request) -> Any:
        if request.headers["content-range"] in RANGES[1:3]:
            together.wait(30)  # breaks unless both wait here
        return {"public_id": "a"}

    server.on("POST", "/upload", respond)
    result = invoke("-c", server.config_url(), method, "large.bin", "chunk_size=6MB")
    assert (result.code, result.err, json.loads(result.out)) == (0, "", {"public_id": "a"})
    assert not together.broken
    arrived = ranges(server)
    assert (arrived[0], arrived[-1]) == (RANGES[0], RANGES[-1]) and sorted(arrived) == sorted(RANGES)
    sent = sorted(server.requests, key=lambda request: RANGES.index(request.headers["content-range"]))
    assert b"".join(request.files["file"].content for request in sent) == LARGE
    assert [request.field("public_id") for request in sent] == [None, "a", "a", "a"]
    assert {request.path for request in sent} == {f"/v1_1/demo/{'auto' if method == 'upload' else 'raw'}/upload"}


@pytest.mark.parametrize("words", [["uploader", "--chunk-workers", "1", "upload_large"], ["upload_large"]])
def test_one_worker_sends_the_chunks_in_order(server: CloudinaryServer, invoke: Run, words: List[str]) -> None:
    end = [] if len(words) > 1 else ["--chunk-workers", "1"]
    assert invoke("-c", server.config_url(), *words, "large.bin", "chunk_size=6MB", *end).code == 0
    assert ranges(server) == RANGES


def test_a_file_up_to_20_mb_is_one_request(server: CloudinaryServer, invoke: Run) -> None:
    assert invoke("-c", server.config_url(), "upload", "large.bin").code == 0
    (request,) = server.requests
    assert "content-range" not in request.headers and request.files["file"].content == LARGE


def test_an_unsigned_upload_in_chunks_has_no_signature(server: CloudinaryServer, invoke: Run) -> None:
    words = ("unsigned_upload", "large.bin", "preset", "chunk_size=6MB")
    assert invoke("-c", server.config_url(), "uploader", *words).code == 0
    assert len(server.requests) == 4
    for request in server.requests:
        assert (request.field("upload_preset"), request.field("signature")) == ("preset", None)


def test_the_credentials_among_the_arguments_are_used(server: CloudinaryServer, invoke: Run) -> None:
    url = server.config_url("own", "", oauth_token="TOKEN")
    words = ("upload_large", "large.bin", "chunk_size=6MB", "cloud_name=other", "api_key=k2", "api_secret=s2")
    assert invoke("-c", url, *words).code == 0
    for request in server.requests:
        assert request.path == "/v1_1/other/raw/upload" and request.field("api_key") == "k2"
        assert "authorization" not in request.headers and "TOKEN" not in request.body.decode("latin-1")


@posix
def test_a_large_pipe_is_sent_in_chunks(server: CloudinaryServer) -> None:
    words = ["-c", server.config_url(), "upload_large", "/dev/stdin", "chunk_size=6MB"]
    done = subprocess.run(
        [sys.executable, "-m", "cloudinary_cli", *words], input=LARGE, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    sent = sorted(server.requests, key=lambda request: RANGES.index(request.headers["content-range"]))
    assert b"".join(request.files["file"].content for request in sent) == LARGE


def test_a_rejected_token_is_renewed_once_and_a_failed_chunk_is_repeated(
    box: SandboxClient, store: ConfigStore, invoke: Run
) -> None:
    box.save_login(store, "box", stale=False)
    box.fault("/v1_1", skip=1, status=401, body={"error": {"message": "expired"}})
    box.fault("/v1_1", skip=1, status=503)
    result = invoke("-C", "box", "upload_large", "large.bin", "chunk_size=6MB", "public_id=x.bin")
    assert result.code == 0, result.err
    assert json.loads(result.out)["etag"] == hashlib.md5(LARGE).hexdigest()
    assert box.stats["refresh_exchanges"] == 1


def test_a_refused_chunk_is_one_line_and_the_last_chunk_is_not_sent(server: CloudinaryServer, invoke: Run) -> None:
    refused = Reply(400, {"error": {"message": "Bad chunk"}})
    server.on(
        "POST", "/upload", lambda request: refused if request.headers["content-range"] == RANGES[1] else {"done": False}
    )
    result = invoke("-c", server.config_url(), "upload_large", "large.bin", "chunk_size=6MB")
    assert (result.code, result.out) == (1, "") and result.err.count("\n") == 1
    assert result.err.startswith("error: Bad chunk. Chunk 2 of 4 failed. The other chunks were stopped, and the file")
    assert RANGES[-1] not in ranges(server)


def test_the_response_to_the_last_chunk_may_be_an_error_with_return_error(
    server: CloudinaryServer, invoke: Run
) -> None:
    server.on("POST", "/upload", {"done": False}, Reply(400, {"error": {"message": "Bad chunk"}}))
    result = invoke("-c", server.config_url(), "upload_large", "large.bin", "chunk_size=6MB", "return_error=true")
    assert result.code == 0 and json.loads(result.out)["error"]["message"] == "Bad chunk"
    assert RANGES[-1] not in ranges(server)


@posix
def test_ctrl_c_ends_an_upload_in_chunks(server: CloudinaryServer) -> None:
    gate = threading.Event()

    def respond(request: Request) -> Any:
        if request.headers["content-range"] != RANGES[0]:
            gate.wait(30)
        return {"public_id": "a"}

    server.on("POST", "/upload", respond)
    process = start("-c", server.config_url(), "upload_large", "large.bin", "chunk_size=6MB")
    wait_until(lambda: len(server.requests) == 3, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    gate.set()
    assert Path("err").read_text().count("\n") == 1 and RANGES[-1] not in ranges(server)
