"""`cld sync --pull --backup-dir`: deleted and overwritten local files are kept."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from pathlib import Path

import pytest

from test.support.bulk_processes import interrupt, start, wait_until
from test.support.cloudinary_server import Reply
from test.support.commands import Run, posix
from test.support.sync_account import Account, make, tree

PULL = ("--pull", "-F", "--backup-dir", "k")


def test_deleted_and_overwritten_files_are_kept(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("changed", b"new", asset_folder="f/s")
    account.add("added", b"added"), account.add("same", b"same")
    make(tmp_path / "d", **{"s/changed.jpg": b"old", "t/gone.jpg": b"gone", "same.jpg": b"same"})
    done = sync(*PULL, "--json", "--report", "r.jsonl")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert (summary["backed_up"], summary["synced"], summary["deleted"]) == (2, 2, 1)
    assert tree(tmp_path / "k") == {"s/changed.jpg": b"old", "t/gone.jpg": b"gone"}
    assert tree(tmp_path / "d") == {"s/changed.jpg": b"new", "added.jpg": b"added", "same.jpg": b"same"}
    assert not (tmp_path / "d/t").exists()
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert sorted((line["action"], line["path"], line["status"]) for line in lines) == [
        ("backup", "s/changed.jpg", "ok"),
        ("backup", "t/gone.jpg", "ok"),
        ("download", "added.jpg", "ok"),
        ("download", "s/changed.jpg", "ok"),
    ]


def test_an_older_backup_is_not_overwritten(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("other")
    for content in (b"first", b"second", b"third", b"third"):
        make(tmp_path / "d", **{"a.jpg": content})
        assert sync(*PULL).code == 0
    # The content of the last run is there already.
    assert sorted(tree(tmp_path / "k").values()) == [b"first", b"second", b"third"]
    assert tree(tmp_path / "k")["a.jpg"] == b"first"


def test_keep_unique_keeps_the_backups_of_overwritten_files(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("a", b"new")
    make(tmp_path / "d", **{"a.jpg": b"old", "mine.jpg": b"mine"})
    assert sync(*PULL, "-K").code == 0
    assert tree(tmp_path / "k") == {"a.jpg": b"old"}
    assert tree(tmp_path / "d") == {"a.jpg": b"new", "mine.jpg": b"mine"}


def test_a_failed_download_leaves_the_file_in_its_place(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("a", b"new", public_id="a1")
    account.server.on("GET", "/a1.jpg", Reply(404, b""))
    make(tmp_path / "d", **{"a.jpg": b"old", "gone.jpg": b"gone"})
    assert sync(*PULL).code == 1
    assert tree(tmp_path / "d") == {"a.jpg": b"old", "gone.jpg": b"gone"}
    account.server.on("GET", "/a1.jpg", Reply(body=b"new", headers={"Content-Type": "image/jpeg"}))
    assert sync(*PULL).code == 0
    assert tree(tmp_path / "k") == {"a.jpg": b"old", "gone.jpg": b"gone"}


def test_without_its_backup_a_file_is_neither_overwritten_nor_deleted(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    account.add("a", b"new", asset_folder="f/s")
    make(tmp_path / "d", **{"s/a.jpg": b"old", "gone.jpg": b"gone"})
    make(tmp_path / "k", s=b"a file where the directory of the backup has to be")
    done = sync(*PULL, "--report", "r.jsonl")
    assert done.code == 1 and "Failed keeping a backup of '" in done.err
    assert tree(tmp_path / "d") == {"s/a.jpg": b"old", "gone.jpg": b"gone"} and not account.sent("GET", ".jpg")
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [(line["action"], line["status"]) for line in lines] == [
        ("backup", "failed"),
        ("download", "skipped"),
        ("delete", "skipped"),
    ]


@posix
def test_files_are_copied_to_another_file_system(sync: Run, account: Account, tmp_path: Path) -> None:
    places = [Path(place) for place in ("/dev/shm", "/tmp", "/var/tmp") if os.access(place, os.W_OK)]
    other = next((place for place in places if place.stat().st_dev != tmp_path.stat().st_dev), None)
    if other is None:
        pytest.skip("there is no second file system")
    account.add("a", b"new")
    make(tmp_path / "d", **{"a.jpg": b"old", "s/gone.jpg": b"gone"})
    os.utime(tmp_path / "d/s/gone.jpg", (1_000_000_000, 1_000_000_000))
    with tempfile.TemporaryDirectory(dir=other) as directory:
        assert sync("--pull", "-F", "--backup-dir", directory).code == 0
        assert tree(Path(directory)) == {"a.jpg": b"old", "s/gone.jpg": b"gone"}
        assert (Path(directory) / "s/gone.jpg").stat().st_mtime == 1_000_000_000
    assert tree(tmp_path / "d") == {"a.jpg": b"new"}


@posix
def test_the_content_of_a_link_is_kept(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("a", b"new")
    make(tmp_path, elsewhere=b"old")
    make(tmp_path / "d")
    (tmp_path / "d/a.jpg").symlink_to("../elsewhere")
    assert sync(*PULL).code == 0
    assert tree(tmp_path / "k") == {"a.jpg": b"old"} and not (tmp_path / "k/a.jpg").is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == b"old" and tree(tmp_path / "d") == {"a.jpg": b"new"}


@posix
def test_a_broken_link_is_not_overwritten_because_it_has_no_content_to_keep(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    account.add("a", b"new")
    make(tmp_path / "d")
    (tmp_path / "d/a.jpg").symlink_to("missing")
    assert sync(*PULL).code == 1 and (tmp_path / "d/a.jpg").is_symlink()


@posix
def test_a_link_out_of_the_backup_directory_is_not_followed(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("a", b"new", asset_folder="f/s")
    make(tmp_path / "d", **{"s/a.jpg": b"old"})
    make(tmp_path / "k"), make(tmp_path / "elsewhere")
    (tmp_path / "k/s").symlink_to(tmp_path / "elsewhere")
    assert sync(*PULL).code == 1
    assert not list((tmp_path / "elsewhere").iterdir()) and tree(tmp_path / "d") == {"s/a.jpg": b"old"}


@pytest.mark.parametrize("directory", ["d", "d/k", ".", pytest.param("link/k", marks=posix)])
def test_a_directory_that_a_sync_would_empty_is_refused(
    sync: Run, account: Account, tmp_path: Path, directory: str
) -> None:
    make(tmp_path / "d", "a.jpg")
    if directory == "link/k":
        (tmp_path / "link").symlink_to("d")
    done = sync("--pull", "--backup-dir", directory)
    assert done.code == 1 and "overlap" in done.err and not account.server.requests


def test_a_file_as_backup_directory_is_refused(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path, k=b"")
    done = sync(*PULL)
    assert done.code == 1 and "--backup-dir k is not a directory" in done.err and not account.server.requests


def test_a_dry_run_names_the_backup_directory_and_creates_nothing(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("a", b"new")
    make(tmp_path / "d", **{"a.jpg": b"old", "gone.jpg": b"gone"})
    done = sync(*PULL, "--dry-run")
    assert done.code == 0 and "Deleted and overwritten files would be kept in 'k'." in done.err
    assert not (tmp_path / "k").exists() and len(tree(tmp_path / "d")) == 2


@posix
def test_after_ctrl_c_the_next_run_keeps_the_rest(account: Account, tmp_path: Path, cld: Run) -> None:
    for number in range(6):
        account.add(f"f{number}", b"new %d" % number, public_id=f"p{number}")
    gate = threading.Event()
    account.server.on("GET", "/p1.jpg", lambda request: gate.wait(30) and b"new 1")
    old = {f"f{number}.jpg": b"old %d" % number for number in range(6)}
    make(tmp_path / "d", **old, **{"gone.jpg": b"gone"})
    command = ("-c", account.config_url(), "sync", "d", "f", *PULL)
    process = start(*command, "-w", "1")
    wait_until(lambda: account.sent("GET", "/p1.jpg"), process)
    interrupt(process)
    gate.set()
    assert process.wait(30) == 130 and (tmp_path / "d/gone.jpg").exists()
    assert tree(tmp_path / "k") == {"f0.jpg": b"old 0", "f1.jpg": b"old 1"}
    assert cld(*command).code == 0
    assert tree(tmp_path / "k") == {**old, "gone.jpg": b"gone"}
    assert tree(tmp_path / "d") == {f"f{number}.jpg": b"new %d" % number for number in range(6)}
