"""`.cld-sync`: reading, errors, updates and writing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer.sync.name_map import NameMap


def saved(root: Path) -> Any:
    return json.loads((root / ".cld-sync").read_text("utf-8"))


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_missing_and_empty_are_no_names(tmp_path: Path, text: Any) -> None:
    if text is not None:
        (tmp_path / ".cld-sync").write_text(text)
    assert NameMap.load(str(tmp_path)).names == {}
    assert NameMap.load(str(tmp_path / "none")).names == {}


@pytest.mark.parametrize("data", [b"{bad", b'["a"]', b'{"a": 1}', b"\xff\xfe", b"[" * 100_000])
def test_a_corrupt_name_map_is_an_error_that_names_the_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / ".cld-sync").write_bytes(data)
    with pytest.raises(CliError) as refused:
        NameMap.load(str(tmp_path))
    assert str(tmp_path / ".cld-sync") in refused.value.message and "\n" not in refused.value.message


def test_entries_of_deleted_assets_are_not_effective(tmp_path: Path) -> None:
    names = NameMap(str(tmp_path), {"a": "b", "c": "d"})
    assert names.effective({"b"}) == {"a": "b"}


def test_an_update_removes_stale_and_equal_entries_and_adds_new_ones(tmp_path: Path) -> None:
    (tmp_path / ".cld-sync").write_text('{"gone.jpg": "g_one.jpg", "e & f.jpg": "e _ f.jpg", "n.jpg": "old.jpg"}')
    names = NameMap.load(str(tmp_path))
    names.save({"n.jpg": "n.jpg", "x & y.jpg": "x _ y.jpg"}, {"e & f.jpg", "n.jpg", "x & y.jpg"})
    assert saved(tmp_path) == {"e & f.jpg": "e _ f.jpg", "x & y.jpg": "x _ y.jpg"}


def test_a_file_that_this_run_did_not_see_keeps_its_entry(tmp_path: Path) -> None:
    (tmp_path / ".hidden &.jpg").touch()
    (tmp_path / ".cld-sync").write_text('{".hidden &.jpg": ".hidden _.jpg"}')
    NameMap.load(str(tmp_path)).save({}, set())
    assert saved(tmp_path) == {".hidden &.jpg": ".hidden _.jpg"}


def test_the_entry_of_a_hidden_file_with_another_spelling_of_the_extension_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".h").mkdir()
    (tmp_path / ".h/e & f.JPEG").touch()
    (tmp_path / ".cld-sync").write_text('{".h/e & f.jpg": ".h/e _ f.jpg", ".h/gone.jpg": "x", "gone/too.jpg": "y"}')
    NameMap.load(str(tmp_path)).save({}, set())
    assert saved(tmp_path) == {".h/e & f.jpg": ".h/e _ f.jpg"}


def test_entries_of_another_process_are_kept(tmp_path: Path) -> None:
    names = NameMap.load(str(tmp_path))
    NameMap.load(str(tmp_path)).save({"a &.jpg": "a _.jpg"}, {"a &.jpg", "b &.jpg"})
    names.save({"b &.jpg": "b _.jpg"}, {"a &.jpg", "b &.jpg"})
    assert set(saved(tmp_path)) == {"a &.jpg", "b &.jpg"}


def test_an_unchanged_name_map_is_not_written(tmp_path: Path) -> None:
    names = NameMap.load(str(tmp_path))
    names.save({"a": "a"}, {"a"})
    assert not (tmp_path / ".cld-sync").exists()
    names.save({"a": "b"}, {"a"})
    before = (tmp_path / ".cld-sync").stat()
    assert (tmp_path / ".cld-sync").read_text() == '{\n  "a": "b"\n}'
    mask = os.umask(0)
    os.umask(mask)
    assert os.name == "nt" or before.st_mode & 0o777 == 0o666 & ~mask
    names.save({"a": "b"}, {"a"})
    assert (tmp_path / ".cld-sync").stat().st_ino == before.st_ino


def test_a_map_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / ".cld-sync").mkdir()
    NameMap(str(tmp_path / ".cld-sync")).save({"a": "b"}, {"a"})
    assert "Cannot save" in caplog.text


def test_a_name_that_is_not_utf_8_is_loaded_again(tmp_path: Path) -> None:
    names = {"x\udcff.jpg": "x_.jpg", "\N{LATIN SMALL LETTER E WITH ACUTE} &.jpg": "e.jpg"}
    NameMap.load(str(tmp_path)).save(names, set(names))
    assert NameMap.load(str(tmp_path)).names == names
