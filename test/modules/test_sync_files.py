"""`cld sync` and unusual local files: unusable names, orphaned temporary files, and special files."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any, List

import pytest

from cloudinary_cli.transfer.engine.part_file import new_path, part_file, remove_orphan
from test.support.bulk_processes import start, wait_until
from test.support.commands import Run
from test.support.raw_server import RawServer
from test.support.sync_account import Account, make, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX file types, names and locks")
utf8_only = pytest.mark.skipif(sys.platform == "darwin", reason="the file system accepts UTF-8 names only")


@pytest.fixture
def sync(account: Account, cld: Run) -> Run:
    """Run `cld sync d f ARGS` as a process against the scripted account."""
    return lambda *args, **kw: cld("-c", account.config_url(), "sync", "d", "f", *args, **kw)


def sent(account: Account) -> List[Any]:
    return [request.files["file"].filename for request in account.sent("POST", "/upload")]


# -- names


@pytest.mark.parametrize("command", ["sync", "upload_dir"])
@pytest.mark.parametrize("name", ["line\nbreak.jpg", "bell\x07.jpg", "c1\x85.jpg", "dir\x1b/a.jpg"])
def test_a_name_with_control_characters_is_one_failure(
    account: Account, cld: Run, tmp_path: Path, name: str, command: str
) -> None:
    make(tmp_path / "d", "a.jpg", name)
    words = ["sync", "d", "f", "--push"] if command == "sync" else ["upload_dir", "d"]
    done = cld("-c", account.config_url(), *words)
    escaped = name.encode("unicode_escape").decode("ascii")
    assert done.code == 1 and sent(account) == ["a.jpg"]
    assert f"error: '{escaped}' is skipped: its name has control characters; rename the file.\n" in done.err


@utf8_only
@pytest.mark.parametrize("command", ["sync", "upload_dir"])
def test_a_name_that_is_not_utf_8_is_shown_escaped(account: Account, cld: Run, tmp_path: Path, command: str) -> None:
    make(tmp_path / "d", "a.jpg", **{os.fsdecode(b"caf\xe9.jpg"): b"odd"})
    words = ["sync", "d", "f", "--push"] if command == "sync" else ["upload_dir", "d"]
    done = cld("-c", account.config_url(), *words, "--report", "r.jsonl")
    assert done.code == 1 and sent(account) == ["a.jpg"] and "Traceback" not in done.err
    assert "error: 'caf\\xe9.jpg' is skipped: its name is not UTF-8; rename the file.\n" in done.err
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 2


@utf8_only
def test_a_pull_ignores_a_local_name_that_is_not_utf_8(sync: Run, account: Account, tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.jpg")
    make(tmp_path / "d", "old.jpg", **{odd: b"odd"})
    account.add("a")
    assert sync("--pull", "-F").code == 0
    assert sorted(tree(tmp_path / "d")) == ["a.jpg", odd]


@utf8_only
def test_a_local_folder_that_is_not_utf_8_is_pushed(account: Account, cld: Run, tmp_path: Path) -> None:
    odd = os.fsdecode(b"d\xe9")
    make(tmp_path / odd, "a.jpg")
    done = cld("-c", account.config_url(), "sync", odd, "f", "--push")
    assert "Traceback" not in done.err and (done.code, sent(account)) in [(0, ["a.jpg"]), (1, [])]
    assert done.code == 0 or "not UTF-8" in done.err


# -- downloads


@pytest.mark.parametrize("declared", [b"Content-Length: 1000000000", b"Connection: close"], ids=["declared", "endless"])
def test_a_download_ends_at_the_listed_size(account: Account, cld: Run, tmp_path: Path, declared: bytes) -> None:
    def pour(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + declared + b"\r\n\r\n")
        try:
            while True:  # until the client closes the connection
                peer.sendall(b"x" * 65536)
        except OSError:
            peer.close()

    make(tmp_path / "d", **{"a.jpg": b"old"})
    account.add("a", b"1234", etag=...)
    with RawServer(pour) as server:
        url = account.server.config_url(secure="false", cname=server.address)
        done = cld("-c", url, "sync", "d", "f", "--pull", timeout=120)
    assert done.code == 1 and "more than the listed 4 bytes were received" in done.err
    assert {path.name: path.read_bytes() for path in (tmp_path / "d").iterdir()} == {"a.jpg": b"old"}


# -- `.cld-sync`


@pytest.mark.parametrize("direction", ["--push", "--pull"])
@pytest.mark.parametrize("kind", ["pipe", "socket", "directory", "device", "link to a pipe"])
def test_a_name_map_that_is_not_a_regular_file_is_refused(
    sync: Run, account: Account, tmp_path: Path, kind: str, direction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "d", "a.jpg")
    monkeypatch.chdir(tmp_path / "d")  # the path of a socket has to be short
    if kind == "pipe":
        os.mkfifo(".cld-sync")
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(".cld-sync")
    elif kind == "directory":
        os.mkdir(".cld-sync")
    elif kind == "device":
        os.symlink("/dev/zero", ".cld-sync")
    else:
        os.mkfifo("../pipe")
        os.symlink("../pipe", ".cld-sync")
    done = sync(direction, "-F", timeout=60)
    assert done.code == 1 and done.err.count("\n") == 1
    assert ".cld-sync: it is not a regular file. " in done.err and not account.changes


# -- temporary files


def test_temporary_files_of_a_killed_pull_are_removed_by_the_next_run(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    account.add("a", asset_folder="f/s")
    hold = threading.Event()

    def slow(request: Any) -> Any:
        hold.wait(30)
        return b""

    account.server.on("GET", "/id-0.jpg", slow)
    process = start("-c", account.config_url(), "sync", "d", "f", "--pull")
    wait_until(lambda: bool(list((tmp_path / "d").rglob(".cld-part-*"))), process)
    # Another run at the same time does not treat it as an orphan.
    assert sync("--push", "-K", "--exclude", "*").code == 0
    (part,) = (tmp_path / "d").rglob(".cld-part-*")
    process.kill()
    process.communicate()
    hold.set()
    assert part.exists()
    assert sync("--push", "-H", "-K", "--dry-run").code == 0 and part.exists(), "--dry-run changes nothing"
    assert sync("--push", "-H", "-K").code == 0
    assert sent(account) == [] and not part.exists()


def test_only_orphaned_temporary_files_are_removed(tmp_path: Path) -> None:
    path = new_path(str(tmp_path))
    with pytest.raises(KeyError), part_file(path):
        assert not remove_orphan(path) and os.path.exists(path)
        raise KeyError
    assert not os.path.exists(path)
    Path(path).touch()
    assert remove_orphan(path) and not os.path.exists(path)
    named = tmp_path / ".cld-part-notes"
    named.touch()
    assert not remove_orphan(str(named)) and named.exists()
    os.mkfifo(path)
    assert not remove_orphan(path) and os.path.lexists(path)
    os.unlink(path)
    os.symlink(named, path)
    assert not remove_orphan(path) and named.exists()


def test_upload_dir_never_sends_temporary_files(account: Account, cld: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", ".cld-part-0123456789abcdef", "s/.cld-sync")
    assert cld("-c", account.config_url(), "upload_dir", "d", "-H").code == 0
    assert sent(account) == ["a.jpg"]


def test_the_name_map_is_written_with_the_permissions_of_the_umask(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "e & f.jpg")
    assert sync("--push").code == 0
    record = tmp_path / "d/.cld-sync"
    umask = os.umask(0)
    os.umask(umask)
    assert (
        json.loads(record.read_text()) == {"e & f.jpg": "e _ f.jpg"} and record.stat().st_mode & 0o777 == 0o666 & ~umask
    )
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [".cld-sync", "e & f.jpg"]


# -- globs


def test_upload_dir_includes_an_escaped_name(account: Account, cld: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a[1].jpg", "a1.jpg", "s*/b.jpg", "st/b.jpg", "e\u0301.jpg")
    assert cld("-c", account.config_url(), "upload_dir", "d", "-g", r"a\[1].jpg").code == 0
    assert cld("-c", account.config_url(), "upload_dir", "d", "-g", r"s\**/*").code == 0
    assert cld("-c", account.config_url(), "upload_dir", "d", "-g", "\u00e9*").code == 0
    assert sent(account) == ["a[1].jpg", "b.jpg", "e\u0301.jpg"]
    done = cld("-c", account.config_url(), "upload_dir", "d", "-g", "a\\")
    assert done.code == 1 and done.err.count("\n") == 1 and "ends in a backslash" in done.err


def test_sync_excludes_an_escaped_name(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a[1].jpg", "a1.jpg")
    assert sync("--push", "--exclude", r"a\[1\].jpg").code == 0
    assert sent(account) == ["a1.jpg"]
