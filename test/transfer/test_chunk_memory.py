"""The memory of a command that sends a very large file in eight chunks at a time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from test.support.discarding_server import DiscardingServer
from test.support.peak_memory import peak_kib

SIZE = 300_000_000
LIMIT_MIB = 80
COMMANDS = {
    "upload_dir": ("upload_dir", "d", "-fm", "dynamic"),
    "sync": ("sync", "d", "f", "--push", "-fm", "dynamic"),
    "upload_large": ("uploader", "upload_large", "d/a.bin"),
    "upload": ("upload", "d/a.bin"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_very_large_file_is_never_in_memory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bin").touch()
    os.truncate(tmp_path / "d" / "a.bin", SIZE)  # it takes no space on the disk
    with DiscardingServer() as server:
        assert peak_kib("-c", server.config_url, *COMMANDS[name]) / 1024 <= LIMIT_MIB
    assert len(server.headers) == SIZE / 20_000_000
    assert len({headers["x-unique-upload-id"] for headers in server.headers}) == 1
