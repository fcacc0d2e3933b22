"""Downloads: verified, renamed, and never outside the folder."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import threading
import time
from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.net import connector as sdk_transport
from cloudinary_cli.transfer.engine.part_file import PREFIX as TEMP_PREFIX
from cloudinary_cli.transfer.http.download import Expected, download, target_path, unsafe_reason
from cloudinary_cli.transfer.http.upload import UploadTarget
from test.support.cloudinary_server import CloudinaryServer, Reply

Make = Callable[..., UploadTarget]
CONTENT = bytes(range(256)) * 2000
ETAG = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def fetch(server: CloudinaryServer, target: Make, tmp_path: Path) -> Callable[..., Any]:
    def run(expected: Expected = Expected(len(CONTENT), ETAG), timeout: str = "1") -> int:
        session = target(server.config_url(timeout=timeout)).session
        return download(session, f"{server.url}/a.jpg", str(tmp_path / "a.jpg"), expected)

    return run


def only_file(folder: Path) -> Any:
    files = [path for path in folder.iterdir() if path.is_file()]
    return files[0].name if len(files) == 1 else files


def test_a_download_replaces_the_old_content(
    server: CloudinaryServer, fetch: Callable[..., int], tmp_path: Path
) -> None:
    server.reply(Reply(200, CONTENT))
    (tmp_path / "a.jpg").write_bytes(b"old")
    assert fetch() == len(CONTENT)
    assert (tmp_path / "a.jpg").read_bytes() == CONTENT
    assert only_file(tmp_path) == "a.jpg"


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_the_file_has_the_mode_of_the_umask(
    server: CloudinaryServer, fetch: Callable[..., int], tmp_path: Path
) -> None:
    server.reply(Reply(200, CONTENT))
    old = os.umask(0o027)
    try:
        fetch()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.jpg").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_file_whose_last_block_does_not_fit_on_the_disk_is_an_error(
    server: CloudinaryServer, fetch: Callable[..., int], tmp_path: Path
) -> None:
    """The system stores the part of a block that fits, and reports no error for it."""
    import resource

    server.reply(Reply(200, CONTENT))
    (tmp_path / "a.jpg").write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) - 1000, limits[1]))
    try:
        with pytest.raises(CliError, match="Cannot write .*a.jpg': File too large"):
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "a.jpg").read_bytes() == b"old" and only_file(tmp_path) == "a.jpg"


@pytest.mark.parametrize(
    "first",
    [
        Reply(500),
        Reply(503),
        Reply(420, {}, {"Retry-After": "0"}),
        Reply(200, CONTENT[:1000], {"Content-Length": str(len(CONTENT))}),  # truncated
        Reply(200, CONTENT[:1000]),  # truncated by a proxy that corrects Content-Length
        Reply(200, CONTENT, delay=3),  # stalled
    ],
    ids=["500", "503", "420", "cut", "short", "stall"],
)
def test_a_transient_error_is_retried(
    first: Reply, server: CloudinaryServer, fetch: Callable[..., int], tmp_path: Path
) -> None:
    server.reply(first, Reply(200, CONTENT))
    fetch()
    assert (tmp_path / "a.jpg").read_bytes() == CONTENT
    assert only_file(tmp_path) == "a.jpg"


def test_a_broken_transfer_leaves_the_old_file_and_no_other(
    server: CloudinaryServer, fetch: Callable[..., int], tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"old")
    server.on("GET", "/a.jpg", Reply(200, CONTENT[:5]))
    with pytest.raises(ApiError, match="has another etag"):
        fetch()
    assert (tmp_path / "a.jpg").read_bytes() == b"old" and only_file(tmp_path) == "a.jpg"


def test_the_size_is_compared_where_there_is_no_etag(server: CloudinaryServer, fetch: Callable[..., int]) -> None:
    server.on("GET", "/a.jpg", Reply(200, CONTENT))
    fetch(Expected())
    fetch(Expected(len(CONTENT)))
    with pytest.raises(ApiError, match="5 were listed|more than the listed 5 bytes"):
        fetch(Expected(5))


def test_a_refusal_names_status_and_reason(server: CloudinaryServer, fetch: Callable[..., int], tmp_path: Path) -> None:
    server.reply(Reply(404, b"", {"X-Cld-Error": "Resource not found"}))
    with pytest.raises(ApiError, match="^status code: 404, details: Resource not found$"):
        fetch()
    assert only_file(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "..", "../a", "a/../../b", "a//b", "./a", "a/./b", "a\0b", "a\nb", f"{TEMP_PREFIX}1", "a/"],
)
def test_names_that_lead_out_of_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    assert unsafe_reason(name)
    with pytest.raises(CliError, match="is skipped"):
        target_path(str(tmp_path), name)


def test_ordinary_names_are_accepted(tmp_path: Path) -> None:
    for name in ("a.jpg", "a/b/c d.jpg", "..a", "a..b/é", "con.jpg" if os.name != "nt" else "x"):
        path = target_path(str(tmp_path), name)
        assert path == os.path.join(os.path.realpath(tmp_path), *name.split("/"))
        assert os.path.isdir(os.path.dirname(path))


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(CliError, match="a link leads out"):
        target_path(str(root), "link/sub/a.jpg")
    assert list(outside.iterdir()) == []
    (root / "inner").mkdir()
    (root / "ok").symlink_to(root / "inner")
    assert target_path(str(root), "ok/a.jpg")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_at_the_target_is_replaced_not_followed(
    server: CloudinaryServer, fetch: Callable[..., int], tmp_path: Path
) -> None:
    victim = tmp_path / "sub" / "victim"
    victim.parent.mkdir()
    victim.write_bytes(b"precious")
    (tmp_path / "a.jpg").symlink_to(victim)
    server.reply(Reply(200, CONTENT))
    fetch()
    assert victim.read_bytes() == b"precious" and (tmp_path / "a.jpg").read_bytes() == CONTENT


def test_a_directory_or_file_at_the_target_path_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_text("")
    with pytest.raises(CliError, match="a directory of that name is there"):
        target_path(str(tmp_path), "d")
    with pytest.raises(CliError, match="Cannot create the directory"):
        target_path(str(tmp_path), "f/a.jpg")


def test_received_content_is_on_the_disk_before_the_download_ends(target: Make, tmp_path: Path) -> None:
    first, rest = CONTENT[:400_000], CONTENT[400_000:]
    seen_on_disk: List[int] = []

    def written() -> int:
        return sum(path.stat().st_size for path in tmp_path.glob(TEMP_PREFIX + "*"))

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT) + first)
            deadline = time.monotonic() + 20
            while written() < len(first) // 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            seen_on_disk.append(written())
            peer.sendall(rest)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        session = target(f"cloudinary://k:s@demo?upload_prefix={url}&timeout=30").session
        assert download(session, f"{url}/a.jpg", str(tmp_path / "a.jpg"), Expected(len(CONTENT), ETAG)) == len(CONTENT)
        server.join()
    assert len(first) // 2 <= seen_on_disk[0] <= len(first), "nothing waited for the end of the body"


def test_a_silent_server_times_out_without_a_setting(
    server: CloudinaryServer, target: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Patched: the real timeout is two minutes.
    monkeypatch.setattr(sdk_transport, "READ_TIMEOUT_SECONDS", 0.3)
    server.reply(Reply(200, CONTENT, delay=30), Reply(200, CONTENT))
    session = target(server.config_url()).session
    assert download(session, f"{server.url}/a.jpg", str(tmp_path / "a.jpg"), Expected(len(CONTENT), ETAG)) == len(
        CONTENT
    )
    assert len(server.requests) == 2, "it did not wait for the first response"
