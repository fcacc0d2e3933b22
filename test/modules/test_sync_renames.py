"""`cld sync --push --track-renames` against a sandbox in each folder mode."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.commands import Run
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make, tree

FILES = 60
UPLOADS = "/v1_1/sandbox/auto/upload"


def is_dynamic(server: Any) -> bool:
    return bool(server.settings.folder_mode == "dynamic")


def rename_path(server: Any) -> str:
    """The path of the requests that rename images."""
    return "/v1_1/sandbox/resources/image/" if is_dynamic(server) else "/v1_1/sandbox/image/rename"


def report(name: str = "r.jsonl") -> List[Dict[str, Any]]:
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def changing_requests(box: SandboxClient) -> List[str]:
    """The methods and paths of the requests that upload, rename or delete."""
    found = [f"{entry['method']} {entry['path']}" for entry in box.requests("/v1_1/sandbox/")]
    return [entry for entry in found if not entry.startswith("GET") and not entry.endswith("/search")]


def test_a_moved_directory_is_renamed_without_uploads_and_deletions(
    boxed: Run, server_of_mode: Any, tmp_path: Path
) -> None:
    make(tmp_path / "d", *(f"old/{number:03}.jpg" for number in range(FILES)))
    assert boxed("d", "moved", "--push", "--report", "r.jsonl").code == 0
    old_urls = [line["url"] for line in report()]
    (tmp_path / "d/old").rename(tmp_path / "d/new")

    box = SandboxClient(server_of_mode)
    box.reset()
    done = boxed("d", "moved", "--push", "-F", "--track-renames", "--max-delete", "0", "--json", "--report", "r.jsonl")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert (summary["renamed"], summary["synced"], summary["deleted"]) == (FILES, 0, 0)
    assert "Renamed old/000.jpg -> new/000.jpg" in done.err and f"Renamed| {FILES}" in done.err
    assert len(changing_requests(box)) == FILES and not box.requests(UPLOADS)
    assert {(line["action"], line["status"]) for line in report()} == {("rename", "ok")}
    assert all(line["from"] == line["path"].replace("new/", "old/") and line["public_id"] for line in report())
    assert all(status_of(line["url"]) == 200 for line in report())
    if is_dynamic(server_of_mode):
        assert all(status_of(url) == 200 for url in old_urls)

    assert f"Skipping {FILES} items" in boxed("d", "moved", "--push").err
    assert boxed("p", "moved", "--pull").code == 0
    assert tree(tmp_path / "p") == tree(tmp_path / "d")


def test_every_rename_is_made_once_if_some_requests_fail(boxed: Run, server_of_mode: Any, tmp_path: Path) -> None:
    """The rename of a lost response was made: its repetition is neither an error nor a second rename."""
    make(tmp_path / "d", *(f"old/{number}.jpg" for number in range(10)))
    boxed("d", "faulty", "--push")
    (tmp_path / "d/old").rename(tmp_path / "d/new")
    box = SandboxClient(server_of_mode)
    for fault in (
        {"status": 500},
        {"mode": "after"},
        {"mode": "after", "status": 502},
        {"mode": "reset"},
        {"mode": "cut"},
    ):
        box.fault(rename_path(server_of_mode), 1, method="POST", skip=1, **fault)
    done = boxed("d", "faulty", "--push", "-F", "--track-renames", "--json", "-w", "3")
    assert done.code == 0 and not box.call("GET", "faults")["faults"], done.err
    assert (json.loads(done.out)["renamed"], json.loads(done.out)["failed"]) == (10, 0)
    again = boxed("d", "faulty", "--push")
    assert "Skipping 10 items" in again.err and "Found 10 items in Cloudinary folder" in again.err


def test_a_failed_rename_prevents_the_deletions_and_is_retried_as_a_rename(
    boxed: Run, server_of_mode: Any, tmp_path: Path
) -> None:
    make(tmp_path / "d", "a.jpg", "gone.jpg", "kept.jpg")
    boxed("d", "failing", "--push")
    (tmp_path / "d/a.jpg").rename(tmp_path / "d/b.jpg")
    (tmp_path / "d/gone.jpg").unlink()
    box = SandboxClient(server_of_mode)
    box.fault(rename_path(server_of_mode), None, method="POST", status=400)
    done = boxed("d", "failing", "--push", "-F", "--track-renames", "--report", "r.jsonl")
    assert done.code == 1 and "Failed renaming a.jpg -> b.jpg, error: " in done.err
    assert [(line["path"], line["status"], line.get("from")) for line in report()] == [
        ("b.jpg", "failed", "a.jpg"),
        ("gone.jpg", "skipped", None),
    ]
    box.clear_faults()
    box.call("DELETE", "requests")
    done = boxed("d", "failing", "--push", "-F", "--track-renames", "--retry-failed", "r.jsonl", "--json")
    assert done.code == 0 and (json.loads(done.out)["renamed"], json.loads(done.out)["deleted"]) == (1, 1)
    assert not box.requests(UPLOADS) and "Skipping 2 items" in boxed("d", "failing", "--push").err


def test_files_with_equal_content_are_uploaded_because_their_old_names_are_unknown(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"a.jpg": b"same", "b.jpg": b"same", "c.jpg": b"other"})
    boxed("d", "ambiguous", "--push")
    for name in "abc":
        (tmp_path / f"d/{name}.jpg").rename(tmp_path / f"d/{name}{name}.jpg")
    done = boxed("d", "ambiguous", "--push", "-F", "--track-renames", "--json")
    assert "2 files are not tracked as renames, because several files or assets have their content." in done.err
    summary = json.loads(done.out)
    assert (summary["renamed"], summary["synced"], summary["deleted"]) == (1, 2, 2)


def test_a_new_file_under_the_old_name_and_swapped_names_have_the_right_content(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "x.jpg", "y.jpg", "c1.jpg", "c2.jpg")
    boxed("d", "chains", "--push")
    contents = {"a.jpg": b"new a", "b.jpg": b"a.jpg", "x.jpg": b"y.jpg", "y.jpg": b"x.jpg"}
    (tmp_path / "d/c1.jpg").unlink()
    make(tmp_path / "d", **{**contents, "c2.jpg": b"c1.jpg", "c3.jpg": b"c2.jpg"})  # c1 -> c2 -> c3
    assert boxed("d", "chains", "--push", "-F", "--track-renames").code == 0
    assert boxed("p", "chains", "--pull").code == 0
    assert tree(tmp_path / "p") == tree(tmp_path / "d")


def test_an_upload_does_not_overwrite_an_asset_that_is_renamed(boxed: Run, tmp_path: Path) -> None:
    """In fixed mode a.jpg and a.png have one public ID. An upload must not overwrite an asset that is renamed."""
    make(tmp_path / "d", "a.jpg", "y.png", "z.png")
    boxed("d", "blocked", "--push")
    (tmp_path / "d/a.jpg").rename(tmp_path / "d/x.jpg")
    (tmp_path / "d/y.png").rename(tmp_path / "d/a.png")
    assert boxed("d", "blocked", "--push", "-F", "--track-renames").code == 0
    assert "Skipping 3 items" in boxed("d", "blocked", "--push").err
    assert boxed("p", "blocked", "--pull").code == 0
    assert tree(tmp_path / "p") == tree(tmp_path / "d")


def test_renamed_files_of_each_kind_are_in_sync_afterwards(boxed: Run, tmp_path: Path) -> None:
    """Raw files, names that the server changes, and the root of the folder."""
    make(tmp_path / "d", "s/notes.txt", "s/LICENSE", "s/c.mp4", "s/e & f.jpg", "s/photo.JPEG", "top.jpg", "s/a.b.zip")
    boxed("d", "kinds", "--push")
    moves = {
        "s/notes.txt": "t/letter.txt",
        "s/LICENSE": "COPYING",
        "s/c.mp4": "c.mp4",
        "s/e & f.jpg": "t/g & h.jpg",
        "s/photo.JPEG": "t/picture.jpg",
        "top.jpg": "t/below.jpg",
        "s/a.b.zip": "s/c.d.zip",
    }
    (tmp_path / "d/t").mkdir()
    for old, new in moves.items():
        (tmp_path / "d" / old).rename(tmp_path / "d" / new)
    done = boxed("d", "kinds", "--push", "-F", "--track-renames", "--json")
    assert done.code == 0, done.err
    assert (json.loads(done.out)["renamed"], json.loads(done.out)["synced"]) == (len(moves), 0)
    assert json.loads((tmp_path / "d/.cld-sync").read_text()) == {"t/g & h.jpg": "t/g _ h.jpg"}
    assert f"Skipping {len(moves)} items" in boxed("d", "kinds", "--push").err
    (tmp_path / "d/.cld-sync").unlink()
    assert boxed("p", "kinds", "--pull").code == 0
    assert sorted(tree(tmp_path / "p").values()) == sorted(tree(tmp_path / "d").values())


def test_a_file_in_another_format_is_uploaded(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    boxed("d", "format", "--push")
    (tmp_path / "d/a.jpg").rename(tmp_path / "d/b.png")
    done = boxed("d", "format", "--push", "-F", "--track-renames", "--json")
    assert (json.loads(done.out)["renamed"], json.loads(done.out)["synced"]) == (0, 1)


def test_both_names_have_to_be_selected(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "s/a.jpg")
    boxed("d", "selected", "--push")
    (tmp_path / "d/s").rename(tmp_path / "d/t")
    done = boxed("d", "selected", "--push", "-F", "--track-renames", "--include", "t/", "--json")
    assert (json.loads(done.out)["renamed"], json.loads(done.out)["synced"], json.loads(done.out)["deleted"]) == (
        0,
        1,
        0,
    )


def test_a_dry_run_shows_the_renames(boxed: Run, server_of_mode: Any, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    boxed("d", "dry", "--push", "--report", "r.jsonl")
    (tmp_path / "d/a.jpg").rename(tmp_path / "d/b.jpg")
    box = SandboxClient(server_of_mode)
    box.reset()
    done = boxed("d", "dry", "--push", "--track-renames", "--dry-run", "--json")
    assert done.code == 0 and "Would rename a.jpg -> b.jpg" in done.err and not changing_requests(box)
    assert ("1 assets would get a new public ID and a new URL." in done.err) is not is_dynamic(server_of_mode)
    plan = json.loads(done.out)["plan"]
    assert plan["rename"] == [{"from": "a.jpg", "path": "b.jpg", "public_id": report()[0]["public_id"]}]
    assert plan["upload"] == plan["delete"] == []


@pytest.mark.parametrize("direction", ["--push", "--pull"])
def test_keep_unique_and_track_renames_contradict_each_other(boxed: Run, direction: str) -> None:
    done = boxed("d", "keep", direction, "-K", "--track-renames")
    assert done.code == 1 and "--track-renames renames nothing with --keep-unique (-K)" in done.err
