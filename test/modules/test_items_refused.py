"""Files of --items that cannot be used: an error with the number of the line, before anything is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from cloudinary_cli.transfer.engine import plan_file
from test.support.bulk_processes import start
from test.support.commands import Run, posix
from test.support.peak_memory import peak_kib
from test.support.plans import Line, changes, lines_of, write_lines
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make

GOOD: Line = {"action": "upload", "path": "a.jpg", "status": "planned", "folder_mode": "fixed", "folder": "f"}
DELETION: Line = {"action": "delete", "path": "a.jpg", "bytes": 5, "mtime_ns": 1}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("{", "it is not a JSON object"),
        ("[]", "it is not a JSON object"),
        ("\xff", "it is not a JSON object"),
        ("[" * 5000, "it is not a JSON object"),
        ({**GOOD, "status": "ok"}, "its status is 'ok', so it is from the report of a run"),
        ({**GOOD, "status": 1}, "its 'status' is not text"),
        ({**GOOD, "path": ""}, "its 'path' is not text"),
        ({"path": "a.jpg"}, "its 'action' is not text"),
        ({**GOOD, "action": "download"}, "its action is 'download', and this run only knows: upload, delete"),
        ({**GOOD, "path": "../a.jpg"}, "its name leads out of the folder"),
        ({**GOOD, "path": "/etc/passwd"}, "its name leads out of the folder"),
        ({**GOOD, "bytes": "5"}, "its 'bytes' is not a whole number"),
        ({**GOOD, "folder_mode": "flat"}, "its 'folder_mode' is 'flat'"),
        ({**GOOD, "folder": "g"}, "its folder 'g' is not in 'f'"),
        ({**GOOD, "folder": "folder"}, "its folder 'folder' is not in 'f'"),
        ({**GOOD, "replaces": True}, "its 'public_id' is not text"),
        ({**GOOD, "cloud": "other"}, "it is for the cloud 'other', and this run changes the cloud 'sandbox'"),
        (DELETION, "its 'public_id' is not text"),
    ],
)
def test_a_malformed_line_is_named_and_nothing_is_changed(
    line: Any, text: str, invoke: Run, env: Dict[str, str], box: SandboxClient
) -> None:
    make("d", "a.jpg", "b.jpg")
    bad = line if isinstance(line, str) else json.dumps(line)
    content = json.dumps(GOOD) + "\n\n" + bad + "\n" + json.dumps({**GOOD, "path": "b.jpg"}) + "\n"
    Path("plan.jsonl").write_bytes(content.encode("latin-1"))
    done = invoke("sync", "d", "f", "--push", "-F", "--items", "plan.jsonl", "--include", "*.jpg", env=env)
    assert done.code == 1 and f"Line 3 of plan.jsonl cannot be used: {text}" in done.err, done.err
    assert "Nothing was changed." in done.err and changes(box) == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (GOOD, "its action is 'upload', and this run only knows: download, delete"),
        ({**DELETION, "public_id": "x", "mtime_ns": None}, "it has no 'bytes' and 'mtime_ns' of a local file"),
        ({**DELETION, "path": "../a.jpg"}, "its name leads out of the folder"),
        ({"action": "download", "path": "s/../../a.jpg", "public_id": "a"}, "its name leads out of the folder"),
    ],
)
def test_a_plan_of_another_direction_is_refused(line: Line, text: str, invoke: Run, env: Dict[str, str]) -> None:
    make("d", "a.jpg")
    write_lines("plan.jsonl", [line])
    done = invoke("sync", "d", "f", "--pull", "-F", "--items", "plan.jsonl", env=env)
    assert done.code == 1 and f"Line 1 of plan.jsonl cannot be used: {text}" in done.err, done.err
    assert Path("d/a.jpg").exists()


def test_a_local_file_behind_a_link_is_not_deleted(invoke: Run, env: Dict[str, str], tmp_path: Path) -> None:
    make("outside", "a.jpg")
    make("d")
    Path("d/link").symlink_to(tmp_path / "outside")
    info = Path("outside/a.jpg").stat()
    line = {"action": "delete", "path": "link/a.jpg", "bytes": info.st_size, "mtime_ns": info.st_mtime_ns}
    write_lines("plan.jsonl", [line])
    done = invoke("sync", "d", "f", "--pull", "-F", "--items", "plan.jsonl", env=env)
    assert "a link leads out of the folder" in done.err and Path("outside/a.jpg").exists()


@pytest.mark.parametrize(("name", "text"), [("none.jsonl", "No such file"), (".", "Is a directory|Permission")])
def test_an_unreadable_file_is_an_error(name: str, text: str, invoke: Run, env: Dict[str, str]) -> None:
    make("d", "a.jpg")
    Path("r.jsonl").touch()
    done = invoke("upload_dir", "d", "--items", name, "--report", "r.jsonl", env=env)
    assert done.code == 1 and f"Cannot read the --items file {name}" in done.err
    assert any(part in done.err for part in text.split("|"))


def test_the_report_must_be_another_file(invoke: Run, env: Dict[str, str]) -> None:
    make("d", "a.jpg")
    write_lines("plan.jsonl", [GOOD])
    done = invoke("sync", "d", "f", "--push", "--items", "plan.jsonl", "--report", "./plan.jsonl", env=env)
    assert done.code == 1 and "--items and --report are the same file" in done.err
    assert lines_of("plan.jsonl") == [GOOD]


@posix
def test_the_report_must_not_be_the_file_that_stdin_reads() -> None:
    make("d", "a.jpg")
    write_lines("plan.jsonl", [GOOD])
    words = ("sync", "d", "f", "--push", "--items", "-", "--report", "plan.jsonl")
    with open("plan.jsonl") as plan:
        process = start("-c", "cloudinary://k:s@sandbox", *words, stdin=plan)
    assert process.wait(60) == 1 and "--items and --report are the same file" in Path("err").read_text()


def test_a_line_without_an_end_is_refused(invoke: Run, env: Dict[str, str]) -> None:
    make("d", "a.jpg")
    Path("plan.jsonl").write_text(json.dumps({**GOOD, "filename": "x" * plan_file.LONGEST_LINE_BYTES}))
    done = invoke("sync", "d", "f", "--push", "--items", "plan.jsonl", env=env)
    assert done.code == 1 and "Line 1 of plan.jsonl cannot be used: it is not a JSON object" in done.err


def test_memory_does_not_grow_with_the_plan(env: Dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    make("d", "0.jpg")
    peaks: List[int] = []
    for count in (100, 60_000):
        write_lines("plan.jsonl", [{**GOOD, "path": f"{number}.jpg"} for number in range(count)])
        peaks.append(peak_kib("sync", "d", "f", "--push", "--items", "plan.jsonl", "--include", "0.jpg"))
    # In memory, 60,000 parsed lines would take more than 30 MiB.
    assert peaks[1] - peaks[0] < 8 * 1024, peaks


@pytest.mark.parametrize(
    "words",
    [
        ["--push", "--items", "plan.jsonl", "--track-renames"],
        ["--push", "--items", "plan.jsonl", "--backup-folder", "old"],
        ["--pull", "--items", "plan.jsonl", "--backup-dir", "old"],
        ["--push", "--dry-run", "--report", "plan.jsonl", "--track-renames"],
        ["--pull", "--dry-run", "--report", "plan.jsonl", "--backup-dir", "old"],
    ],
)
def test_a_plan_has_no_renames_and_no_backups(
    words: List[str], invoke: Run, env: Dict[str, str], box: SandboxClient, tmp_path: Path
) -> None:
    make("d", "a.jpg")
    done = invoke("sync", "d", "f", *words, env=env)
    assert done.code == 1
    assert "A plan (--dry-run --report, --items) has no renames and no backups." in done.err
    assert not changes(box) and not (tmp_path / "plan.jsonl").exists()
