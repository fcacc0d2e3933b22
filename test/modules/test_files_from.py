"""--files-from of `cld sync`, `upload_dir` and `check`: only the listed files, and no listed file is ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List, Set

import pytest

from test.support.commands import Run, linux
from test.support.sync_account import Account, deleted_ids, make, tree


def write_list(*paths: str, name: str = "list") -> str:
    Path(name).write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    return name


def uploaded(account: Account) -> Set[Any]:
    return {request.files["file"].filename for request in account.sent("POST", "/upload")}


def test_a_push_uploads_only_the_listed_files_and_deletes_no_other(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg", "s/c.jpg", "s/d.jpg")
    account.add("gone"), account.add("other")
    done = sync("--push", "-F", "--files-from", write_list("a.jpg", "s/c.jpg", "gone.jpg"))
    assert done.code == 0 and uploaded(account) == {"a.jpg", "c.jpg"}
    assert [list(deleted_ids(request)) for request in account.sent("DELETE")] == [["id-0"]]


def test_a_pull_downloads_only_the_listed_assets_and_deletes_no_other_file(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", "old.jpg")
    account.add("a", public_id="a"), account.add("b", public_id="b")
    done = sync("--pull", "-F", "--files-from", write_list("a.jpg"))
    assert done.code == 0 and sorted(tree(tmp_path / "d")) == ["a.jpg", "old.jpg"]


@pytest.mark.parametrize("args", [(), ("--dry-run",)])
def test_a_listed_file_that_does_not_exist_fails_and_the_others_are_synced(
    sync: Run, account: Account, tmp_path: Path, args: Any
) -> None:
    make(tmp_path / "d", "a.jpg")
    done = sync("--push", "--report", "r.jsonl", "--files-from", write_list("no.jpg", "a.jpg", "also no.jpg"), *args)
    assert done.code == 1
    assert "error: 'no.jpg' is skipped: --files-from lists it, but there is no such file.\n" in done.err
    assert "2 failed: --files-from lists it, but there is no such file: also no.jpg, no.jpg\n" in done.err
    if not args:
        assert uploaded(account) == {"a.jpg"}
        statuses = {item["path"]: item["status"] for item in map(json.loads, Path("r.jsonl").open())}
        assert statuses == {"no.jpg": "failed", "also no.jpg": "failed", "a.jpg": "ok"}


def test_a_file_that_another_option_excludes_is_not_missing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.tmp")
    done = sync("--push", "--exclude", "*.tmp", "--files-from", write_list("a.jpg", "b.tmp"))
    assert done.code == 0 and uploaded(account) == {"a.jpg"}


@linux
def test_files_that_are_not_listed_are_not_read(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    # Reading this file fails, so an attempt to hash it would be logged.
    (tmp_path / "d/b.jpg").symlink_to("/proc/self/mem")
    account.add("a", b"a.jpg"), account.add("b", bytes=0)
    assert "Cannot read 'd/b.jpg'" in sync("--push", "--dry-run", "-v", "DEBUG").err
    done = sync("--push", "-v", "DEBUG", "--files-from", write_list("a.jpg"))
    assert done.code == 0 and "Skipping 1 items" in done.err and "Cannot read" not in done.err


def test_the_list_may_be_on_stdin(cld: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    done = cld("-c", account.config_url(), "sync", "d", "f", "--push", "--files-from", "-", input="./b.jpg\r\n")
    assert done.code == 0 and uploaded(account) == {"b.jpg"}


def test_the_command_to_retry_is_not_shown_if_it_would_need_the_list_again(
    cld: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", "a.jpg")
    command = ("-c", account.config_url(), "sync", "d", "f", "--push", "--report", "r.jsonl", "--files-from", "-")
    done = cld(*command, input="none.jpg\n")
    assert done.code == 1 and "1 failed. Run the same command again to do the rest." in done.err


@pytest.mark.parametrize("content", [None, "/absolute.jpg\n", "a.jpg\n../b.jpg\n"])
def test_an_unusable_list_is_an_error_before_any_request(
    sync: Run, account: Account, tmp_path: Path, content: Any
) -> None:
    make(tmp_path / "d", "a.jpg")
    if content is not None:
        Path("list").write_text(content)
    done = sync("--push", "--files-from", "list")
    assert done.code == 1 and done.err.startswith("error: ") and done.err.count("\n") == 1
    assert not account.server.requests


def test_upload_dir_uploads_only_the_listed_files(up: Run, server: Any, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg", "s/c.jpg")
    done = up("d", "-e", "--json", "--files-from", write_list("s/c.jpg", "none.jpg"))
    assert done.code == 1 and json.loads(done.out)["uploaded"] == 1 and json.loads(done.out)["failed"] == 1
    assert "error: 'none.jpg' is skipped: --files-from lists it, but there is no such file.\n" in done.err
    names: List[Any] = [r.files["file"].filename for r in server.requests if r.path.endswith("/upload")]
    assert names == ["c.jpg"]


def test_check_compares_only_the_listed_files(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg", "c.jpg")
    account.add("a", b"a.jpg"), account.add("old"), account.add("x")
    done = check("--files-from", write_list("old.jpg", "b.jpg", "a.jpg"))
    assert done.code == 1 and done.out == "= a.jpg\n+ b.jpg\n- old.jpg\n"
    done = check("--files-from", write_list("a.jpg", "none.jpg"))
    assert done.code == 1 and done.out == "= a.jpg\n! none.jpg\n"
    assert "'none.jpg' cannot be compared: --files-from lists it, but there is no such file." in done.err
    assert check("--files-from", write_list("a.jpg")).code == 0
