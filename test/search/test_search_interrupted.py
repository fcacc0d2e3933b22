"""`cld search` ended by a signal: results that were fetched are not lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.search_results import files, page, rows
from test.support.waiting import wait_until

Run = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def interrupted(
    server: CloudinaryServer, number: signal.Signals, args: List[str]
) -> "subprocess.CompletedProcess[bytes]":
    """`cld ARGS`, with a signal while its second request waits for the response."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_until(lambda: len(server.requests) >= 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return subprocess.CompletedProcess(args, process.returncode, out, err)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_closes_the_document_and_leaves_no_file(
    server: CloudinaryServer, number: signal.Signals, code: int
) -> None:
    Path("f.csv").write_text("old")
    server.reply(page("a", cursor="2"), Reply(200, page("b"), delay=20))
    args = ["-c", server.config_url(), "search", "x", "-A", "-F", "--csv", "f", "--json", "g"]
    done = interrupted(server, number, args)
    out, err = done.stdout, done.stderr
    assert (done.returncode, json.loads(out)) == (code, page("a", cursor="2"))
    assert "'f.csv' was not written" in err.decode() and "Traceback" not in err.decode()
    assert (Path("f.csv").read_text(), files()) == ("old", ["f.csv"])


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_loses_no_rows_where_only_files_get_them(
    server: CloudinaryServer, number: signal.Signals, code: int
) -> None:
    server.reply(page("a", "b", cursor="2"), Reply(200, page("c"), delay=20))
    args = ["-c", server.config_url(), "search", "x", "-A", "-F", "--quiet", "--csv", "f", "--json", "g"]
    done = interrupted(server, number, args)
    out, err = done.stdout, done.stderr
    assert (done.returncode, out) == (code, b"")
    assert rows("f.csv") == [["public_id"], ["a"], ["b"]]
    assert json.loads(Path("g").read_text()) == [{"public_id": "a"}, {"public_id": "b"}]
    lines = err.decode().splitlines()
    assert "warning: The result is partial: 2 of 3 resources. Fetch the rest with the same command and: -c 2" in lines
    assert files() == ["f.csv", "g"]
