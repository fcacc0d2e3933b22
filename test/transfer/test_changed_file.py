"""Files that change while they are uploaded: they are sent once more, then fail. Mixed content is never stored."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.system import steady_file
from cloudinary_cli.system.steady_file import LocalFileChanged, SteadyFile, twice
from cloudinary_cli.transfer.http.upload import UploadSource, UploadTarget, upload
from test.support.cloudinary_server import CloudinaryServer, Request
from test.support.commands import Run
from test.support.raw_server import RawServer

Make = Callable[..., UploadTarget]
Change = Callable[[Path], Any]
SIZE = 12_000_000  # more than the buffers of a connection hold

COMMANDS = {
    "sync": ("sync", "d", "f", "--push", "-fm", "dynamic"),
    "upload_dir": ("upload_dir", "d", "-fm", "dynamic"),
    "uploader": ("uploader", "upload", "d/a.bin"),
    "upload_large": ("uploader", "upload_large", "d/a.bin", "chunk_size=7MB"),
}


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"new" * (before.st_size // 3))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # a writer that hides the change


def replace(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(b"r" * path.stat().st_size)
    fresh.replace(path)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


CHANGES = [append, rewrite, replace, truncate]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "d").mkdir()
    path = tmp_path / "d" / "a.bin"
    path.write_bytes(b"o" * SIZE)
    return path


class ChangingServer(RawServer):
    """Changes the file in the middle of each of the first `times` upload bodies. `stored` are the complete bodies.

    The change comes after the server has received the beginning of the body and before it reads the rest, which is more
    than the buffers of a connection hold. So it always happens while the client sends.
    """

    def __init__(self, file: Path, change: Change, times: int) -> None:
        super().__init__(self.respond_to_one)
        self.file, self.change, self.times = file, change, times
        self.stored: List[bytes] = []

    def respond_to_one(self, peer: socket.socket) -> None:
        peer.settimeout(30)
        reader = peer.makefile("rb")
        target, length = reader.readline().split(b" ")[1:2], 0
        for line in iter(reader.readline, b"\r\n"):
            if not line:
                return
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        is_upload = target and target[0].endswith(b"/upload")
        body = reader.read(min(length, 1_000_000))
        if is_upload and self.times:
            self.times -= 1
            self.change(self.file)
        body += reader.read(length - len(body))
        if len(body) < length:
            return
        if is_upload:
            self.stored.append(body.split(b"\r\n\r\n")[-1].rsplit(b"\r\n--", 1)[0])
        response = b'{"public_id": "a"}' if is_upload else b'{"resources": [], "presets": [], "total_count": 0}'
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(response)
        peer.sendall(head + response)


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_once_is_sent_again_as_a_whole(target: Make, file: Path, change: Change) -> None:
    with ChangingServer(file, change, 1) as server:
        there = target(f"cloudinary://k:s@demo?upload_prefix=http://{server.address}")
        upload(there, UploadSource.of_file(str(file)), {"public_id": "a"})
    assert server.stored == [file.read_bytes()]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_twice_fails_and_is_not_stored(target: Make, file: Path, change: Change) -> None:
    with ChangingServer(file, change, 2) as server:
        there = target(f"cloudinary://k:s@demo?upload_prefix=http://{server.address}")
        with pytest.raises(LocalFileChanged, match="changed while it was uploaded, twice, so nothing was stored"):
            upload(there, UploadSource.of_file(str(file)), {"public_id": "a"})
    assert server.stored == []


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("times", [1, 2])
def test_a_file_that_changes_between_chunks_is_never_joined(
    server: CloudinaryServer, target: Make, file: Path, change: Change, times: int
) -> None:
    left = [times]
    parts: List[Request] = []

    def respond(request: Request) -> Any:
        if len(request.body) < int(request.headers["content-length"]):
            return {}  # the client broke off
        parts.append(request)
        if left[0]:
            left[0] -= 1
            change(file)
        return {"public_id": "a"}

    server.on("POST", "/upload", respond)
    there, source = target(server.config_url(), chunk_size=SIZE // 3), UploadSource.of_file(str(file))
    if times == 2:
        with pytest.raises(LocalFileChanged, match="twice"):
            upload(there, source, {"public_id": "a"})
        assert len(parts) == 2
        return
    upload(there, source, {"public_id": "a"})
    assert b"".join(part.files["file"].content for part in parts[1:]) == file.read_bytes()
    assert len({part.headers["x-unique-upload-id"] for part in parts[1:]}) == 1
    assert parts[0].headers["x-unique-upload-id"] != parts[1].headers["x-unique-upload-id"]


@pytest.mark.parametrize("name", ["sync", "upload_dir", "upload_large"])
def test_a_file_that_changes_during_each_upload_is_an_error_and_is_not_stored(cld: Run, file: Path, name: str) -> None:
    with ChangingServer(file, rewrite, 1000) as server:
        done = cld("-c", f"cloudinary://k:s@demo?upload_prefix=http://{server.address}", *COMMANDS[name])
    assert done.code == 1 and "Traceback" not in done.err
    # A bulk command repeats the failures at its end.
    count = 2 if name in ("sync", "upload_dir") else 1
    assert done.err.count("changed while it was uploaded, twice, so nothing was stored") == count
    # upload_large may have sent the whole first chunk, if the buffers of the connection held it, and never the last one.
    assert {len(body) for body in server.stored} <= ({7_000_000} if name == "upload_large" else set())


def test_the_upload_command_reads_the_file_before_it_sends(cld: Run, file: Path) -> None:
    with ChangingServer(file, rewrite, 1000) as server:
        done = cld("-c", f"cloudinary://k:s@demo?upload_prefix=http://{server.address}", *COMMANDS["uploader"])
    assert done.code == 0, done.err
    assert server.stored == [b"o" * SIZE]


def test_a_file_that_changes_all_the_time_is_an_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched: on a busy machine, a real writer may be suspended for so long that the file counts as unchanged. With this
    # clock, the last change is always a moment ago.
    monkeypatch.setattr(steady_file.time, "time", lambda: os.stat(file).st_ctime)
    with pytest.raises(LocalFileChanged, match="is changing all the time"):
        SteadyFile(str(file))


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unchanged_file_is_stored_with_its_own_name(
    server: CloudinaryServer, cld: Run, file: Path, name: str
) -> None:
    server.on("POST", "/resources/search", {"resources": []})
    server.on("POST", "/folders/search", {"total_count": 1})
    server.on("POST", "/upload", {"public_id": "a"})
    assert cld("-c", server.config_url(), *COMMANDS[name]).code == 0
    parts = [request.files["file"] for request in server.requests if request.path.endswith("/upload")]
    assert b"".join(part.content for part in parts) == b"o" * SIZE
    assert {part.filename for part in parts} == {
        "d/a.bin" if name.startswith("upload") and "dir" not in name else "a.bin"
    }


@pytest.mark.parametrize("change", CHANGES)
def test_a_steady_file_notices_each_change(file: Path, change: Change) -> None:
    with SteadyFile(str(file)) as stream:
        assert len(stream.read(5)) == 5
        change(file)
        with pytest.raises(LocalFileChanged):
            stream.read(5)


def test_a_steady_file_ends_where_it_ended_when_it_was_opened(file: Path) -> None:
    with SteadyFile(str(file)) as stream:
        assert len(stream.read()) == SIZE
        append(file)
        assert stream.read() == b"" and stream.read(4) == b""


def test_a_file_that_changes_twice_is_not_read_a_third_time() -> None:
    calls: List[int] = []

    def call() -> None:
        calls.append(1)
        raise LocalFileChanged("x")

    with pytest.raises(LocalFileChanged, match="'p' changed while it was uploaded, twice"):
        twice("p", call)
    assert len(calls) == 2
