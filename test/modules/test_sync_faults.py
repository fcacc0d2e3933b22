"""`cld sync` with failing servers, incomplete responses and Ctrl-C; real processes and sockets."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Dict

import pytest

from test.support.bulk_processes import abort, interrupt, start, wait_until
from test.support.cloudinary_server import Reply
from test.support.commands import Run, posix
from test.support.faults import pending_faults, plan_faults
from test.support.raw_server import RawServer
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import Account, make, md5, tree

FILES = 300


def test_everything_arrives_if_a_tenth_of_the_requests_fails_once(
    box: SandboxClient, cld: Run, env: Dict[str, str], tmp_path: Path
) -> None:
    names = [f"s{number % 7}/f{number:03}.jpg" for number in range(FILES)]
    make(tmp_path / "d", *names)

    plan_faults(box, "POST", "/v1_1/sandbox/auto/upload")
    done = cld("sync", "d", "faulted", "--push", "-w", "10", "--json", env=env, timeout=150)
    assert done.code == 0, done.err[-2000:]
    assert json.loads(done.out)["synced"] == FILES and json.loads(done.out)["failed"] == 0
    met = Counter(entry["fault"] for entry in box.requests("/v1_1/sandbox/auto/upload"))
    assert sum(met.values()) - met[None] == FILES // 10 and pending_faults(box) == 0

    box.reset()
    plan_faults(box, "GET", "/sandbox/image/upload")
    done = cld("sync", "p", "faulted", "--pull", "-w", "10", "--json", env=env, timeout=150)
    assert done.code == 0, done.err[-2000:]
    assert json.loads(done.out)["synced"] == FILES and pending_faults(box) == 0
    # No upload with a lost response has created a second asset, and no asset is incomplete.
    assert tree(tmp_path / "p") == tree(tmp_path / "d")
    assert not list((tmp_path / "p").rglob(".cld-part-*"))


def test_lasting_errors_are_counted_exactly_in_a_push(account: Account, cld: Run, tmp_path: Path) -> None:
    names = [f"f{number:02}.jpg" for number in range(40)]
    make(tmp_path / "d", *names)
    bad = set(names[3:38:5])
    refused = Reply(400, {"error": {"message": "no"}})
    account.server.on(
        "POST",
        "/upload",
        lambda request: refused if request.files["file"].filename in bad else account.respond_to_upload(request),
    )
    done = cld("-c", account.config_url(), "sync", "d", "f", "--push", "--json", "--report", "r.jsonl")
    assert done.code == 1 and json.loads(done.out)["failed"] == len(bad) == 7
    assert json.loads(done.out)["synced"] == 33
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert {line["path"] for line in lines if line["status"] == "failed"} == bad and len(lines) == 40


def test_lasting_errors_are_counted_exactly_in_a_pull(account: Account, cld: Run, tmp_path: Path) -> None:
    for number in range(40):
        account.add(f"f{number:02}", public_id=f"p{number:02}")
    broken = {
        "p05": Reply(404, b""),
        "p11": Reply(403, b"", {"X-Cld-Error": "denied"}),
        "p23": Reply(body=b"not what was listed", headers={"Content-Type": "image/jpeg"}),
    }
    for public_id, reply in broken.items():
        account.server.on("GET", f"/{public_id}.jpg", reply)
    done = cld("-c", account.config_url(), "sync", "d", "f", "--pull", "--json", timeout=90)
    assert done.code == 1 and json.loads(done.out)["failed"] == 3
    assert len(tree(tmp_path / "d")) == 37 and not list((tmp_path / "d").rglob(".cld-part-*"))
    assert "details: denied" in done.err and "more than the listed 3 bytes were received" in done.err


def test_a_failed_download_leaves_the_old_file(account: Account, cld: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"a.jpg": b"old"})
    account.add("a", public_id="a")
    account.server.on("GET", "/a.jpg", Reply(body=b"wrong", headers={"Content-Type": "image/jpeg"}))
    assert cld("-c", account.config_url(), "sync", "d", "f", "--pull", timeout=90).code == 1
    assert tree(tmp_path / "d") == {"a.jpg": b"old"}


def test_connections_are_reused(account: Account, cld: Run) -> None:
    for number in range(40):
        account.add(f"f{number}", public_id=f"p{number}")
    ports = set()
    # Patched: the server's record of a request does not contain the client's port.
    handler = account.server._http.RequestHandlerClass
    setup = handler.setup

    def noted(self: Any) -> None:
        ports.add(self.client_address[1])
        setup(self)

    handler.setup = noted  # type: ignore[method-assign]
    assert cld("-c", account.config_url(), "sync", "d", "f", "--pull", "-w", "4").code == 0
    assert len(account.sent("GET", ".jpg")) == 40 and len(ports) <= 4 + 1


# -- Ctrl-C


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_ctrl_c_finishes_requests_in_progress_and_saves(
    account: Account, tmp_path: Path, number: int, code: int
) -> None:
    make(tmp_path / "d", *(f"e & {number:02}.jpg" for number in range(40)))
    account.add("old")
    gate = threading.Event()

    def slow(request: Any) -> Any:
        gate.wait(20)
        return account.respond_to_upload(request)

    account.server.on("POST", "/upload", slow)
    process = start(
        "-c", account.config_url(), "sync", "d", "f", "--push", "-F", "-w", "3", "--json", "--report", "r.jsonl"
    )
    wait_until(lambda: len(account.sent("POST", "/upload")) == 3, process)
    interrupt(process, number)
    gate.set()
    assert process.wait(30) == code
    text = Path("err").read_text()
    assert len(account.sent("POST", "/upload")) == 3 == text.count("Successfully uploaded")
    assert "Synced | 3" in text and "Not begun| 37" in text and "Traceback" not in text
    assert json.loads(Path("d/.cld-sync").read_text()) == {f"e & {n:02}.jpg": f"e _ {n:02}.jpg" for n in range(3)}
    summary = json.loads(Path("out").read_text())
    assert (summary["interrupted"], summary["synced"], summary["cancelled"], summary["deleted"]) == (True, 3, 37, 0)
    assert not account.sent("DELETE")
    statuses = Counter(json.loads(line)["status"] for line in Path("r.jsonl").read_text().splitlines())
    assert statuses == {"ok": 3, "cancelled": 37, "skipped": 1}


def stall(peer: socket.socket) -> None:
    """Send half of the announced content, and then nothing more."""
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + bytes(1_000_000))


@posix
def test_the_second_ctrl_c_aborts_and_leaves_no_temporary_file(account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"f0.jpg": b"old"})
    for number in range(10):
        account.add(f"f{number}", size=2_000_000)
    with RawServer(stall) as stalling:
        url = account.server.config_url(secure="false", cname=stalling.address)
        process = start("-c", url, "sync", "d", "f", "--pull", "-w", "3")
        wait_until(lambda: len(list((tmp_path / "d").glob(".cld-part-*"))) == 3, process)
        abort(process)
    assert tree(tmp_path / "d") == {"f0.jpg": b"old"}


@posix
def test_ctrl_c_during_the_listing_ends_at_once(account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.server.on("POST", "/resources/search", Reply(delay=20))
    process = start("-c", account.config_url(), "sync", "d", "f", "--push")
    wait_until(lambda: account.sent("POST", "/resources/search"), process)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130 and "Traceback" not in Path("err").read_text()


@posix
def test_the_next_run_completes_an_interrupted_one(account: Account, tmp_path: Path, cld: Run) -> None:
    for number in range(30):
        account.add(f"f{number:02}", public_id=f"p{number:02}")
    gate = threading.Event()
    account.server.on("GET", "/p10.jpg", lambda request: gate.wait(30) and b"f10")
    process = start("-c", account.config_url(), "sync", "d", "f", "--pull", "-w", "2")
    wait_until(lambda: account.sent("GET", "/p10.jpg"), process)
    interrupt(process)
    gate.set()
    assert process.wait(30) == 130
    assert 10 <= len(tree(tmp_path / "d")) < 30
    done = cld("-c", account.config_url(), "sync", "d", "f", "--pull")
    assert done.code == 0 and len(tree(tmp_path / "d")) == 30 and "Skipping" in done.err


def test_a_file_above_the_chunk_size_arrives_whole(
    box: SandboxClient, cld: Run, env: Dict[str, str], tmp_path: Path
) -> None:
    content = hashlib.sha512(b"seed").digest() * 330_000  # 21,120,000 bytes
    make(tmp_path / "d", **{"big.jpg": content})
    env["CLOUDINARY_URL"] = env["CLOUDINARY_URL"].replace("&timeout=4", "&timeout=30")
    assert cld("sync", "d", "large", "--push", env=env).code == 0
    assert len(box.requests("/v1_1/sandbox/auto/upload")) == 2
    assert cld("sync", "p", "large", "--pull", env=env).code == 0
    assert md5((tmp_path / "p/big.jpg").read_bytes()) == md5(content)
