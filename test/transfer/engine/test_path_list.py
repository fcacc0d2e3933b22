"""The list of --files-from: its format, and what is refused."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer.engine.filters import item_filter, listed_paths

NFC = "caf\u00e9.jpg"
NFD = unicodedata.normalize("NFD", NFC)


def listed(tmp_path: Path, content: bytes) -> "list[str]":
    path = tmp_path / "list"
    path.write_bytes(content)
    return list(listed_paths(str(path)))


@pytest.mark.parametrize(
    ("content", "paths"),
    [
        (b"", []),
        (b"a.jpg", ["a.jpg"]),
        (b"a.jpg\r\n\r\n\ns/b c.jpg\r\n", ["a.jpg", "s/b c.jpg"]),
        (b"\xef\xbb\xbfa.jpg\n", ["a.jpg"]),
        (f"a.jpg\r\n{NFC}\r\n".encode("utf-16"), ["a.jpg", NFC]),
        (b"./a.jpg\n.//s/./b.jpg\n", ["a.jpg", "s/b.jpg"]),
        (b" a.jpg \n#b.jpg\n", [" a.jpg ", "#b.jpg"]),
        (b"./a\nb.jpg\0./c.jpg\0", ["a\nb.jpg", "c.jpg"]),
        (NFD.encode(), [NFC]),
        (b"\xe9.jpg\n", ["\udce9.jpg"]),
    ],
)
def test_each_line_is_a_path(tmp_path: Path, content: bytes, paths: "list[str]") -> None:
    assert listed(tmp_path, content) == paths


@pytest.mark.parametrize("line", ["/a.jpg", "../a.jpg", "s/../../a.jpg", "s/", ".", "./"])
def test_a_line_that_is_no_file_of_the_folder_is_an_error_with_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(CliError, match="^Line 2 of the --files-from list .*'"):
        listed(tmp_path, f"a.jpg\n{line}\n".encode())


def test_an_unreadable_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="Cannot read the --files-from list .*: Is a directory"):
        listed_paths(str(tmp_path))


def test_the_list_and_the_other_options_must_all_select_an_item(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("a.jpg\ns/b.tmp\ns/c.jpg\n")
    selected = item_filter([("exclude", "*.tmp")], files_from=str(tmp_path / "list"))
    paths = ["a.jpg", "s/b.tmp", "s/c.jpg", "d.jpg"]
    assert [path for path in paths if selected.includes(path)] == ["a.jpg", "s/c.jpg"]
    assert selected.may_include("s/") and not selected.may_include("t/") and not selected.is_everything
    assert [outcome.key for outcome in selected.missing(["a.jpg", "s/c.jpg"])] == ["s/b.tmp"]
