"""`cld sync` deletes last, asks before that, and deletes nothing after a failure or from an empty source."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

from cloudinary_cli.transfer.actions import remove_empty_directories
from test.support.cloudinary_server import Reply
from test.support.commands import Run, posix
from test.support.other_user import other_user
from test.support.sync_account import Account, deleted_ids, line_with, make, tree

NO = Reply(400, {"error": {"message": "not today"}})


def test_a_dry_run_removes_no_empty_directory(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "only/here.jpg")
    (tmp_path / "d/empty").mkdir()
    account.add("a")
    done = sync("--pull", "--dry-run", "-F")
    assert done.code == 0 and f"Would delete '{os.path.join('d', 'only/here.jpg')}'" in done.err
    assert "The following files would be downloaded:\na.jpg\n" in done.err and "Sync Status" not in done.err
    assert (tmp_path / "d/empty").is_dir() and sorted(tree(tmp_path / "d")) == ["only/here.jpg"]
    assert not (tmp_path / "home").exists()


def test_a_real_pull_removes_empty_directories_but_not_hidden_ones(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "only/here.jpg")
    (tmp_path / "d/empty/er").mkdir(parents=True)
    (tmp_path / "d/.git/refs").mkdir(parents=True)
    account.add("a")
    assert sync("--pull", "-F").code == 0
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [".git", "a.jpg"]
    assert (tmp_path / "d/.git/refs").is_dir()


def test_empty_directories_are_removed_at_any_depth(tmp_path: Path) -> None:
    depth = 200
    (tmp_path / "d").joinpath(*["e"] * depth).mkdir(parents=True)
    limit = sys.getrecursionlimit()
    # A path may have more names than Python can recurse. A lower limit needs no tree that pytest could not delete.
    sys.setrecursionlimit(len(inspect.stack()) + depth // 2)
    try:
        remove_empty_directories(str(tmp_path / "d"), include_hidden=False)
    finally:
        sys.setrecursionlimit(limit)
    assert list((tmp_path / "d").iterdir()) == []


def test_deletions_come_last(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "new.jpg")
    account.add("old")
    assert sync("--push", "-F").code == 0
    assert account.changes == ["POST /v1_1/demo/auto/upload", "DELETE /v1_1/demo/resources/image/upload"]


def test_a_failed_upload_prevents_the_deletions(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "new.jpg")
    account.add("old")
    account.server.on("POST", "/upload", NO)
    done = sync("--push", "-F", "--report", "r.jsonl", "--json")
    assert done.code == 1 and account.changes == ["POST /v1_1/demo/auto/upload"]
    assert "1 files are not deleted" in done.err
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [(line["path"], line["status"]) for line in lines] == [("new.jpg", "failed"), ("old.jpg", "skipped")]
    assert json.loads(done.out)["deleted"] == 0


@posix
def test_the_assets_of_an_unreadable_directory_are_kept_although_an_exclude_follows_the_include(
    account: Account, invoke: Run
) -> None:
    with tempfile.TemporaryDirectory() as directory:  # only their owner can enter the directories of pytest
        root = make(Path(directory) / "d", "shut/a.jpg", "b.jpg")
        Path(directory).chmod(0o777)
        (root / "shut").chmod(0)
        account.add("a", asset_folder="f/shut")
        account.add("b", b"b.jpg")
        command = ("-c", account.config_url(), "sync", str(root), "f", "--push", "--include", "*.jpg", "--exclude", "*")
        # The other user may not be able to read the modules.
        importlib.import_module("cloudinary_cli.transfer.sync.backup_actions")
        invoke(*command, "--dry-run")
        try:
            with other_user():
                done = invoke(*command, "-F")
        finally:
            (root / "shut").chmod(0o700)
    assert done.code == 1 and "'shut/' is skipped: the directory cannot be read" in done.err
    assert account.changes == []


def test_a_failed_download_prevents_the_deletions(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "only-here.jpg")
    account.add("a", public_id="gone")
    account.server.on("GET", "/gone.jpg", Reply(404, b"", {"X-Cld-Error": "Resource not found"}))
    done = sync("--pull", "-F")
    assert done.code == 1 and (tmp_path / "d/only-here.jpg").exists()
    assert line_with(done.err, "/gone.jpg, status code: 404, details: Resource not found").startswith(  # type: ignore[union-attr]
        "error: Failed downloading: http://"
    )


def test_an_empty_source_deletes_nothing_without_max_delete(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    for name in "abc":
        account.add(name)
    done = sync("--push", "-F")
    assert done.code == 1 and not account.changes
    assert "is empty, so all 3 files of Cloudinary folder 'f' would be deleted" in done.err.splitlines()[-1]
    assert sync("--push", "-F", "--max-delete", "2").code == 1 and not account.changes
    assert sync("--push", "-K").code == 0 and not account.changes
    assert sync("--push", "-F", "--dry-run").code == 0 and not account.changes
    assert sync("--push", "-F", "--max-delete", "3").code == 0 and len(account.changes) == 1


def test_an_empty_remote_folder_does_not_empty_the_local_one(sync: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    done = sync("--pull", "-F")
    assert done.code == 1 and len(tree(tmp_path / "d")) == 2 and "--max-delete 2" in done.err


def test_max_delete_refuses_before_anything_is_changed(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x"), account.add("y")
    done = sync("--push", "-F", "--max-delete", "1")
    assert done.code == 1 and "2 files would be deleted, more than --max-delete 1 allows" in done.err
    assert not account.changes
    assert sync("--push", "-F", "--max-delete", "2").code == 0


def test_a_deletion_that_did_not_happen_is_a_failure(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "keep.jpg")
    account.add("keep"), account.add("x", public_id="x"), account.add("y", public_id="y")
    account.server.on("DELETE", "/image/upload", {"deleted": {"x": "deleted", "y": "not_found"}})
    done = sync("--push", "-F", "--json")
    assert done.code == 1 and "error: Failed deletes: y, error: the server says 'not_found'" in done.err
    assert "Done!" not in done.err and json.loads(done.out)["deleted"] == 1 and json.loads(done.out)["failed"] == 1


def test_a_refused_deletion_is_a_failure_of_each_asset(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "keep.jpg")
    account.add("x"), account.add("y")
    account.server.on("DELETE", "/image/upload", NO)
    done = sync("--push", "-F", "--json")
    assert done.code == 1 and json.loads(done.out)["failed"] == 2


def test_a_deletion_whose_response_was_lost_is_a_success(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "keep.jpg")
    account.add("x", public_id="x")
    lost = Reply(502, {"error": {"message": "lost"}})
    account.server.on("DELETE", "/image/upload", lost, {"deleted": {"x": "not_found"}})
    assert sync("--push", "-F").code == 0


def test_a_dry_run_asks_nothing_and_changes_nothing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.add("x", public_id="x1"), account.add("a")
    (tmp_path / "d/.cld-sync").write_text('{"gone.jpg": "g.jpg"}')
    done = sync("--push", "--dry-run", "--json")
    assert done.code == 0 and not account.changes and "Continue?" not in done.err
    assert "Dry run mode enabled. Would delete 1 resources:\nx.jpg\n" in done.err
    assert "The following files would be uploaded:\na.jpg\nb.jpg\n" in done.err
    plan = json.loads(done.out)["plan"]
    assert plan["upload"] == ["a.jpg", "b.jpg"] and plan["delete"] == [{"path": "x.jpg", "public_id": "x1"}]
    assert "gone.jpg" in (tmp_path / "d/.cld-sync").read_text()


def test_without_a_terminal_the_prompt_names_the_options(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x")
    done = sync("--push")
    assert done.code == 1 and not account.changes and done.out == ""
    assert "(-F)" in done.err and "(-K)" in done.err
    assert done.err.count("Aborting...") == 1


@pytest.mark.parametrize(
    ("answer", "code", "changes"), [("y", 0, 2), ("Y", 0, 2), ("k", 0, 1), ("n", 1, 0), ("", 1, 0), ("maybe", 1, 0)]
)
def test_yes_keep_and_no_to_the_question(
    cld: Run, account: Account, tmp_path: Path, answer: str, code: int, changes: int
) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x")
    done = cld("-c", account.config_url(), "sync", "d", "f", "--push", input=answer + "\n")
    assert done.code == code and len(account.changes) == changes and done.out == ""
    question = (
        "will delete 1 remote files of Cloudinary folder 'f' of cloud 'demo'. They are not in local folder 'd':\n"
    )
    assert question + "  x.jpg\n[y]es" in done.err and "Continue? (y/k/N) " in done.err
    assert ("Keeping 1 remote files..." in done.err) is (answer == "k")


def test_the_question_names_the_first_ten_files(cld: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", *(f"{number:02}\u202e.jpg" for number in range(50)))
    account.add("a")
    done = cld("-c", account.config_url(), "sync", "d", "f", "--pull")
    assert done.code == 1 and "will delete 50 local files of local folder 'd'" in done.err
    assert "  09\\u202e.jpg\n  and 40 more\n" in done.err and "10\\u202e" not in done.err


def test_keep_overrides_force(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x")
    done = sync("--push", "-F", "-K")
    assert done.code == 0 and not account.sent("DELETE") and "Keeping 1 remote files..." in done.err
    assert "Keeping 1 local files..." in sync("--pull", "-K").err


def test_as_few_deletion_calls_as_possible(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "keep.jpg")
    for number in range(60):
        account.add(f"n{number:02}", public_id=f"n{number:02}", resource_type=("image", "video")[number % 2])
    done = sync("--push", "-F", "-D", "30")
    assert done.code == 0 and "Deleted 60 resources" in done.err
    assert "Deleting 30 resources of type upload video" in done.err
    calls = account.sent("DELETE")
    assert sorted(request.path.rsplit("/", 2)[1] for request in calls) == ["image", "video"]
    assert [len(deleted_ids(request)) for request in calls] == [30, 30]
