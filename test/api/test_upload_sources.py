"""What `cld uploader` takes as a file: names that look like URLs, URLs, pipes and devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.sync_account import Account, make

Run = Callable[..., Any]
METHODS = ["upload", "upload_large", "unsigned_upload"]
EMPTY = Reply(400, {"error": {"message": "Empty file"}})

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no colon in file names, and no /dev")


def words_for(method: str, file: str) -> List[str]:
    return ["uploader", method, file, *(["preset"] if method == "unsigned_upload" else [])]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """The directory of temporary files of the processes under test."""
    directory = tmp_path / "spool"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["https:x.png", "s3:x.png", "ftp:x", "gs:x", "a:/https:x"])
def test_a_local_file_named_like_a_url_is_uploaded(
    server: CloudinaryServer, cld: Run, tmp_path: Path, method: str, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"local")
    result = cld("-c", server.config_url(), *words_for(method, name))
    assert (result.code, result.err) == (0, "")
    (request,) = server.requests
    assert (request.files["file"].filename, request.files["file"].content) == (name, b"local")


def test_a_visual_search_takes_a_local_file_named_like_a_url(
    server: CloudinaryServer, cld: Run, tmp_path: Path
) -> None:
    (tmp_path / "https:x.png").write_bytes(b"local")
    server.reply({"resources": []})
    assert cld("-c", server.config_url(), "admin", "visual_search", "image_file=https:x.png").code == 0
    assert server.requests[0].files["image_file"].content == b"local"
    url = "https://example.com/x.png"
    assert cld("-c", server.config_url(), "admin", "visual_search", f"image_file={url}").code == 0
    assert server.requests[1].field("image_file") == url


@pytest.mark.parametrize("command", [("upload_dir", "d"), ("sync", "d", "f", "--push")], ids=lambda words: words[0])
def test_a_bulk_command_uploads_a_file_named_like_a_url(
    server: CloudinaryServer, cld: Run, tmp_path: Path, command: Any
) -> None:
    account = Account(server)
    make(tmp_path / "d", "https:x.jpg")
    assert cld("-c", account.config_url(), *command, "-fm", "dynamic").code == 0
    (request,) = account.sent("POST", "/upload")
    assert (request.files["file"].filename, request.files["file"].content) == ("https:x.jpg", b"https:x.jpg")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/x.png",
        "HTTPS://example.com/x.png",
        "s3://bucket/x.png",
        "data:image/png;base64,iVBO",
        "data:image/svg+xml,%3Csvg/%3E",
    ],
)
def test_a_url_or_data_uri_is_sent_as_text(server: CloudinaryServer, cld: Run, method: str, url: str) -> None:
    result = cld("-c", server.config_url(), *words_for(method, url))
    assert (result.code, result.err) == (0, "")
    (request,) = server.requests
    assert (request.field("file"), request.files) == (url, {})
    assert request.path == "/v1_1/demo/auto/upload"


@pytest.mark.parametrize("method", METHODS)
def test_stdin_is_uploaded_under_the_name_stdin(server: CloudinaryServer, cld: Run, spool: Path, method: str) -> None:
    env = {"TMPDIR": str(spool)}
    result = cld("-c", server.config_url(), *words_for(method, "/dev/stdin"), input="piped", env=env)
    assert (result.code, result.err) == (0, "")
    (request,) = server.requests
    assert (request.files["file"].filename, request.files["file"].content) == ("stdin", b"piped")
    assert os.listdir(spool) == []


@pytest.mark.parametrize("method", METHODS)
def test_a_file_as_stdin_has_the_name_stdin(server: CloudinaryServer, tmp_path: Path, method: str) -> None:
    (tmp_path / "x.png").write_bytes(b"redirected")
    command = [sys.executable, "-m", "cloudinary_cli", "-c", server.config_url(), *words_for(method, "/dev/stdin")]
    with open(tmp_path / "x.png", "rb") as file:
        assert subprocess.run(command, stdin=file, stdout=subprocess.DEVNULL, timeout=60, check=False).returncode == 0
    (request,) = server.requests
    assert (request.files["file"].filename, request.files["file"].content) == ("stdin", b"redirected")


def test_stdin_that_is_a_socket_is_uploaded(server: CloudinaryServer) -> None:
    import socket

    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "cloudinary_cli", "-c", server.config_url(), "upload", "/dev/stdin"]
    with ours, theirs:
        process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.DEVNULL)
        theirs.close()
        ours.sendall(b"socket")
        ours.shutdown(socket.SHUT_WR)
        assert process.wait(60) == 0
    assert server.requests[0].files["file"].content == b"socket"


@pytest.mark.parametrize("method", ["upload", "upload_large"])
def test_process_substitution_is_uploaded(server: CloudinaryServer, spool: Path, tmp_path: Path, method: str) -> None:
    (tmp_path / "x").write_bytes(b"0123456789" * 700_000)
    line = f'"{sys.executable}" -m cloudinary_cli -c "{server.config_url()}" {method} <(cat x) chunk_size=6MB'
    env = {**os.environ, "TMPDIR": str(spool)}
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=env, stdout=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 0
    sent = [request.files["file"] for request in server.requests]
    assert b"".join(file.content for file in sent) == b"0123456789" * 700_000
    assert [file.filename for file in sent] == ["stdin"] * 2
    assert os.listdir(spool) == []


@pytest.mark.parametrize("method", ["upload", "upload_large"])
def test_a_named_pipe_is_uploaded_under_its_name(
    server: CloudinaryServer, cld: Run, tmp_path: Path, method: str
) -> None:
    os.mkfifo(tmp_path / "photo.png")
    writer = threading.Thread(target=(tmp_path / "photo.png").write_bytes, args=(b"fifo",), daemon=True)
    writer.start()
    result = cld("-c", server.config_url(), method, "photo.png")
    assert (result.code, result.err) == (0, "")
    (request,) = server.requests
    assert (request.files["file"].filename, request.files["file"].content) == ("photo.png", b"fifo")


@pytest.mark.parametrize("method", METHODS)
def test_an_endless_device_is_refused(server: CloudinaryServer, cld: Run, method: str) -> None:
    result = cld("-c", server.config_url(), *words_for(method, "/dev/zero"))
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: '/dev/zero' is a device, which may have no end. Give a file, or pipe the data: ... | cld"
        f" uploader {method} /dev/stdin\n"
    )
    assert server.requests == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("source", ["/dev/stdin", "/dev/null", "empty.png"])
def test_nothing_to_upload_is_the_error_of_the_server(
    server: CloudinaryServer, cld: Run, tmp_path: Path, method: str, source: str
) -> None:
    (tmp_path / "empty.png").touch()
    server.on("POST", "/upload", EMPTY)
    result = cld("-c", server.config_url(), *words_for(method, source))
    assert (result.code, result.out, result.err) == (1, "", "error: Empty file\n")
    assert server.requests[0].files["file"].content == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_read_of_stdin_leaves_no_temporary_file(
    server: CloudinaryServer, spool: Path, number: signal.Signals
) -> None:
    env: Dict[str, str] = {**os.environ, "TMPDIR": str(spool)}
    command = [sys.executable, "-m", "cloudinary_cli", "-c", server.config_url(), "upload_large", "/dev/stdin"]
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None and process.stderr is not None
    # More than a pipe holds: when this has been written, the process has begun to read.
    process.stdin.write(b"x" * 1_000_000)
    process.stdin.flush()
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    assert process.stderr.read().count(b"\n") == 1
    process.stdin.close()
    assert os.listdir(spool) == []
    assert server.requests == []
