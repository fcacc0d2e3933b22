"""`cld admin METHOD --save FILE`."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply

Run = Callable[..., Any]


def test_save_writes_what_is_printed(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    server.reply({"a": "é"})
    target = tmp_path / "x.json"
    result = admin("ping", "--save", str(target))
    assert target.read_text(encoding="utf-8") == result.out.rstrip("\n")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["x.json"]


def test_a_bad_path_is_met_before_the_call(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "x.json", tmp_path):
        result = admin("delete_all_resources", "-F", "--save", str(path))
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith(f"error: Cannot write the --save file {path}: ")
    assert server.requests == []


def test_a_failed_call_leaves_the_old_file(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")
    server.reply(Reply(400, {"error": {"message": "no"}}), {"a": 1})
    assert admin("ping", "--save", str(target)).code == 1
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["x.json"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes and pipes")
def test_save_keeps_permissions_and_writes_to_pipes(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    target, pipe = tmp_path / "x.json", tmp_path / "pipe"
    target.write_text("old")
    target.chmod(0o640)
    admin("ping", "--save", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    os.mkfifo(pipe)
    read: List[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert admin("ping", "--save", str(pipe)).code == 0
    reader.join(10)
    assert read == ["{}"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="a POSIX pipe")
def test_the_file_is_written_when_the_reader_of_stdout_has_exited(server: CloudinaryServer, tmp_path: Path) -> None:
    server.reply({"a": 1})
    target = tmp_path / "x.json"
    command = [sys.executable, "-m", "cloudinary_cli", "-c", server.config_url(), "ping", "--save", str(target)]
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    with open(writing_end, "wb") as closed:
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr, target.read_text()) == (1, b"", '{\n  "a": 1\n}')
