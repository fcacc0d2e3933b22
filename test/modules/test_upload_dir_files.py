"""`cld upload_dir`: which files of the directory are uploaded."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cloudinary_cli.transfer.upload_dir import glob_pattern
from test.support.cloudinary_server import CloudinaryServer
from test.support.commands import Run, posix
from test.support.sync_account import make
from test.support.upload_requests import sent, uploads


@pytest.mark.parametrize(
    ("glob", "text"),
    [
        ("../x/*", "leads out of the directory"),
        ("s/../../x/*", "leads out of the directory"),
        ("/x/*", "is absolute"),
        ("", "is empty"),
        ("./", "is empty"),
        ("[z-a]", "cannot be used"),
    ],
)
def test_an_unusable_glob_is_refused(server: CloudinaryServer, up: Run, glob: str, text: str) -> None:
    make("d", "a.jpg")
    make("x", "secret.jpg")
    done = up("d", "-g", glob)
    assert done.code == 1 and text in done.err and "Traceback" not in done.err and server.requests == []


GLOBS = [
    "**/*", "*", "*.jpg", "**/*.jpg", "s/*", "s/**/*", "*/*.jpg", "**/t/*", "?.jpg", "[ab].jpg", "[!a]*", "s/t/c.jpg",
    "./*.jpg", "**/**/*.jpg", "s//a.jpg", "**/s/**/*.jpg", "a.jpg", "no*", "*.[jp][pn]g", "{a,b}.jpg", "a+.jpg", "*/",
]  # fmt: skip


@pytest.mark.parametrize("glob", GLOBS)
def test_globs_find_what_pathlib_finds(glob: str) -> None:
    make(
        "d",
        "a.jpg",
        "b.png",
        "ab.jpg",
        "a+.jpg",
        "aa.jpg",
        "s/a.jpg",
        "s/t/c.jpg",
        "u/t/d.jpg",
        "{a,b}.jpg",
        "s/s/x.jpg",
    )
    files = [path for path in Path("d").rglob("*") if path.is_file()]
    pattern = glob_pattern(glob)
    found = {path.relative_to("d").as_posix() for path in files if pattern.match(path.relative_to("d").as_posix())}
    expected = {path.relative_to("d").as_posix() for path in Path("d").glob(glob) if path.is_file()}
    if glob == "*/":  # Python 3.11 and later find only directories, earlier versions everything
        expected = found
    assert found == expected


def test_two_stars_at_the_end_match_everything_below() -> None:
    assert all(glob_pattern("**").match(name) for name in ("a", "s/a"))
    assert glob_pattern("s/**").match("s/t/a") and not glob_pattern("s/**").match("t/a")
    assert glob_pattern("a**b").match("axb") and not glob_pattern("a**b").match("a/b")


def test_hidden_files_and_directories_only_when_asked_for(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg", ".git/x.jpg", "s/.h/y.jpg", "s/.z.jpg", ".cld-sync", "s/.cld-sync")
    assert up("d", "-w", "1").code == 0 and sent(server) == ["d/a.jpg"]
    assert up("d", "-g", ".git/*").code == 0 and len(uploads(server)) == 1
    assert up("d", "-H", "-w", "1").code == 0
    assert sent(server)[1:] == ["d/.git/x.jpg", "d/a.jpg", "d/s/.h/y.jpg", "d/s/.z.jpg"]


@posix
def test_broken_links_and_pipes_are_skipped_and_linked_files_are_uploaded(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg", "s/c.txt")
    make("outside", "o.jpg")
    os.symlink("/nonexistent", "d/broken.jpg")
    os.symlink("/nonexistent", "d/broken.txt")
    os.symlink("../outside", "d/linked")
    os.symlink("../outside/o.jpg", "d/l.jpg")
    os.mkfifo("d/pipe.jpg")
    done = up("d", "-g", "**/*.jpg", "-w", "1", "--report", "r.jsonl")
    assert done.code == 1 and sent(server) == ["d/a.jpg", "d/l.jpg"]
    assert "'broken.jpg' is skipped: it is a broken link" in done.err and "broken.txt" not in done.err
    assert "'pipe.jpg' is skipped: it is a named pipe" in done.err
    assert "2 resources uploaded" in done.err and "warning: 2 items skipped" in done.err
    assert len(Path("r.jsonl").read_text().splitlines()) == 4


def test_a_missing_directory_and_an_empty_directory(server: CloudinaryServer, up: Run, tmp_path: Path) -> None:
    done = up("nowhere")
    assert done.code == 1 and f"error: Directory: {tmp_path / 'nowhere'} does not exist" in done.err
    Path("d").mkdir()
    done = up("d", "--json")
    assert done.code == 0 and "No file of" in done.err and json.loads(done.out)["uploaded"] == 0


def test_files_are_uploaded_and_reported_in_sorted_order(server: CloudinaryServer, up: Run) -> None:
    names = [f"{chr(97 + number % 5)}/{(number * 7) % 40:02}.jpg" for number in range(40)]
    make("d", *names)
    told = []
    for _ in range(2):
        done = up("d", "-w", "8")
        told.append([line.split()[2] for line in done.err.splitlines() if line.startswith("Successfully")])
    assert told[0] == told[1] and [path.split("/d/")[1] for path in told[0]] == sorted(names)


def test_dry_run_filters_and_shards(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg", "b.png", "tmp/c.jpg", "s/d.jpg")
    done = up("d", "-f", "g", "--exclude", "tmp/", "--include", "*.jpg", "--exclude", "**", "--dry-run", "--json")
    assert done.code == 0 and json.loads(done.out)["would_upload"] == 2 and not uploads(server)
    assert done.err.splitlines()[-2:] == ["a.jpg into g/d", "s/d.jpg into g/d/s"]
    for part in (1, 2):
        assert up("d", "--shard", f"{part}/2").code == 0
    assert sorted(sent(server)) == ["d/a.jpg", "d/b.png", "d/s/d.jpg", "d/tmp/c.jpg"]
