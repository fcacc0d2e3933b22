"""`--bwlimit` and `--chunk-workers` of `cld sync` and `cld upload_dir`."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.bulk_processes import abort, interrupt, start, wait_until
from test.support.cloudinary_server import CloudinaryServer, Request
from test.support.commands import Run, posix
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import Account, make, tree

CHUNK = 6_000_000
COUNT = 5


def parts(server: CloudinaryServer) -> List[str]:
    return [request.headers["content-range"] for request in server.requests if request.path.endswith("/upload")]


@pytest.fixture
def large(tmp_path: Path) -> bytes:
    """The content of d/large.bin, which is sent in five chunks."""
    content = bytes(range(256)) * ((COUNT - 1) * CHUNK // 256) + b"end"
    make(tmp_path / "d", **{"large.bin": content})
    return content


# -- --bwlimit


@pytest.mark.parametrize("count", [1, 40])  # one large body that is streamed, and small ones that are not
def test_a_push_takes_at_least_the_time_of_its_limit(account: Account, cld: Run, tmp_path: Path, count: int) -> None:
    make(tmp_path / "d", **{f"f{number}.jpg": b"x" * (400_000 // count) for number in range(count)})
    begin = time.monotonic()
    done = cld("-c", account.config_url(), "sync", "d", "f", "--push", "--bwlimit", "200K")
    assert done.code == 0, done.err
    assert time.monotonic() - begin >= 400_000 / 204_800 - 0.2
    assert sum(len(request.files["file"].content) for request in account.sent("POST", "/upload")) == 400_000


def test_a_pull_takes_at_least_the_time_of_its_limit(account: Account, cld: Run, tmp_path: Path) -> None:
    for number in range(4):
        account.add(f"f{number}", b"x" * 100_000)
    begin = time.monotonic()
    done = cld("-c", account.config_url(), "sync", "d", "f", "--pull", "--bwlimit", "200K")
    assert done.code == 0, done.err
    assert time.monotonic() - begin >= 400_000 / 204_800 - 0.2
    assert [len(content) for content in tree(tmp_path / "d").values()] == [100_000] * 4


def test_waiting_for_the_limit_is_no_timeout(account: Account, cld: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", **{f"f{number}.jpg": b"x" * 40_000 for number in range(2)})
    done = cld("-c", account.config_url(timeout="4"), "sync", "d", "f", "--push", "--bwlimit", "12K")
    assert done.code == 0, done.err
    assert len(account.sent("POST", "/upload")) == 2  # none was repeated


def test_everything_arrives_at_a_limited_rate_if_requests_fail(
    box: SandboxClient, cld: Run, env: Dict[str, str], tmp_path: Path
) -> None:
    make(tmp_path / "d", **{f"f{number}.jpg": b"x" * 50_000 for number in range(12)})
    for mode in ("reset", "after"):
        box.fault("/v1_1/sandbox/auto/upload", skip=3, mode=mode)
    done = cld("upload_dir", "d", "-f", "limited", "-w", "4", "--bwlimit", "1M", env=env)
    assert done.code == 0, done.err
    assert cld("sync", "p", "limited/d", "--pull", "--bwlimit", "1M", env=env).code == 0
    assert tree(tmp_path / "p") == tree(tmp_path / "d")


@posix
def test_ctrl_c_ends_requests_that_wait_for_the_limit(account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"f.jpg": b"x" * 40_000_000})
    url = account.config_url()
    process = start("-c", url, "sync", "d", "f", "--push", "-fm", "dynamic", "--bwlimit", "1K", "--json")
    wait_until(lambda: "Uploading" in Path("err").read_text() or account.sent("POST", "/search"), process)
    time.sleep(1)  # the body is being sent, and would take eleven hours
    interrupt(process)
    assert process.wait(30) == 130
    assert '"cancelled": 1' in Path("out").read_text()
    for request in account.sent("POST", "/upload"):
        assert len(request.body) < int(request.headers["content-length"])  # the client broke off


@pytest.mark.parametrize("rate", ["2", "", "fast", "-1M", "0.1K", "1T", "1M5"])
@pytest.mark.parametrize("command", [("upload_dir", "d"), ("sync", "d", "f", "--push")], ids=lambda words: words[0])
def test_a_rate_that_is_malformed_or_has_no_unit_is_refused(
    account: Account, cld: Run, tmp_path: Path, command: Any, rate: str
) -> None:
    make(tmp_path / "d", "a.jpg")
    done = cld("-c", account.config_url(), *command, "--bwlimit", rate)
    assert done.code == 1 and "Invalid value for '--bwlimit'" in done.err
    assert account.server.requests == []


@pytest.mark.parametrize("rate", ["500k", "2M", "1.5G", "2 MiB/s", "2MB/s"])
def test_a_rate_has_a_unit(account: Account, cld: Run, tmp_path: Path, rate: str) -> None:
    make(tmp_path / "d", "a.jpg")
    assert cld("-c", account.config_url(), "upload_dir", "d", "--bwlimit", rate).code == 0


# -- --chunk-workers


@pytest.mark.parametrize("command", [("upload_dir", "d"), ("sync", "d", "f", "--push")], ids=lambda words: words[0])
def test_the_middle_chunks_are_sent_at_the_same_time(account: Account, cld: Run, large: bytes, command: Any) -> None:
    together = threading.Barrier(COUNT - 2)

    def respond(request: Request) -> Any:
        if 1 < len(parts(account.server)) < COUNT:
            together.wait(30)  # breaks unless all three wait here
        return {"public_id": "a"}

    account.server.on("POST", "/upload", respond)
    done = cld("-c", account.config_url(), *command, "-o", "chunk_size", "6MB")
    assert done.code == 0, done.err
    assert not together.broken and len(parts(account.server)) == COUNT
    sent = sorted(
        account.sent("POST", "/upload"), key=lambda request: int(request.headers["content-range"][6:].split("-")[0])
    )
    assert b"".join(request.files["file"].content for request in sent) == large


@pytest.mark.parametrize("options", [("--chunk-workers", "1"), ("-w", "1")])
def test_one_worker_sends_the_chunks_in_order(account: Account, cld: Run, large: bytes, options: Any) -> None:
    done = cld("-c", account.config_url(), "upload_dir", "d", "-o", "chunk_size", "6MB", *options)
    assert done.code == 0, done.err
    starts = [int(part[6:].split("-")[0]) for part in parts(account.server)]
    assert starts == [number * CHUNK for number in range(COUNT)]


@posix
@pytest.mark.parametrize("again", [False, True])
def test_ctrl_c_stops_a_file_between_its_chunks(account: Account, large: bytes, again: bool) -> None:
    gate = threading.Event()

    def respond(request: Request) -> Any:
        if len(parts(account.server)) > 1:
            gate.wait(30)
        return {"public_id": "a"}

    account.server.on("POST", "/upload", respond)
    process = start("-c", account.config_url(), "upload_dir", "d", "-o", "chunk_size", "6MB", "--chunk-workers", "2")
    wait_until(lambda: len(parts(account.server)) == 3, process)
    if again:
        abort(process)
        assert "1 items were abandoned" in Path("err").read_text()
    else:
        interrupt(process)
        gate.set()
        assert process.wait(30) == 130
    gate.set()
    assert len(parts(account.server)) == 3
