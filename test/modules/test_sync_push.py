"""`cld sync --push`: what is uploaded, with which options, and what `.cld-sync` records."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from test.support.cloudinary_server import Reply
from test.support.commands import Run, posix
from test.support.sync_account import Account, fails_for, make, md5

NO = Reply(400, {"error": {"message": "not today"}})


def test_only_the_base_name_is_sent(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "sub/secret-name.jpg")
    assert sync("--push").code == 0
    (request,) = account.sent("POST", "/upload")
    assert request.files["file"].filename == "secret-name.jpg" and request.field("asset_folder") == "f/sub"
    assert str(tmp_path).encode() not in request.body and b"d/sub" not in request.body


def test_default_options_and_what_overrides_them(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    sync("--push")
    sync("--push", "-fm", "fixed")
    options = ("-o", "folder", "else", "-o", "tags", "x", "-O", "use_filename", "false", "-O", "context", '{"k": "v"}')
    sync("--push", "-fm", "fixed", *options)
    dynamic, fixed, given = account.sent("POST", "/upload")
    assert "/auto/upload" in dynamic.path and dynamic.field("use_filename_as_display_name") == "1"
    expected = {"use_filename": "1", "unique_filename": "0", "invalidate": "1", "folder": "f"}
    assert {name: fixed.field(name) for name in expected} == expected and fixed.field("asset_folder") is None
    changed = {**expected, "use_filename": "0", "tags": "x", "context": "k=v"}
    assert {name: given.field(name) for name in changed} == changed


def test_an_overwritten_asset_keeps_its_public_id_and_type(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"a.jpg": b"new"})
    account.add("a", public_id="other/x", type="private")
    assert sync("--push").code == 0
    (request,) = account.sent("POST", "/upload")
    assert (request.field("public_id"), request.field("type"), request.field("invalidate")) == (
        "other/x",
        "private",
        "1",
    )


def test_an_asynchronous_upload_is_reported_and_not_added_to_the_name_map(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", "a &.jpg")
    account.server.on("POST", "/upload", {"batch_id": "b1", "status": "pending"})
    done = sync("--push", "-o", "async", "true")
    assert done.code == 0 and "Uploading d/a &.jpg asynchronously with batch_id: b1" in done.err
    assert not (tmp_path / "d/.cld-sync").exists()


def test_a_failed_upload_is_reported_and_the_other_files_are_uploaded(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg", "c.jpg")
    account.server.on("POST", "/upload", fails_for("b.jpg", NO, account.respond_to_upload))
    done = sync("--push", "--json")
    assert done.code == 1 and "error: Failed uploading d/b.jpg, error: not today" in done.err
    assert "Successfully uploaded d/c.jpg as f/c.jpg with public_id: " in done.err
    assert "Sync did not finish successfully" in done.err.splitlines()[-1]
    summary = json.loads(done.out)
    assert (summary["synced"], summary["failed"], summary["command"]) == (2, 1, "sync")
    assert sync("--push", env={"CLOUDINARY_CLI_EXIT_CODES": "detailed"}).code == 8


@posix
def test_a_broken_link_and_a_pipe_do_not_stop_or_hang_a_push(cld: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "sl/c.jpg")
    os.symlink("/nonexist", tmp_path / "d/sl/b.jpg")
    os.mkfifo(tmp_path / "d/sl/pipe")
    account.add("x")
    done = cld("-c", account.config_url(), "sync", "d", "f", "--push", "-F", timeout=30)
    assert done.code == 1 and "error: 'sl/b.jpg' is skipped: it is a broken link." in done.err
    assert "warning: 'sl/pipe' is skipped: it is a named pipe." in done.err
    assert "Synced | 2" in done.err and "Failed | 1" in done.err
    # The content of the link is unknown, so nothing is deleted.
    assert not account.sent("DELETE")
    assert cld("-c", account.config_url(), "sync", "d", "f", "--push", "-F", "--exclude", "b.jpg", timeout=30).code == 0


def test_unchanged_files_are_not_hashed_again(cld: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.add("a", b"a.jpg"), account.add("b", b"b.jpg")
    old = time.time() - 3600
    for name in ("a.jpg", "b.jpg"):
        os.utime(tmp_path / "d" / name, (old, old))
    time.sleep(2.1)  # until ctime, which cannot be set, is old enough
    assert "Skipping 2 items" in cld("-c", account.config_url(), "sync", "d", "f", "--push").err
    (cache,) = (tmp_path / "home/cache").iterdir()
    assert len(json.loads(cache.read_text())["files"]) == 2
    wrong = cache.read_text().replace(md5(b"a.jpg"), md5(b"z"))
    cache.write_text(wrong)
    # The files have not changed, so this result comes from the cache.
    assert "'a.jpg' is out of sync" in cld("-c", account.config_url(), "sync", "d", "f", "--push", "--dry-run").err


def test_stale_entries_are_removed_even_if_nothing_is_uploaded(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "e & f.jpg")
    account.add("a", b"a.jpg"), account.add("e _ f", b"e & f.jpg")
    (tmp_path / "d/.cld-sync").write_text('{"gone.jpg": "g_one.jpg", "e & f.jpg": "e _ f.jpg"}')
    done = sync("--push")
    assert done.code == 0 and "Skipping 2 items" in done.err
    assert json.loads((tmp_path / "d/.cld-sync").read_text()) == {"e & f.jpg": "e _ f.jpg"}


def test_the_map_is_written_after_failures_too(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "e & f.jpg", "x.jpg")
    account.server.on("POST", "/upload", fails_for("x.jpg", NO, account.respond_to_upload))
    assert sync("--push").code == 1
    assert json.loads((tmp_path / "d/.cld-sync").read_text()) == {"e & f.jpg": "e _ f.jpg"}


def test_hidden_files_only_on_request(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", ".h.jpg", ".git/x.jpg", ".cld-part-1")
    sync("--push")
    assert len(account.sent("POST", "/upload")) == 1
    assert "Found 3 items" in sync("--push", "-H").err


@pytest.mark.skipif(not os.path.exists("/proc/self/io"), reason="reads what this process has read from /proc")
def test_for_an_empty_remote_folder_no_file_is_read_whole(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    each, count = 1_000_000_000, 6
    for number in range(count):
        with open(tmp_path / f"d/{number:02}.jpg", "wb") as file:
            file.truncate(each)  # a sparse file takes no disk space

    def bytes_read() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    before = bytes_read()
    done = sync("--push", "--dry-run")
    assert done.code == 0 and f"Found {count} items in local folder 'd'" in done.err
    assert bytes_read() - before < 2 * each, "four are begun at once, and given up when the listing is there"
