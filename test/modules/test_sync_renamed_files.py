"""`cld sync --pull --track-renames`: local files are renamed like their assets, and nothing is overwritten."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from cloudinary_cli.transfer.engine.records import LocalFile, Outcome, RemoteAsset
from cloudinary_cli.transfer.engine.stop import Stop, StopRules
from cloudinary_cli.transfer.relocation import RenameFile
from test.support.commands import Run, posix
from test.support.sync_account import Account, make, tree

FLAGS = ("--pull", "-F", "--track-renames", "--json")


def test_a_moved_folder_is_renamed_without_downloads(sync: Run, account: Account, tmp_path: Path) -> None:
    for name in "abc":
        account.add(name, name.encode(), asset_folder="f/new")
    make(tmp_path / "d", **{f"old/{name}.jpg": name.encode() for name in "abc"})
    inodes = sorted(path.stat().st_ino for path in (tmp_path / "d/old").iterdir())
    done = sync(*FLAGS, "--max-delete", "0", "--report", "r.jsonl")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert (summary["renamed"], summary["synced"], summary["deleted"]) == (3, 0, 0)
    assert not account.sent("GET", ".jpg") and "Renamed old/a.jpg -> new/a.jpg" in done.err
    assert tree(tmp_path / "d") == {"new/a.jpg": b"a", "new/b.jpg": b"b", "new/c.jpg": b"c"}
    assert sorted(path.stat().st_ino for path in (tmp_path / "d/new").iterdir()) == inodes
    assert not (tmp_path / "d/old").exists()
    line = json.loads(Path("r.jsonl").read_text().splitlines()[0])
    assert (line["action"], line["from"][:4], line["path"][:4]) == ("rename", "old/", "new/")


def test_chains_and_swaps_of_names_end_with_the_right_content(sync: Run, account: Account, tmp_path: Path) -> None:
    for name, content in (("b", b"1"), ("c", b"2"), ("x", b"3"), ("y", b"4"), ("z", b"5")):
        account.add(name, content)
    make(tmp_path / "d", **{"a.jpg": b"1", "b.jpg": b"2", "x.jpg": b"4", "y.jpg": b"3", "old.jpg": b"5"})
    assert json.loads(sync(*FLAGS).out)["renamed"] == 1
    assert tree(tmp_path / "d") == {"b.jpg": b"1", "c.jpg": b"2", "x.jpg": b"3", "y.jpg": b"4", "z.jpg": b"5"}


def test_with_a_status_nothing_is_renamed_because_the_old_asset_may_exist(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    account.add("new", b"1")
    make(tmp_path / "d", **{"old.jpg": b"1"})
    assert json.loads(sync(*FLAGS, "--status", "active").out)["renamed"] == 0
    assert tree(tmp_path / "d") == {"new.jpg": b"1", "old.jpg": b"1"}


@posix
def test_a_link_is_not_renamed(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("new", b"1", asset_folder="f/s")
    make(tmp_path, elsewhere=b"1")
    make(tmp_path / "d")
    (tmp_path / "d/old.jpg").symlink_to("../elsewhere")
    assert json.loads(sync(*FLAGS).out)["renamed"] == 0
    assert tree(tmp_path / "d") == {"s/new.jpg": b"1"} and (tmp_path / "elsewhere").exists()


@posix
def test_a_name_that_leads_out_of_the_folder_is_a_failure(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("new", b"1", asset_folder="f/linked")
    make(tmp_path / "elsewhere")
    make(tmp_path / "d", **{"old.jpg": b"1"})
    (tmp_path / "d/linked").symlink_to(tmp_path / "elsewhere")
    done = sync(*FLAGS)
    assert done.code == 1 and "Failed renaming old.jpg -> linked/new.jpg" in done.err
    assert "a link leads out of the folder" in done.err and not list((tmp_path / "elsewhere").iterdir())
    assert (tmp_path / "d/old.jpg").exists()


def listed(path: Path) -> LocalFile:
    info = path.stat()
    return LocalFile(path.name, path.name, str(path), info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def rename(root: Path, file: LocalFile, key: str) -> Outcome:
    return RenameFile(str(root), file, RemoteAsset(key, "id")).run()


def test_a_file_that_was_created_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    make(tmp_path, **{"old.jpg": b"old", "new.jpg": b"mine"})
    outcome = rename(tmp_path, listed(tmp_path / "old.jpg"), "new.jpg")
    assert outcome.failed and outcome.error == "there is already a file 'new.jpg'"
    assert tree(tmp_path) == {"old.jpg": b"old", "new.jpg": b"mine"}


def test_a_file_that_was_changed_meanwhile_is_not_renamed(tmp_path: Path) -> None:
    make(tmp_path, **{"old.jpg": b"old"})
    file = listed(tmp_path / "old.jpg")
    (tmp_path / "old.jpg").write_bytes(b"changed")
    outcome = rename(tmp_path, file, "new.jpg")
    assert outcome.failed and outcome.error == "the file has changed since it was compared"
    assert tree(tmp_path) == {"old.jpg": b"changed"}


def test_without_hard_links_files_are_renamed_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Patched: a file system without hard links (FAT, some network file systems) needs root to be mounted.
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    make(tmp_path, **{"a.jpg": b"a", "b.jpg": b"b"})
    assert not rename(tmp_path, listed(tmp_path / "a.jpg"), "s/a.jpg").failed
    assert rename(tmp_path, listed(tmp_path / "b.jpg"), "s/a.jpg").failed
    assert tree(tmp_path) == {"b.jpg": b"b", "s/a.jpg": b"a"}


def test_a_rename_on_a_read_only_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched: a read-only file system needs root to be mounted.
    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    make(tmp_path, "old.jpg")
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    stop = Stop()
    StopRules(stop).watch([rename(tmp_path, listed(tmp_path / "old.jpg"), "new.jpg")])
    assert stop.reason == os.strerror(errno.EROFS)
