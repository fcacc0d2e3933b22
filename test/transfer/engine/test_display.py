"""The display of bulk commands in real terminals: width, resize, colors, retries, pauses, Ctrl-C, and the end of a run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.commands import Cld
from test.support.sandbox_client import SandboxClient
from test.support.screen import final_lines
from test.support.sync_account import make
from test.support.terminal import Terminal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal")

API = "/v1_1/sandbox"
LARGE = b"x" * (3 << 20)
WIDE = "\u65e5\u672c\u8a9e\u306e\u5199\u771f-e\u0301-" + "\u5199" * 30 + ".bin"
UPLOAD = ("upload_dir", "d")


@pytest.fixture
def env(box: SandboxClient, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dict[str, str]:
    """The variables of the sandbox; `d` has a large file. Its upload takes two seconds."""
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "d", **{"large.bin": LARGE})
    box.fault(API + "/auto/upload", method="POST", mode="after", times=2, delay=2)
    environ: Dict[str, str] = box.server.environment(home)
    return environ


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_rows_fit_the_terminal_and_leave_nothing(env: Dict[str, str], tmp_path: Path, columns: int) -> None:
    make(tmp_path / "d", **{WIDE: LARGE})
    with Terminal.cld(*UPLOAD, env=env, columns=columns) as terminal:
        terminal.expect("large.bin")
        terminal.expect("3.0 MiB")
        assert terminal.wait() == 0
        lines = final_lines(terminal, columns)
    assert not any(".bin" in line or "left" in line for line in lines), lines
    assert any(line.startswith("Ended after ") for line in lines) and "2 resources uploaded" in lines
    assert "Successfully uploaded" not in terminal.text  # a line for each file needs -v


def test_rows_follow_the_size_of_the_window(env: Dict[str, str]) -> None:
    with Terminal.cld(*UPLOAD, env=env, columns=120) as terminal:
        terminal.expect("large.bin")
        terminal.resize(40)
        before = len(terminal.raw)
        terminal.expect("\x1b[J")  # a row that was perhaps drawn before the change
        terminal.expect("\x1b[J")
        drawn = terminal.raw[before:]
        assert terminal.wait() == 0
    last = re.findall(r"\r([^\r\n]*)\x1b\[K", drawn)[-1]
    assert len(last) == 39 and "large.bin" in drawn


def test_a_pipe_has_a_line_for_each_file_and_no_control_sequence(env: Dict[str, str], cld: Cld) -> None:
    done = cld(*UPLOAD, env=env)
    assert done.code == 0 and "\x1b" not in done.text and "\r" not in done.text
    assert "Successfully uploaded" in done.err and "large.bin" in done.err


@pytest.mark.parametrize(
    ("options", "variables", "has_rows"),
    [
        (["--no-progress"], {}, False),
        ([], {"TERM": "dumb"}, False),
        (["-v", "INFO"], {}, True),
        ([], {"NO_COLOR": "1"}, True),
    ],
)
def test_options_and_terminals_choose_between_rows_and_lines(
    env: Dict[str, str], box: SandboxClient, options: List[str], variables: Dict[str, str], has_rows: bool
) -> None:
    box.fault(API + "/auto/upload", method="POST", status=503, headers={"Retry-After": "1"})
    with Terminal.cld(*UPLOAD, *options, env={**env, **variables}, columns=80) as terminal:
        assert terminal.wait() == 0
    assert ("\x1b[J" in terminal.raw) is has_rows
    assert ("Successfully uploaded" in terminal.text) is (not variables.get("NO_COLOR"))
    if variables:
        assert not re.search("\x1b\\[[0-9;]*m", terminal.raw)


def test_a_retry_and_a_rate_limit_are_shown_with_their_end(env: Dict[str, str], box: SandboxClient) -> None:
    box.clear_faults()
    box.fault(API + "/auto/upload", method="POST", status=429, headers={"Retry-After": "2"})
    with Terminal.cld(*UPLOAD, env=env, columns=80) as terminal:
        shown = terminal.expect("retrying (2/4) in ") + terminal.expect("Rate limit: until ")
        shown += terminal.expect("s left")
        assert terminal.wait() == 0
    assert "large.bin" in shown and re.search(r"Rate limit: until \d\d:\d\d:\d\d +[1-3] s left", terminal.text)
    assert "1 retry" in terminal.text.rpartition("Ended after")[2]


def test_ctrl_c_leaves_a_clean_screen_and_names_the_command_that_continues(env: Dict[str, str], tmp_path: Path) -> None:
    make(tmp_path / "d", **{f"{n}.txt": b"x" for n in range(40)})
    with Terminal.cld(*UPLOAD, "-w", "1", "--report", "r.jsonl", env=env, columns=100) as terminal:
        terminal.expect("/41")
        terminal.press("\x03")
        terminal.expect("Stopping")
        assert terminal.wait() == 130
        lines = final_lines(terminal, 100)
    assert not any("/41" in line or "^C" in line.partition("Stopping")[0][2:] for line in lines), lines
    counts = [int(count) for count in re.findall(r"(\d+)/41", terminal.raw.partition("Stopping")[2])]
    assert max(counts, default=0) < 30, "items that are not begun are not done"
    assert "Continue with: cld upload_dir d -w 1 --report r.jsonl --retry-failed r.jsonl" in "".join(lines)


def test_a_message_appears_above_the_rows(env: Dict[str, str], box: SandboxClient) -> None:
    box.clear_faults()
    box.fault(API + "/auto/upload", method="POST", status=503, headers={"Retry-After": "1"})
    with Terminal.cld(*UPLOAD, "-v", "DEBUG", env=env, columns=150) as terminal:
        terminal.expect("HTTP 503, trying again (attempt 2).")
        terminal.expect("retrying (2/4)")
        assert terminal.wait() == 0
        lines = final_lines(terminal, 150)
    assert "debug: HTTP 503, trying again (attempt 2)." in lines
    assert not any("retrying" in line for line in lines), lines


def test_failures_are_grouped_by_cause_with_the_command_that_retries(
    env: Dict[str, str], box: SandboxClient, cld: Cld, tmp_path: Path
) -> None:
    make(tmp_path / "d", **dict.fromkeys(("a b.jpg", "c.jpg"), b""))
    done = cld("upload_dir", "d", "--report", "r.jsonl", env=env)
    *_, group, last = done.err.splitlines()
    assert done.code == 1 and group.startswith("error: 2 failed: ") and group.endswith(": a b.jpg, c.jpg")
    assert last.endswith("Retry with: cld upload_dir d --report r.jsonl --retry-failed r.jsonl")
    done = cld("-c", env["CLOUDINARY_URL"], "upload_dir", "d", env=env)
    assert done.err.rstrip().endswith("Run the same command again to do the rest.")  # the URL has a secret


def test_listing_a_slow_folder_is_shown(env: Dict[str, str], box: SandboxClient) -> None:
    box.fault(API + "/resources/search", method="POST", mode="after", delay=1)
    with Terminal.cld("sync", "d", "f", "--push", "--dry-run", env=env, columns=80) as terminal:
        terminal.expect("Listing Cloudinary folder f")
        assert terminal.wait() == 0
    assert "Listing" not in "".join(final_lines(terminal, 80))


def test_a_search_of_all_pages_is_shown_while_its_output_goes_to_a_file(server: CloudinaryServer) -> None:
    first = {"resources": [{"public_id": "a"}], "total_count": 2, "next_cursor": "c"}
    server.on("POST", "/resources/search", first, Reply(body={"resources": [{"public_id": "b"}]}, delay=1))
    arguments = ("-c", server.config_url(), "search", "cat", "-A", "-F")
    with Terminal.cld(*arguments, columns=80, pipe_stdout=True) as terminal:
        terminal.expect("Searching resources")
        terminal.expect("1 of 2")
        assert terminal.wait() == 0
    assert "Searching" not in "".join(final_lines(terminal, 80))


@pytest.mark.parametrize("method", ["upload", "upload_large"])
def test_the_upload_of_one_large_file_is_shown(
    env: Dict[str, str], box: SandboxClient, method: str, tmp_path: Path
) -> None:
    with Terminal.cld(method, "d/large.bin", "resource_type=auto", env=env, columns=80, pipe_stdout=True) as terminal:
        terminal.expect("d/large.bin")
        terminal.expect("3.0 MiB, waiting for the response")
        assert terminal.wait() == 0
        out: Any = terminal.process.stdout
        assert f'"bytes": {len(LARGE)}' in out.read().decode()
