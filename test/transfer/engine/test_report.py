"""The file of --report, and the shared options."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any, List, Tuple

import click
import pytest
from click.testing import CliRunner

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError
from cloudinary_cli.modules.selection_options import TransferCommand, selection_options
from cloudinary_cli.modules.transfer_options import run_options, take_options
from cloudinary_cli.progress import Progress
from cloudinary_cli.transfer.engine.records import Outcome, Status
from cloudinary_cli.transfer.engine.report import Reporter, report_file
from test.support.commands import posix


def test_the_report_is_json_lines_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with report_file(str(path)) as record:
        record(
            Outcome("upload", "a\udce9", Status.OK, public_id="p", url="u", etag="e", size=3, response={"secret": 1})
        )
        (line,) = path.read_text().splitlines()  # before the end of the run
        record(Outcome("upload", "b", Status.FAILED, "no"))
    assert json.loads(line) == {
        "action": "upload",
        "path": "a\udce9",
        "status": "ok",
        "error": None,
        "public_id": "p",
        "url": "u",
        "etag": "e",
        "bytes": 3,
    }
    assert json.loads(path.read_text().splitlines()[1])["error"] == "no"


def test_a_report_is_kept_if_the_run_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("old\n")
    with pytest.raises(CliError), report_file(str(path)):
        raise CliError("no response to the listing")
    assert path.read_text() == "old\n"
    with report_file(str(path)) as record:
        record(Outcome("upload", "a"))
    assert len(path.read_text().splitlines()) == 1
    with report_file(str(path)):
        pass
    assert path.read_text() == ""
    with report_file(os.devnull) as record:
        record(Outcome("upload", "a"))


@posix
def test_a_report_on_a_file_descriptor_is_added_to_what_others_write(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", buffering=1) as log:
        log.write("first\n")
        with report_file(f"/dev/fd/{log.fileno()}") as record:
            record(Outcome("upload", "a"))
        log.write("last\n")
    first, line, last = path.read_text().splitlines()
    assert (first, json.loads(line)["path"], last) == ("first", "a", "last")


def test_an_unwritable_report_is_an_error_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="Cannot write the --report file .*: Is a directory|Permission"):
        with report_file(str(tmp_path)):
            raise AssertionError("not entered")


def test_the_time_of_a_run_leaves_out_that_of_its_questions() -> None:
    console = Console(stdin=io.StringIO("y\n"), stderr=io.StringIO())
    reporter = Reporter(console, Progress())
    assert reporter.seconds >= 0 and console.confirm("Continue?") and console.waited > 0
    console.waited += 1000
    assert reporter.seconds < 0


def run(*args: str) -> Tuple[int, Any, str]:
    seen: List[Any] = []

    @click.command("x", cls=TransferCommand)
    @run_options
    @selection_options
    def command(**options: Any) -> None:
        seen.append(take_options(options))

    result = CliRunner().invoke(command, args)
    return result.exit_code, seen[0] if seen else None, result.output


def test_filters_keep_their_order() -> None:
    _, options, _ = run("--include", "a", "--exclude=b", "--include", "c", "--exclude", "d", "--", "--include")[0:3]
    assert options is None  # no such argument
    _, options, _ = run("--include", "a", "--exclude=b", "--include", "c", "--exclude", "d")
    assert options.filters == (("include", "a"), ("exclude", "b"), ("include", "c"), ("exclude", "d"))
    assert run()[1].filters == ()


def test_no_workers_is_refused_before_anything_is_read() -> None:
    code, options, output = run("-w", "0")
    assert code != 0 and options is None and "x>=1" in output


def test_options_are_passed_unchanged() -> None:
    _, options, _ = run("-w", "3", "--dry-run", "--shard", "1/2", "--report", "r", "--json", "--no-progress")
    assert (options.workers, options.dry_run, options.shard, options.report) == (3, True, "1/2", "r")
    assert (options.as_json, options.max_delete) == (True, None)
