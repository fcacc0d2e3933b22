"""`cld sync --push --backup-folder` against a sandbox in each folder mode: deleted and overwritten assets are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.bulk_processes import interrupt, start, wait_until
from test.support.cloudinary_server import Reply
from test.support.commands import Run, posix
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import Account, make, tree

PUSH = ("--push", "-F", "--backup-folder")
COPIES = "/v1_1/sandbox/image/upload"
MOVES = {"fixed": "/v1_1/sandbox/image/rename", "dynamic": "/v1_1/sandbox/resources/image/"}


def report() -> List[Dict[str, Any]]:
    return [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]


def pulled(boxed: Run, folder: str, root: Path) -> Dict[str, bytes]:
    """The content of a Cloudinary folder."""
    assert boxed(str(root), folder, "--pull", "-F").code == 0
    return tree(root)


def test_deleted_and_overwritten_assets_are_kept(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "s/gone.jpg", "s/changed.jpg", "same.jpg", "raw.txt", "note.txt")
    boxed("d", "shop", "--push")
    (tmp_path / "d/s/gone.jpg").unlink()
    (tmp_path / "d/raw.txt").unlink()
    make(tmp_path / "d", **{"s/changed.jpg": b"new", "note.txt": b"new note"})
    done = boxed("d", "shop", *PUSH, "/kept/today/", "--json", "--report", "r.jsonl")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert (summary["backed_up"], summary["synced"], summary["deleted"]) == (4, 2, 2)
    assert "Moved 2 resources to 'kept/today'" in done.err
    assert sorted((line["action"], line["path"], line["status"]) for line in report()) == [
        ("backup", "note.txt", "ok"),
        ("backup", "raw.txt", "ok"),
        ("backup", "s/changed.jpg", "ok"),
        ("backup", "s/gone.jpg", "ok"),
        ("upload", "note.txt", "ok"),
        ("upload", "s/changed.jpg", "ok"),
    ]
    assert pulled(boxed, "kept/today", tmp_path / "k") == {
        "s/gone.jpg": b"s/gone.jpg",
        "s/changed.jpg": b"s/changed.jpg",
        "raw.txt": b"raw.txt",
        "note.txt": b"note.txt",
    }
    assert pulled(boxed, "shop", tmp_path / "p") == tree(tmp_path / "d")


def test_an_asset_that_is_overwritten_because_the_server_changes_the_name_is_kept(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "s/e & f.jpg")
    boxed("d", "named", "--push")
    (tmp_path / "d/.cld-sync").unlink()
    make(tmp_path / "d", **{"s/e & f.jpg": b"new"})
    assert boxed("d", "named", "--push", "-K", "--backup-folder", "kept/named").code == 0
    found = [*pulled(boxed, "named", tmp_path / "p").values(), *pulled(boxed, "kept", tmp_path / "k").values()]
    assert {b"s/e & f.jpg", b"new"} <= set(found)


def test_an_older_backup_is_not_overwritten(boxed: Run, tmp_path: Path) -> None:
    for content in (b"first", b"second", b"third"):
        make(tmp_path / "d", **{"a.jpg": content, "other.jpg": b"other"})
        assert boxed("d", "often", *PUSH, "often-kept").code == 0
    (tmp_path / "d/a.jpg").unlink()
    assert boxed("d", "often", *PUSH, "often-kept").code == 0
    assert sorted(pulled(boxed, "often-kept", tmp_path / "k").values()) == [b"first", b"second", b"third"]


def test_a_deleted_asset_whose_public_id_an_upload_takes_is_kept(boxed: Run, tmp_path: Path) -> None:
    """In fixed mode a.jpg and a.png have the same public ID."""
    make(tmp_path / "d", "a.jpg")
    boxed("d", "taken", "--push")
    (tmp_path / "d/a.jpg").unlink()
    make(tmp_path / "d", "a.png")
    assert boxed("d", "taken", *PUSH, "taken-kept").code == 0
    assert pulled(boxed, "taken-kept", tmp_path / "k") == {"a.jpg": b"a.jpg"}


def test_each_backup_is_made_once_if_some_requests_fail(boxed: Run, server_of_mode: Any, tmp_path: Path) -> None:
    names = [f"{number}.jpg" for number in range(8)]
    make(tmp_path / "d", *names, "stays.jpg")
    boxed("d", "faults", "--push")
    for name in names[:4]:
        (tmp_path / "d" / name).unlink()
    make(tmp_path / "d", **{name: b"new " + name.encode() for name in names[4:]})
    box, mode = SandboxClient(server_of_mode), server_of_mode.settings.folder_mode
    for path in (COPIES, MOVES[mode]):
        for fault in ({"status": 500}, {"mode": "after"}, {"mode": "after", "status": 502}, {"mode": "cut"}):
            box.fault(path, 1, method="POST", **fault)
    done = boxed("d", "faults", *PUSH, "faults-kept", "-w", "2")
    assert done.code == 0 and not box.call("GET", "faults")["faults"], done.err
    assert pulled(boxed, "faults-kept", tmp_path / "k") == {name: name.encode() for name in names}


def test_without_its_backup_an_asset_is_not_overwritten(boxed: Run, server_of_mode: Any, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    boxed("d", "refused", "--push")
    make(tmp_path / "d", **{"a.jpg": b"new"})
    (tmp_path / "d/b.jpg").unlink()
    box = SandboxClient(server_of_mode)
    box.fault(COPIES, None, method="POST", status=400)
    done = boxed("d", "refused", *PUSH, "refused-kept", "--report", "r.jsonl")
    assert done.code == 1 and "Failed keeping a backup of 'a.jpg', error: " in done.err
    assert [(line["action"], line["path"], line["status"]) for line in report()] == [
        ("backup", "a.jpg", "failed"),
        ("upload", "a.jpg", "skipped"),
        ("delete", "b.jpg", "skipped"),
    ]
    assert pulled(boxed, "refused", tmp_path / "p") == {"a.jpg": b"a.jpg", "b.jpg": b"b.jpg"}
    box.clear_faults()
    assert boxed("d", "refused", *PUSH, "refused-kept", "--retry-failed", "r.jsonl").code == 0
    assert pulled(boxed, "refused-kept", tmp_path / "k") == {"a.jpg": b"a.jpg", "b.jpg": b"b.jpg"}


def test_an_asset_that_cannot_be_moved_stays(boxed: Run, server_of_mode: Any, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    boxed("d", "stays", "--push")
    (tmp_path / "d/b.jpg").unlink()
    box = SandboxClient(server_of_mode)
    box.fault(MOVES[server_of_mode.settings.folder_mode], None, method="POST", status=400)
    done = boxed("d", "stays", *PUSH, "stays-kept")
    assert done.code == 1 and "Failed keeping a backup of 'b.jpg'" in done.err
    box.clear_faults()
    assert pulled(boxed, "stays", tmp_path / "p") == {"a.jpg": b"a.jpg", "b.jpg": b"b.jpg"}


@posix
def test_after_ctrl_c_the_next_run_makes_no_second_copy(
    boxed: Run, server_of_mode: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.jpg" for number in range(6)]
    make(tmp_path / "d", *names)
    boxed("d", "stopped", "--push")
    make(tmp_path / "d", **{name: b"new " + name.encode() for name in names})
    for name, value in server_of_mode.environment(home).items():
        monkeypatch.setenv(name, value)
    box = SandboxClient(server_of_mode)
    box.fault(COPIES, 1, method="POST", skip=2, mode="after", delay=60)
    process = start("sync", "d", "stopped", *PUSH, "stopped-kept", "-w", "1", "--report", "r.jsonl")
    wait_until(lambda: len(box.requests(COPIES)) == 3, process)
    interrupt(process)
    box.clear_faults()
    assert process.wait(30) == 130
    assert [line["status"] for line in report() if line["action"] == "upload"] == ["ok"] * 2 + ["cancelled"] * 4
    assert boxed("d", "stopped", *PUSH, "stopped-kept").code == 0
    assert pulled(boxed, "stopped-kept", tmp_path / "k") == {name: name.encode() for name in names}
    assert pulled(boxed, "stopped", tmp_path / "p") == tree(tmp_path / "d")


def test_moved_assets_count_for_max_delete(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    boxed("d", "limit", "--push")
    (tmp_path / "d/b.jpg").unlink()
    done = boxed("d", "limit", *PUSH, "limit-kept", "--max-delete", "0")
    assert done.code == 1 and "1 files would be deleted, more than --max-delete 0 allows" in done.err


@pytest.mark.parametrize(("synced", "kept"), [("a/b", "a/b"), ("a/b", "a/b/c"), ("a/b", "/a/"), ("/", "a"), ("a", "/")])
def test_a_backup_folder_that_a_sync_would_empty_is_refused(
    invoke: Run, account: Account, tmp_path: Path, synced: str, kept: str
) -> None:
    make(tmp_path / "d", "a.jpg")
    done = invoke("-c", account.config_url(), "sync", "d", synced, "--push", "--backup-folder", kept)
    assert done.code == 1 and "overlap" in done.err and not account.server.requests


def test_the_folder_beside_with_a_longer_name_is_allowed(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    assert sync("--push", "--backup-folder", "f-old").code == 0


def test_a_copy_with_other_content_is_no_backup(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"a.jpg": b"new"})
    account.add("a", b"old", public_id="a1")
    account.server.on("POST", "/image/upload", {"public_id": "copy", "etag": "0" * 32})
    done = sync("--push", "--backup-folder", "k")
    assert done.code == 1 and "the copy has another etag than the asset" in done.err
    assert not account.sent("POST", "/auto/upload")


def test_the_question_says_where_the_assets_are_moved(cld: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x", public_id="x1")
    account.server.on("POST", "/x1", Reply(200, {"public_id": "x1"}))
    arguments = ("-c", account.config_url(), "sync", "d", "f", "--push", "--backup-folder", "k")
    done = cld(*arguments, input="y\n")
    assert "will move 1 remote files of Cloudinary folder 'f' of cloud 'demo' to 'k'. They are" in done.err
    assert "[y]es: move them and continue." in done.err
    assert done.code == 0 and account.sent("POST", "/x1")[0].json == {"asset_folder": "k"}
    assert not account.sent("DELETE")


def test_each_direction_has_its_own_option(sync: Run, account: Account) -> None:
    done = sync("--push", "--backup-dir", "k")
    assert done.code == 1 and "With --push, use --backup-folder FOLDER." in done.err
    done = sync("--pull", "--backup-folder", "k")
    assert done.code == 1 and "With --pull, use --backup-dir DIR." in done.err
    assert not account.server.requests
