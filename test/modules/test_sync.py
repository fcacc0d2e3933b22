"""`cld sync` end to end: usage errors, selection of items, messages and the JSON summary."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.cloudinary_server import Reply
from test.support.commands import Run
from test.support.sync_account import Account, deleted_ids, fails_for, make, md5

NO = Reply(400, {"error": {"message": "not today"}})


@pytest.mark.parametrize("args", [[], ["--push", "--pull"]])
def test_exactly_one_direction(sync: Run, account: Account, args: List[str]) -> None:
    done = sync(*args)
    assert done.code == 1 and "Please use either the '--push' OR '--pull' options" in done.err
    assert not account.server.requests


def test_no_workers_is_refused_before_anything(sync: Run, account: Account) -> None:
    done = sync("--push", "-w", "0")
    assert done.code == 1 and "Error: Invalid value for '-w'" in done.err and not account.server.requests


@pytest.mark.parametrize(
    "args", [("--shard", "3/2"), ("--exclude", ""), ("--retry-failed", "none"), ("--report", "no/x")]
)
def test_bad_values_are_an_error_before_any_request(sync: Run, account: Account, tmp_path: Path, args: Any) -> None:
    make(tmp_path / "d", "a.jpg")
    done = sync("--push", *args)
    assert done.code == 1 and done.err.startswith("error: ") and done.err.count("\n") == 1
    assert not account.server.requests


def test_missing_source_folders(sync: Run, account: Account) -> None:
    done = sync("--push")
    assert done.code == 1 and "error: Cannot push a non-existent local folder 'd'" in done.err
    account.server.on("POST", "/folders/search", {"total_count": 0})
    done = sync("--pull")
    assert done.code == 1 and "error: Cannot pull from a non-existent Cloudinary folder 'f'" in done.err
    assert "Cloudinary folder 'f' does not exist (dynamic folder mode)." in done.err


def test_a_folder_mode_that_cannot_be_read(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.server.on("GET", "/config", NO)
    done = sync("--push")
    assert done.code == 1 and "error: Failed getting cloud configuration, error: " in done.err
    assert sync("--push", "-fm", "DYNAMIC").code == 0


def test_status_and_texts_of_the_listing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    done = sync("--push", "-st", "ALL")
    assert done.err.splitlines() == [
        "Local folder 'd' is empty.",
        "Cloudinary folder 'f' is empty. (dynamic folder mode)",
        "Done!",
    ]
    assert account.sent("POST", "resources/search")[0].json["expression"].endswith(" AND status:(active OR pending)")


@pytest.mark.parametrize("text", ["{bad", '["a"]'])
def test_a_corrupt_name_map_is_an_error_before_any_request(
    sync: Run, account: Account, tmp_path: Path, text: str
) -> None:
    make(tmp_path / "d", "a.jpg")
    (tmp_path / "d/.cld-sync").write_text(text)
    for direction in ("--push", "--pull"):
        done = sync(direction)
        assert done.code == 1 and os.path.join("d", ".cld-sync") in done.err and done.err.count("\n") == 1
    assert not account.server.requests and (tmp_path / "d/.cld-sync").read_text() == text


def test_include_and_exclude_apply_to_both_sides(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.tmp", "tmp/c.jpg", "tmp/keep.jpg")
    account.add("old", asset_folder="f/tmp"), account.add("gone")
    done = sync("--push", "-F", "--include", "tmp/keep.jpg", "--exclude", "*.tmp", "--exclude", "tmp/")
    assert done.code == 0
    assert sorted(str(r.files["file"].filename) for r in account.sent("POST", "/upload")) == ["a.jpg", "keep.jpg"]
    assert [list(deleted_ids(request)) for request in account.sent("DELETE")] == [["id-1"]]


def test_all_shards_together_upload_everything_and_delete_nothing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", *(f"{number}.jpg" for number in range(30)))
    account.add("old")
    sizes = []
    for number in (1, 2, 3):
        done = sync("--push", "-F", "--shard", f"{number}/3", "--json")
        assert done.code == 0
        sizes.append(json.loads(done.out)["synced"])
    names = [request.files["file"].filename for request in account.sent("POST", "/upload")]
    assert len(names) == len(set(names)) == 30 == sum(sizes) and min(sizes) > 0
    assert not account.sent("DELETE")


def test_retry_failed_repeats_the_failed_items_of_the_report(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.server.on("POST", "/upload", fails_for("b.jpg", NO, account.respond_to_upload))
    assert sync("--push", "--report", "r.jsonl").code == 1
    account.server.on("POST", "/upload", account.respond_to_upload)
    make(tmp_path / "d", "later.jpg")
    before = len(account.sent("POST", "/upload"))
    assert sync("--push", "--retry-failed", "r.jsonl", "--report", "r.jsonl").code == 0
    (retried,) = account.sent("POST", "/upload")[before:]
    assert retried.files["file"].filename == "b.jpg"
    (line,) = Path("r.jsonl").read_text().splitlines()
    item: Dict[str, Any] = json.loads(line)
    assert (item["path"], item["status"], item["action"], item["error"]) == ("b.jpg", "ok", "upload", None)
    assert item["etag"] == md5(b"b.jpg") and item["public_id"] and item["bytes"] == 5


def test_retry_failed_includes_the_files_of_a_directory_that_could_not_be_read(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", "s/a.jpg", "s/t/b.jpg", "c.jpg")
    Path("r.jsonl").write_text('{"action": "scan", "path": "s/", "status": "failed"}\n')
    assert sync("--push", "--retry-failed", "r.jsonl").code == 0
    assert sorted(str(request.files["file"].filename) for request in account.sent("POST", "/upload")) == [
        "a.jpg",
        "b.jpg",
    ]


def test_every_run_reports_files_in_the_order_of_their_paths(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", *(f"{number:02}.jpg" for number in range(40)))
    runs = [
        [line.split(" as ")[0] for line in sync("--push", "-w", "7").err.splitlines() if "uploaded" in line]
        for _ in range(2)
    ]
    assert runs[0] == runs[1] == [f"Successfully uploaded d/{number:02}.jpg" for number in range(40)]


def test_the_summary_is_json_on_stdout(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.add("a", b"a.jpg")
    summary = json.loads(sync("--push", "--json").out)
    assert summary.pop("seconds") > 0
    assert summary == {
        "command": "sync",
        "direction": "push",
        "local_folder": "d",
        "cloudinary_folder": "f",
        "in_sync": 1,
        "synced": 1,
        "deleted": 0,
        "skipped": 0,
        "failed": 0,
        "cancelled": 0,
        "bytes": 5,
        "dry_run": False,
        "interrupted": False,
        "stopped": None,
    }


def test_the_api_secret_reaches_no_stream_and_no_file(account: Account, invoke: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.add("p", type="private", public_id="p")
    account.server.on("POST", "/upload", fails_for("b.jpg", NO, account.respond_to_upload))
    url = account.config_url().replace("key:secret@", "key:hush-hush@")
    arguments = ("-v", "DEBUG", "-c", url, "sync", "d", "f")
    done = [
        invoke(*arguments, "--push", "-K", "--report", "push"),
        invoke(*arguments, "--pull", "-K", "--report", "pull"),
    ]
    said = [*(run.text for run in done), Path("push").read_text(), Path("pull").read_text()]
    assert [run.code for run in done] == [1, 0] and all("hush-hush" not in text for text in said)


def test_debug_output_has_the_responses_without_signatures(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    response = {"public_id": "x", "signature": "5f3a", "secure_url": "https://res.example/demo/s--letmein--/x.jpg"}
    account.server.on("POST", "/upload", response)
    assert '"public_id"' not in sync("--push").err
    done = sync("--push", "-v", "DEBUG", "--json")
    assert 'debug:   "public_id": "x",' in done.err.splitlines() and json.loads(done.out)["synced"] == 1
    assert "5f3a" not in done.text and "letmein" not in done.text
