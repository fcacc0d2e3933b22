"""Hashes: correct, in the background, only where needed, and reused for unchanged files."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any, List

import pytest

from cloudinary_cli.transfer.engine.records import LocalFile
from cloudinary_cli.transfer.scan import scan
from cloudinary_cli.transfer.sync.hashing import EtagCache, Hasher


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}.bin").write_bytes(b"x" * number * 100_000)
    (folder / "empty").touch()
    return folder


def later(seconds: int = 10) -> Any:
    """A clock that is ahead, so that a file that was written just now counts as old."""
    return lambda: time.time_ns() + seconds * 10**9


def cached(home: Path, root: Path, clock: Any = None) -> EtagCache:
    return EtagCache(str(home), str(root), clock or later())


def run(home: Path, root: Path, clock: Any = None) -> Hasher:
    files = scan(str(root)).files
    hasher = Hasher(cached(home, root, clock))
    hasher.begin(files)
    hasher.finish(files)
    assert all(hasher.etag(file) == hashlib.md5(Path(file.path).read_bytes()).hexdigest() for file in files)
    hasher.save(files)
    return hasher


def test_the_second_run_reads_nothing(home: Path, root: Path) -> None:
    assert run(home, root).read == 21
    assert run(home, root).read == 0


def test_files_that_need_no_hash_are_not_read(root: Path) -> None:
    files = scan(str(root)).files
    hasher = Hasher()
    hasher.finish([])
    assert hasher.read == 0
    assert hasher.etag(files[3]) and hasher.read == 1
    idle = Hasher(threads=0)
    idle.begin(files)
    idle.finish(files[:2])
    assert idle.read == 2


def test_a_cached_hash_is_used_for_a_file_that_was_not_queued(home: Path, root: Path) -> None:
    run(home, root)
    hasher = Hasher(cached(home, root))
    hasher.begin([])
    file = scan(str(root)).files[5]
    assert hasher.etag(file) == hashlib.md5(Path(file.path).read_bytes()).hexdigest() and hasher.read == 0


@pytest.mark.parametrize("change", ["content", "replaced"])
def test_a_changed_file_is_hashed_again_even_with_the_same_size_and_mtime(home: Path, root: Path, change: str) -> None:
    run(home, root)
    path = root / "05.bin"
    before = path.stat()
    if change == "content":
        path.write_bytes(b"y" * before.st_size)
    else:
        other = root / "other"
        other.write_bytes(b"y" * before.st_size)
        os.replace(other, path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run(home, root).read == 1


def test_a_hash_computed_right_after_a_change_is_not_cached(home: Path, root: Path) -> None:
    assert run(home, root, time.time_ns).read == 21
    assert run(home, root, time.time_ns).read == 21


def test_the_hash_of_a_file_that_changes_while_it_is_read_is_not_cached(home: Path, root: Path) -> None:
    seen = scan(str(root)).files
    (root / "05.bin").write_bytes(b"new")
    hasher = Hasher(cached(home, root))
    assert hasher.etag(seen[5]) == hashlib.md5(b"new").hexdigest()
    hasher.save(seen)
    assert cached(home, root).get(scan(str(root)).files[5]) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b"\xff"])
def test_a_corrupt_cache_is_treated_as_empty(home: Path, root: Path, content: bytes) -> None:
    run(home, root)
    (path,) = (home / "cache").iterdir()
    path.write_bytes(content)
    assert run(home, root).read == 21
    assert run(home, root).read == 0


@pytest.mark.parametrize("entry", [None, [], 5, "", "x", "0 0 0", "0 0 0 "])
def test_a_corrupt_cache_entry_is_ignored(home: Path, root: Path, entry: Any) -> None:
    run(home, root)
    (path,) = (home / "cache").iterdir()
    content = json.loads(path.read_text())
    content["files"] = dict.fromkeys(content["files"], entry)
    path.write_text(json.dumps(content))
    assert run(home, root).read == 21


def test_hashes_of_deleted_files_are_dropped_and_an_unwritable_home_is_ignored(home: Path, root: Path) -> None:
    run(home, root)
    (root / "05.bin").unlink()
    run(home, root)
    (path,) = (home / "cache").iterdir()
    assert "05.bin" not in json.loads(path.read_text())["files"]
    blocked = home / "file"
    blocked.touch()
    assert run(blocked, root).read == 20


def test_an_unreadable_file_equals_no_asset(tmp_path: Path) -> None:
    gone: List[LocalFile] = [LocalFile("a", "a", str(tmp_path / "a"), 1, 1)]
    hasher = Hasher()
    hasher.begin(gone)
    hasher.finish(gone)
    assert hasher.etag(gone[0]) == ""
