"""The walk over real directories: links, pipes, hidden files and unreadable directories."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import List

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer.engine.records import Status
from cloudinary_cli.transfer.scan import ScanResult, scan
from test.support.commands import posix
from test.support.other_user import other_user


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def names(result: ScanResult) -> List[str]:
    return [file.relative for file in result.files]


def test_sorted_with_slashes_keys_and_sizes(tmp_path: Path) -> None:
    make(tmp_path, "b.JPEG", "a/z.txt", "a.txt", "c/d/e.jpg")
    result = scan(str(tmp_path))
    assert names(result) == ["a.txt", "a/z.txt", "b.JPEG", "c/d/e.jpg"]
    file = result.files[2]
    assert (file.key, file.size, file.path) == ("b.jpg", 6, str(tmp_path / "b.JPEG"))
    assert file.mtime_ns == (tmp_path / "b.JPEG").stat().st_mtime_ns


def test_missing_folder_and_file_as_folder(tmp_path: Path) -> None:
    assert not scan(str(tmp_path / "none")).exists
    make(tmp_path, "file")
    with pytest.raises(CliError, match="is not a directory"):
        scan(str(tmp_path / "file"))


def test_hidden_files_are_found_only_on_request_and_the_name_map_never(tmp_path: Path) -> None:
    make(tmp_path, "a", ".h", ".git/config", "s/.cld-sync", ".cld-sync", ".cld-part-0123", "s/.cld-part-1")
    assert names(scan(str(tmp_path))) == ["a"]
    assert names(scan(str(tmp_path), include_hidden=True)) == [".git/config", ".h", "a"]


@posix
def test_a_broken_link_and_a_pipe_are_reported_and_other_files_are_found(tmp_path: Path) -> None:
    make(tmp_path, "sl/a.jpg")
    os.symlink("/nonexistent", tmp_path / "sl/b.jpg")
    os.mkfifo(tmp_path / "sl/pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path is limited to some 100 bytes
        try:
            unix.bind("sock")
        finally:
            os.chdir(here)
        result = scan(str(tmp_path))
    assert names(result) == ["sl/a.jpg"]
    assert [(problem.key, problem.status, problem.error) for problem in result.problems] == [
        ("sl/b.jpg", Status.FAILED, "it is a broken link"),
        ("sl/pipe", Status.SKIPPED, "it is a named pipe"),
        ("sock", Status.SKIPPED, "it is a socket"),
    ]
    assert "sl/b.jpg" in result.problems[0].message


@posix
def test_links_to_files_are_files_and_links_to_directories_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "real/a.jpg")
    os.symlink("real/a.jpg", tmp_path / "link.jpg")
    os.symlink("real", tmp_path / "dir")
    os.symlink(".", tmp_path / "loop")
    result = scan(str(tmp_path))
    assert names(result) == ["link.jpg", "real/a.jpg"] and not result.problems
    assert result.files[0].size == len("real/a.jpg")


@posix
def test_an_unreadable_directory_is_a_failure() -> None:
    with tempfile.TemporaryDirectory() as directory:  # only their owner can enter the directories of pytest
        root = Path(directory)
        make(root, "shut/a.jpg", "b.jpg")
        root.chmod(0o755)
        (root / "shut").chmod(0)
        try:
            with other_user():
                result = scan(directory)
        finally:
            (root / "shut").chmod(0o700)
    assert names(result) == ["b.jpg"]
    assert [(problem.key, problem.status) for problem in result.problems] == [("shut/", Status.FAILED)]
