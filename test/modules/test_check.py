"""`cld check` end to end: the lines, the summary, the exit status and JSON, against a scripted account."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import unicodedata
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.bulk_processes import start, wait_until
from test.support.cloudinary_server import Reply
from test.support.commands import Run, linux, posix
from test.support.other_user import other_user
from test.support.sync_account import Account, make, md5, tree

NFC = "caf\u00e9"
NFD = unicodedata.normalize("NFD", NFC)


def test_each_kind_of_line_sorted_by_path(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "equal.jpg", "local.jpg", **{"content.jpg": b"1", "size.jpg": b"22", "no-etag.jpg": b"2"})
    account.add("equal", b"equal.jpg")
    account.add("content", b"2")
    account.add("size", b"1")
    account.add("no-etag", b"2", etag="")
    account.add("remote", asset_folder="f/s")
    before = tree(tmp_path / "d")
    done = check()
    assert done.code == 1 and done.out.splitlines() == [
        "* content.jpg",
        "= equal.jpg",
        "+ local.jpg",
        "! no-etag.jpg",
        "- s/remote.jpg",
        "* size.jpg",
    ]
    assert "error: 'no-etag.jpg' cannot be compared: the asset has no etag.\n" in done.err
    assert done.err.endswith(
        "error: Checked 6 items: 1 equal, 2 different, 1 only in 'd', 1 only in Cloudinary folder 'f', 1 not compared.\n"
    )
    assert account.changes == [] and tree(tmp_path / "d") == before


def test_equal_folders_succeed(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "s/b.JPG")
    account.add("a", b"a.jpg")
    account.add("b", b"s/b.JPG", asset_folder="f/s")
    done = check()
    assert done.code == 0 and done.out == "= a.jpg\n= s/b.JPG\n"
    assert done.err.endswith("Checked 2 items: 2 equal.\n") and "error" not in done.err


def test_two_empty_folders_are_equal(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    done = check()
    assert done.code == 0 and done.out == "" and done.err.endswith("Checked 0 items: nothing to compare.\n")


def test_one_way_ignores_what_is_only_in_cloudinary(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("a", b"a.jpg")
    account.add("more")
    done = check("--one-way")
    assert done.code == 0 and done.out == "= a.jpg\n" and "1 only in Cloudinary folder 'f'" in done.err
    make(tmp_path / "d", "new.jpg")
    done = check("--one-way")
    assert done.code == 1 and done.out == "= a.jpg\n+ new.jpg\n"


def test_json_lines_have_what_is_known_about_both_sides(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "equal.jpg", "local.jpg", **{"size.jpg": b"22"})
    account.add("equal", b"equal.jpg", public_id="p1")
    account.add("size", b"1", public_id="p2")
    account.add("remote", b"1", public_id="p3")
    done = check("--json")
    equal, local, remote, size = map(json.loads, done.out.splitlines())
    kind = {"resource_type": "image", "type": "upload"}
    etag = md5(b"equal.jpg")
    assert done.code == 1
    assert equal == {
        "path": "equal.jpg",
        "status": "equal",
        "local": {"bytes": 9, "etag": etag},
        "remote": {"bytes": 9, "etag": etag, "public_id": "p1", **kind},
        "error": None,
    }
    assert (local["status"], local["local"], local["remote"]) == ("local_only", {"bytes": 9, "etag": None}, None)
    assert (remote["status"], remote["local"], remote["remote"]["public_id"]) == ("remote_only", None, "p3")
    assert (size["status"], size["local"]["etag"], size["remote"]["bytes"]) == ("different", None, 1)


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_control_characters_of_names_are_escaped(check: Run, account: Account, tmp_path: Path, args: Any) -> None:
    make(tmp_path / "d", "a\x1b[2J\n.jpg")
    account.add("b\x1b[31m\r")
    account.add("c\ud800", b"c")
    done = check(*args)
    assert done.code == 1 and "\x1b" not in done.text and len(done.out.splitlines()) == 3
    if not args:
        assert done.out == "! a\\x1b[2J\\n.jpg\n- b\\x1b[31m\\r.jpg\n- c\\ud800.jpg\n"
    else:
        names = {"a\x1b[2J\n.jpg", "b\x1b[31m\r.jpg", "c\ud800.jpg"}
        assert {json.loads(line)["path"] for line in done.out.splitlines()} == names


# -- what cannot be compared


@linux
def test_an_unreadable_file_is_an_error_of_that_file(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "b.jpg")
    # A file that stat() describes and nobody can read at its beginning: proc(5).
    (tmp_path / "d/a.jpg").symlink_to("/proc/self/mem")
    account.add("a", bytes=0)
    account.add("b", b"b.jpg")
    done = check()
    assert done.code == 1 and done.out == "! a.jpg\n= b.jpg\n"
    assert "error: 'a.jpg' cannot be compared: it cannot be read: Input/output error.\n" in done.err


@posix
def test_a_broken_link_is_reported_once_and_a_pipe_is_a_warning(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    (tmp_path / "d/a.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "d/pipe")
    account.add("a")
    done = check()
    assert done.code == 1 and done.out == "! a.jpg\n"
    assert "'a.jpg' cannot be compared: it is a broken link." in done.err
    assert "warning: 'pipe' is skipped: it is a named pipe." in done.err


@posix
def test_the_assets_of_an_unreadable_directory_are_not_reported_as_missing(account: Account, invoke: Run) -> None:
    with tempfile.TemporaryDirectory() as directory:  # only their owner can enter the directories of pytest
        root = make(Path(directory) / "d", "shut/a.jpg", "b.jpg")
        Path(directory).chmod(0o755)
        (root / "shut").chmod(0)
        account.add("a", asset_folder="f/shut")
        account.add("b", b"b.jpg")
        account.add("c")
        try:
            with other_user():
                done = invoke("-c", account.config_url(), "check", str(root), "f")
        finally:
            (root / "shut").chmod(0o700)
    assert done.code == 1 and done.out == "= b.jpg\n- c.jpg\n! shut/\n! shut/a.jpg\n"


# -- what is listed


@pytest.mark.parametrize(("here", "there"), [(NFD, NFC), (NFC, NFD)])
def test_two_normal_forms_of_a_name_are_equal(
    check: Run, account: Account, tmp_path: Path, here: str, there: str
) -> None:
    make(tmp_path / "d", **{f"{here}/{here}.jpg": b"same"})
    account.add(there, b"same", asset_folder=f"f/{there}")
    done = check()
    assert done.code == 0 and done.out == f"= {here}/{here}.jpg\n"


def test_hidden_files_and_assets_are_compared_only_on_request(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", ".h.jpg", ".git/config")
    account.add("a", b"a.jpg")
    account.add(".env")
    done = check()
    assert done.code == 0 and done.out == "= a.jpg\n" and "1 hidden assets are ignored." in done.err
    done = check("-H")
    assert done.code == 1 and done.out == "- .env.jpg\n+ .git/config\n+ .h.jpg\n= a.jpg\n"


def test_include_exclude_and_shards_select_on_both_sides(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg", "tmp/c.jpg")
    account.add("b", b"b.jpg")
    account.add("old", asset_folder="f/tmp")
    assert check("--exclude", "tmp/").out == "+ a.jpg\n= b.jpg\n"
    lines: List[str] = []
    for number in (1, 2, 3):
        lines += check("--shard", f"{number}/3").out.splitlines()
    assert sorted(lines) == ["+ a.jpg", "+ tmp/c.jpg", "- tmp/old.jpg", "= b.jpg"]


@posix
def test_another_name_of_a_file_on_this_disk_is_the_same_file(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"photos/img.jpg": b"same", "a.jpg": b"a"})
    (tmp_path / "d/Photos").symlink_to("photos")
    account.add("img", b"same", asset_folder="f/Photos")
    done = check()
    assert done.code == 1 and done.out == "+ a.jpg\n= photos/img.jpg\n"


def test_names_of_the_name_map_and_duplicates_are_matched_as_in_sync(
    check: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", **{"e & f.jpg": b"1", "x.jpg": b"2", "x (1).jpg": b"3"})
    (tmp_path / "d/.cld-sync").write_text('{"e & f.jpg": "e _ f.jpg"}')
    account.add("e _ f", b"1")
    account.add("x", b"3")
    account.add("x", b"2")
    account.add("x", b"4")
    done = check()
    assert done.out == "= e & f.jpg\n= x (1).jpg\n- x (2).jpg\n= x.jpg\n"
    assert "contains 1 duplicate asset names" in done.err


# -- what cannot be listed


def test_a_truncated_listing_is_an_error_without_any_line(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    found: Dict[str, Any] = {"total_count": 2, "resources": [account.add("a", b"a.jpg")]}
    account.server.on("POST", "/resources/search", found)
    done = check()
    assert done.code == 1 and done.out == ""
    assert (
        "the listing is incomplete: 1 of 2 assets" in done.err and len(account.sent("POST", "/resources/search")) == 3
    )


def test_an_incomplete_listing_is_fetched_again(check: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    one, two = account.add("a", b"a.jpg"), account.add("b", b"b.jpg")
    short, whole = {"total_count": 2, "resources": [one]}, {"total_count": 2, "resources": [one, two]}
    account.server.on("POST", "/resources/search", short, whole)
    done = check()
    assert done.code == 0 and done.out == "= a.jpg\n= b.jpg\n"


@pytest.mark.parametrize(("status", "code"), [(500, 7), (401, 4), (400, 1)])
def test_a_failed_listing_has_another_detailed_exit_status_than_a_difference(
    check: Run, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    make(tmp_path / "d", "a.jpg")
    monkeypatch.setenv("CLOUDINARY_CLI_EXIT_CODES", "detailed")
    assert check().code == 8
    account.server.on("POST", "/resources/search", Reply(status, {"error": {"message": "no"}}))
    done = check()
    assert done.code == code and done.out == ""


@posix
def test_ctrl_c_during_the_listing_ends_at_once(account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.server.on("POST", "/resources/search", Reply(delay=20))
    process = start("-c", account.config_url(), "check", "d", "f")
    wait_until(lambda: account.sent("POST", "/resources/search"), process)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130 and "Traceback" not in Path("err").read_text()


def test_missing_folders_are_errors(check: Run, account: Account, tmp_path: Path) -> None:
    done = check()
    assert done.code == 1 and done.err == "error: The local folder 'd' does not exist. Check its name.\n"
    make(tmp_path / "d", "a.jpg")
    account.server.on("POST", "/folders/search", {"total_count": 0})
    done = check()
    assert done.code == 1 and done.out == "" and "error: The Cloudinary folder 'f' does not exist." in done.err


def test_swapped_arguments_are_noticed(invoke: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    done = invoke("-c", account.config_url(), "check", "f", "d")
    assert done.code == 1 and "The local folder comes first: cld check d f" in done.err
    assert not account.server.requests
