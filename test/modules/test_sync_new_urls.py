"""`cld sync --push --track-renames` in fixed folder mode, where a rename changes the URL; and interrupted renames."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

from test.support.bulk_processes import interrupt, start, wait_until
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.commands import Run, posix
from test.support.sync_account import Account, make, md5

RENAMED = "POST /v1_1/demo/image/rename"
NOT_FOUND = Reply(404, {"error": {"message": "Resource not found"}})
ARGUMENTS = ("sync", "d", "f", "--push", "--track-renames")


def renamed(request: Request) -> Dict[str, Any]:
    return {"public_id": request.field("to_public_id"), "format": "jpg", "resource_type": "image", "type": "upload"}


@pytest.fixture
def fixed(server: CloudinaryServer) -> Account:
    """An account in fixed folder mode that renames assets."""
    account = Account(server, "fixed")
    server.on("POST", "/image/rename", renamed)
    return account


def moved(account: Account, root: Path, count: int = 1) -> Tuple[str, ...]:
    """Files in d/new whose assets are in f/old; and the start of a command line that pushes them."""
    for number in range(count):
        content = f"content {number}".encode()
        account.add("", content, public_id=f"f/old/{number:02}", display_name=..., asset_folder=...)
        make(root / "d", **{f"new/{number:02}.jpg": content})
    return ("-c", account.config_url(), *ARGUMENTS)


def test_the_question_names_the_first_ten_renames(cld: Run, fixed: Account, tmp_path: Path) -> None:
    done = cld(*moved(fixed, tmp_path, 50), input="y\n")
    assert done.code == 0, done.err
    assert (
        "50 assets of Cloudinary folder 'f' of cloud 'demo' get a new public ID and a new URL:\n"
        "  old/00.jpg -> new/00.jpg\n"
    ) in done.err
    assert (
        "  old/09.jpg -> new/09.jpg\n  and 40 more\n[y]es: rename them. [N]o: upload and delete instead.\n"
        "Continue? (y/N) "
    ) in done.err
    assert fixed.changes == [RENAMED] * 50 and "Renamed old/49.jpg -> new/49.jpg" in done.err
    form = fixed.sent("POST", "/rename")[0].form
    assert form["overwrite"] == ["0"] and form["invalidate"] == ["1"] and form["type"] == ["upload"]


@pytest.mark.parametrize("answer", ["n", "", "maybe"])
def test_no_uploads_and_deletes_instead(cld: Run, fixed: Account, tmp_path: Path, answer: str) -> None:
    done = cld(*moved(fixed, tmp_path), input=f"{answer}\ny\n")
    assert done.code == 0, done.err
    assert "will delete 1 remote files" in done.err
    assert fixed.changes == ["POST /v1_1/demo/auto/upload", "DELETE /v1_1/demo/resources/image/upload"]


def test_without_input_nothing_is_changed_and_the_options_are_named(cld: Run, fixed: Account, tmp_path: Path) -> None:
    done = cld(*moved(fixed, tmp_path))
    assert done.code == 1 and not fixed.changes
    assert "No input available. Use --force (-F) to rename them, or omit --track-renames." in done.err
    assert "Aborting... Nothing was changed." in done.err


def test_force_renames_without_a_question_and_keeps_old_urls_in_caches_on_request(
    cld: Run, fixed: Account, tmp_path: Path
) -> None:
    done = cld(*moved(fixed, tmp_path), "-F", "-O", "invalidate", "false")
    assert done.code == 0 and "Continue?" not in done.err and fixed.changes == [RENAMED]
    assert fixed.sent("POST", "/rename")[0].form["invalidate"] == ["0"]


def test_an_existing_public_id_is_not_overwritten(cld: Run, fixed: Account, tmp_path: Path) -> None:
    taken = Reply(409, {"error": {"message": "to_public_id(f/new/00) already exists"}})
    fixed.server.on("POST", "/image/rename", taken)
    done = cld(*moved(fixed, tmp_path), "-F")
    assert done.code == 1 and fixed.changes == [RENAMED]
    assert "Failed renaming old/00.jpg -> new/00.jpg, error: to_public_id(f/new/00) already exists" in done.err


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (NOT_FOUND, {"public_id": "f/new/00", "etag": md5(b"content 0")}, 0),
        (NOT_FOUND, {"public_id": "f/new/00", "etag": md5(b"another")}, 1),
        (NOT_FOUND, NOT_FOUND, 1),
        ({"public_id": "f/old/00"}, {"public_id": "f/new/00", "etag": md5(b"content 0")}, 1),
    ],
    ids=["renamed", "other content", "missing", "old name exists"],
)
def test_after_a_lost_response_the_asset_itself_decides(
    cld: Run, fixed: Account, tmp_path: Path, old: Any, new: Any, code: int
) -> None:
    fixed.server.on("POST", "/image/rename", Reply(502), NOT_FOUND)
    fixed.server.on("GET", "/resources/image/upload/f/old/00", old)
    fixed.server.on("GET", "/resources/image/upload/f/new/00", new)
    done = cld(*moved(fixed, tmp_path), "-F")
    assert done.code == code and fixed.changes == [RENAMED, RENAMED], done.err
    assert ("Failed renaming" in done.err) is bool(code)


def test_an_asset_that_does_not_exist_any_more_is_a_failure(cld: Run, fixed: Account, tmp_path: Path) -> None:
    fixed.server.on("POST", "/image/rename", NOT_FOUND)
    done = cld(*moved(fixed, tmp_path), "-F")
    assert done.code == 1 and fixed.changes == [RENAMED] and "error: Resource not found" in done.err


@posix
def test_renames_that_were_not_made_before_ctrl_c_can_be_retried(fixed: Account, tmp_path: Path, cld: Run) -> None:
    gate = threading.Event()

    def slow(request: Request) -> Dict[str, Any]:
        gate.wait(20)
        return renamed(request)

    fixed.server.on("POST", "/image/rename", slow)
    command = moved(fixed, tmp_path, 8)
    process = start(*command, "-F", "-w", "2", "--report", "r.jsonl")
    wait_until(lambda: len(fixed.sent("POST", "/rename")) == 2, process)
    interrupt(process)
    gate.set()
    assert process.wait(30) == 130
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert sorted((line["status"], line["from"], line["path"]) for line in lines) == [
        *(("cancelled", f"old/0{number}.jpg", f"new/0{number}.jpg") for number in range(2, 8)),
        *(("ok", f"old/0{number}.jpg", f"new/0{number}.jpg") for number in range(2)),
    ]
    done = cld(*command, "-F", "--retry-failed", "r.jsonl")
    assert done.code == 0, done.err
    assert fixed.changes == [RENAMED] * 8
