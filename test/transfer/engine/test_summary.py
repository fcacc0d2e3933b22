"""The end of a run in words: totals, failures by cause, and the command that continues it."""

from __future__ import annotations

import io
from typing import Optional, Sequence

import pytest

from cloudinary_cli.console import Console
from cloudinary_cli.transfer.engine.records import Outcome, Status
from cloudinary_cli.transfer.engine.summary import MAX_CAUSES, Failures, listed, next_command, totals_line
from test.support.commands import posix


def failed(*pairs: Sequence[str]) -> Sequence[str]:
    failures = Failures()
    for key, error in pairs:
        failures.add(Outcome("upload", key, Status.FAILED, error))
    return failures.lines()


def test_names_and_numbers_do_not_separate_failures_of_one_cause() -> None:
    lines = failed(
        ("d/bb.jpg", "Cannot read '/x/d/bb.jpg': Permission denied."),
        ("d/aa.jpg", "Cannot read '/x/d/aa.jpg': Permission denied."),
        ("c.jpg", "1000 bytes were received, 2000 were listed."),
        ("d.jpg", "HTTP 500"),
        ("e.jpg", "HTTP 502"),
    )
    assert [line.split(":")[0] for line in lines] == ["1 failed"] * 3 + ["2 failed"]
    assert lines[-1] == "2 failed: Cannot read '/x/...': Permission denied: d/aa.jpg, d/bb.jpg"


def test_the_first_ten_names_of_a_cause_are_named() -> None:
    (line,) = failed(*((f"{number:02}\n", "no") for number in range(50)))
    assert line.startswith("50 failed: no: 00\\n, ") and line.endswith(", 09\\n and 40 more")
    lines = failed(*((f"k{number}", "x" * number) for number in range(1000, 1100)))
    assert len(lines) == MAX_CAUSES + 1 and lines[-1].startswith("80 failed: other causes: ")


def test_totals() -> None:
    counts = {Status.OK: 1, Status.FAILED: 2, Status.CANCELLED: 3}
    text = totals_line(counts, 4 << 20, 2.0, 1)
    assert text == "Ended after 2 s: 1 item done, 2 failed, 3 not tried, 4.0 MiB (2.0 MiB/s), 1 retry"
    assert totals_line({}, 0, 0.0, 0) == "Ended after 0 s: 0 items done"


@posix
@pytest.mark.parametrize(
    ("arguments", "report", "earlier", "command"),
    [
        ("sync 'a b' f --push", None, None, "cld sync 'a b' f --push"),
        ("sync d f --report r", "r", None, "cld sync d f --report r --retry-failed r"),
        ("sync d f --report r --retry-failed r", "r", "r", "cld sync d f --report r --retry-failed r"),
        ("sync --report r -- d f", "r", None, "cld sync --report r --retry-failed r -- d f"),
        ("-c cloudinary://k:secret@c sync d f", None, None, ""),
        ("sync d\n f", None, None, "cld sync d f"),
        ("sync d f --files-from - --report r", "r", None, ""),
        ("sync d f --items=- --report r", "r", None, ""),
        ("sync d f --files-from /dev/fd/63 --report r", "r", None, ""),
        ("sync d f --report=/dev/stdout", "/dev/stdout", None, ""),
        ("migrate m - --report r", "r", None, ""),
        ("", None, None, ""),
    ],
)
def test_the_command_that_repeats_the_rest(
    arguments: str, report: Optional[str], earlier: Optional[str], command: str
) -> None:
    import shlex

    console = Console(stderr=io.StringIO(), environ={})
    console.hide_secrets_of(shlex.split(arguments))
    assert next_command(console, report, earlier) == command


def test_a_list_says_how_many_names_it_omits() -> None:
    assert listed(["a", "b"]) == ["a", "b"] and listed(["a", "b"], 1) == ["a", "and 1 more"]
    assert listed(["a", "b"], count=9) == ["a", "b", "and 7 more"]
