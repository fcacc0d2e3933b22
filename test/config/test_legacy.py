"""The configuration file of the old format is merged into config.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cloudinary_cli import defaults
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.utils import config_utils
from test.support.config_files import A, B, C, content_of, python, write
from test.support.mounts import run_with_mount

# -- the old format's file


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    path = tmp_path / "user" / ".cloudinary-cli-config"
    assert str(path) == defaults.legacy_config_file()
    return path


def test_the_old_file_is_merged_and_deleted(store: ConfigStore, legacy: Path) -> None:
    write(store, {"a": A, "b": B, "__default__": "b"})
    legacy.write_text(json.dumps({"a": C, "old": A, "__default__": "old"}))
    assert config_utils.migrate_old_config() is True
    assert content_of(store) == {"a": C, "b": B, "__default__": "old", "old": A}
    assert not legacy.exists()
    assert config_utils.migrate_old_config() is False


@pytest.mark.parametrize("data", [b"{", b"[]", b"", b"\xff"])
def test_a_corrupt_old_file_is_kept_with_a_warning_and_commands_still_run(
    store: ConfigStore, legacy: Path, data: bytes, cld: Any
) -> None:
    legacy.write_bytes(data)
    done = cld("config", "-ls", "--json")
    assert (done.code, done.out) == (0, "[]\n")
    assert done.err.startswith(f"warning: {legacy} ") and "Traceback" not in done.err and done.err.count("\n") == 1
    assert legacy.read_bytes() == data
    assert cld("--version").code == 0


def test_an_old_file_that_cannot_be_merged_is_kept(store: ConfigStore, legacy: Path, cld: Any) -> None:
    write(store, b"{")
    legacy.write_text(json.dumps({"old": A}))
    done = cld("-c", "cloudinary://k:s@c", "config", "-ud")
    assert done.code == 1 and "config.json is not valid JSON" in done.err
    assert json.loads(legacy.read_text()) == {"old": A} and Path(store.path).read_bytes() == b"{"


def test_many_first_commands_merge_the_old_file_once(store: ConfigStore, legacy: Path) -> None:
    write(store, {"a": A})
    legacy.write_text(json.dumps({"old": B}))
    script = "import sys; from cloudinary_cli.cli import main; sys.exit(main(['config', '-ls']))"
    commands = [python(script) for _ in range(8)]
    results = [(*command.communicate(timeout=60), command.returncode) for command in commands]
    assert [(code, err) for _, err, code in results] == [(0, "")] * 8
    assert all("old" in out for out, _, _ in results)
    assert content_of(store) == {"a": A, "old": B} and not legacy.exists()


def test_an_old_file_that_cannot_be_deleted_is_merged_once(store: ConfigStore, legacy: Path) -> None:
    legacy.write_text(json.dumps({"old": A, "b": B}))
    script = '"$@" config -rm old && "$@" config -ls --json'
    done = run_with_mount(legacy, legacy, "sh", "-c", script, "sh", sys.executable, "-m", "cloudinary_cli")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cannot be deleted") == 1
    assert [row["name"] for row in json.loads(done.stdout)] == ["b"]
    assert legacy.exists() and "old" not in content_of(store)
