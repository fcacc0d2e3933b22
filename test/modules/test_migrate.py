"""`cld migrate` end to end: requests, redirects, failures and the exit status."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest

from cloudinary_cli.errors import CliError
from test.support.bulk_processes import abort, interrupt, start, wait_until
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.commands import Run, posix
from test.support.faults import pending_faults
from test.support.migrate_requests import TEMPLATE, requested, write
from test.support.raw_server import RawServer
from test.support.sandbox_client import SandboxClient


def test_requests_and_messages(server: CloudinaryServer, migrate: Run) -> None:
    urls = [TEMPLATE + path for path in ("a.jpg", "s/b%20c.jpg", "é.jpg", "q.jpg?v=2")]
    done = migrate("m", write(*urls[:2], "", "  ", *urls[2:]), "-w", "1")
    assert (done.code, done.out) == (0, "") and done.err.startswith("4 URLs uploaded\nEnded after ")
    mapping, *heads = server.requests
    assert mapping.query == {"folder": ["m"]}
    assert {request.method for request in heads} == {"HEAD"}
    assert heads[0].headers["user-agent"].startswith("CloudinaryCLI/")
    assert {"authorization", "cookie"}.isdisjoint(heads[0].headers)
    assert requested(server) == ["a.jpg", "s/b c.jpg", "é.jpg", "q.jpg?v=2"]
    verbose = migrate("m", "urls", "-v")
    assert verbose.err.splitlines()[0] == f"Uploaded {server.url}/demo/image/upload/v1/m/a.jpg"
    assert len(verbose.err.splitlines()) == 6


def test_https_is_the_default(server: CloudinaryServer, mapping_url: str, invoke: Run) -> None:
    done = invoke("-c", server.config_url(), "migrate", "m", write(TEMPLATE + "a.jpg"), "--dry-run")
    assert done.code == 0 and "https://res.cloudinary.com/demo/image/upload/v1/m/a.jpg" in done.err
    assert [request.method for request in server.requests] == ["GET"]


def test_urls_outside_the_mapping_are_failures_and_the_others_are_requested(
    server: CloudinaryServer, migrate: Run
) -> None:
    outside = ["https://other.example/a.jpg", TEMPLATE, f"{TEMPLATE}a/../../b.jpg", "nonsense"]
    done = migrate("m", write(*outside, TEMPLATE + "z.jpg"), "--json")
    assert done.code == 1 and requested(server) == ["z.jpg"]
    for entry in outside:
        assert f"error: Skipping '{entry}', it does not belong to the upload mapping" in done.err
    assert (json.loads(done.out)["uploaded"], json.loads(done.out)["failed"]) == (1, 4)


def test_each_failure_is_one_failure_and_the_exit_status_is_1(server: CloudinaryServer, migrate: Run) -> None:
    server.on("HEAD", "/gone.jpg", Reply(404, b"", {"X-Cld-Error": "Resource not found"}))
    server.on("HEAD", "/broken.jpg", Reply(500, b""))
    server.on("HEAD", "/odd.jpg", Reply(403, b""))
    names = ["a", "gone", "b", "broken", "odd", "c"]
    done = migrate("m", write(*(f"{TEMPLATE}{name}.jpg" for name in names)), "--report", "r.jsonl", "--json")
    assert done.code == 1 and "Traceback" not in done.err
    base = f"{server.url}/demo/image/upload/v1/m"
    assert [line for line in done.err.splitlines() if "Failed" in line] == [
        f"error: Failed uploading {base}/gone.jpg: Resource not found",
        f"error: Failed uploading {base}/broken.jpg: HTTP 500",
        f"error: Failed uploading {base}/odd.jpg: HTTP 403",
    ]
    assert "3 URLs uploaded" in done.err
    assert (json.loads(done.out)["uploaded"], json.loads(done.out)["failed"]) == (3, 3)
    for name in ("gone", "broken", "odd"):
        server.on("HEAD", f"/{name}.jpg", {})
    del server.requests[:]
    again = migrate("m", "urls", "--retry-failed", "r.jsonl", "--json", "-w", "1")
    assert again.code == 0 and requested(server) == ["gone.jpg", "broken.jpg", "odd.jpg"]


def redirect(location: str, status: int = 302) -> Reply:
    return Reply(status, b"", {"Location": location})


def test_redirects_are_followed(server: CloudinaryServer, migrate: Run) -> None:
    server.on("HEAD", "/a.jpg", redirect("/elsewhere", 301))
    server.on("HEAD", "/elsewhere", redirect(f"{server.url}/further", 307))
    server.on("HEAD", "/b.jpg", redirect("/missing"))
    server.on("HEAD", "/missing", Reply(404, b"", {"X-Cld-Error": "not there"}))
    done = migrate("m", write(TEMPLATE + "a.jpg", TEMPLATE + "b.jpg"))
    assert done.code == 1 and "1 URLs uploaded" in done.err and "b.jpg: not there" in done.err
    assert "HEAD /further" in server.paths()


@pytest.mark.parametrize(
    "location",
    ["ftp://x/a", "file:///etc/passwd", "http://user:pw@127.0.0.1:9/", "javascript:x", "http://[", "https:///a", ""],
)
def test_a_redirect_that_is_not_safe_is_not_followed(server: CloudinaryServer, migrate: Run, location: str) -> None:
    server.on("HEAD", "/a.jpg", redirect(location))
    done = migrate("m", write(TEMPLATE + "a.jpg"))
    assert done.code == 1 and ("is not followed" in done.err or "HTTP 302" in done.err)
    assert "pw@" not in done.err and len(server.requests) == 2


def test_a_loop_of_redirects_ends(server: CloudinaryServer, migrate: Run) -> None:
    server.on("HEAD", "/a.jpg", redirect("a.jpg"))
    done = migrate("m", write(TEMPLATE + "a.jpg"))
    assert done.code == 1 and "more than 5 redirects" in done.err and len(requested(server)) == 6


def test_a_redirect_from_https_to_http_is_not_followed() -> None:
    # An https server would need a certificate for the delivery host, so this tests the function itself.
    from cloudinary_cli.transfer.migrate import _redirected

    assert _redirected("https://a/x", "https://b/y") == "https://b/y"
    assert _redirected("http://a/x", "https://b/y") == "https://b/y"
    with pytest.raises(CliError, match="http://b/y is not followed"):
        _redirected("https://a/x", "http://b/y")


def test_requests_are_concurrent_and_outcomes_in_order(server: CloudinaryServer, mapping_url: str, invoke: Run) -> None:
    arrived: Set[str] = set()
    changed = threading.Condition()

    def respond(request: Request) -> Any:
        # Responds when requests for four different URLs are waiting at the same time.
        with changed:
            arrived.add(request.path)
            changed.notify_all()
            if changed.wait_for(lambda: len(arrived) >= 4, timeout=10):
                return {}
            arrived.update("abcd")  # later requests do not wait
            return Reply(404, b"", {"X-Cld-Error": "alone"})

    for number in range(8):
        server.on("HEAD", f"/f{number}.jpg", respond)
    file = write(*(f"{TEMPLATE}f{number}.jpg" for number in range(8)))
    done = invoke("-c", mapping_url, "migrate", "m", file, "-v", "-w", "4")
    assert done.code == 0, done.err
    told = [line.rpartition("/")[2] for line in done.err.splitlines() if line.startswith("Uploaded")]
    assert told == [f"f{number}.jpg" for number in range(8)]


def test_a_server_that_does_not_respond_is_one_failure(server: CloudinaryServer, mapping_url: str, invoke: Run) -> None:
    ended = threading.Event()
    server.on("HEAD", "/a.jpg", lambda request: ended.wait(60) and {})
    file = write(TEMPLATE + "a.jpg", TEMPLATE + "b.jpg")
    done = invoke("-c", mapping_url + "&timeout=2", "migrate", "m", file)
    ended.set()
    assert done.code == 1 and "No response from 127.0.0.1" in done.err and "1 URLs uploaded" in done.err


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(404, {"error": {"message": "no mapping m"}}), "Failed retrieving upload mapping: 'm', error: "),
        ({"folder": "m"}, "the server's response has no template"),
    ],
)
def test_a_mapping_that_cannot_be_read_is_an_error(
    server: CloudinaryServer, migrate: Run, reply: Any, text: str
) -> None:
    server.on("GET", "/upload_mappings", reply)
    done = migrate("m", write(TEMPLATE + "a.jpg"))
    assert done.code == 1 and text in done.err and requested(server) == []


def deliver(peer: socket.socket) -> None:
    """Respond to any path with the path as content."""
    with peer:
        path = peer.recv(65536).split(b" ")[1]
        peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(path) + path)


def test_everything_is_requested_if_a_tenth_of_the_requests_fails_once(
    box: SandboxClient, cld: Run, env: Dict[str, str]
) -> None:
    names = [f"f {number:02}.jpg" for number in range(60)]
    faults: List[Dict[str, Any]] = [
        {"status": 500},
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"mode": "reset"},
        {"mode": "after"},
        {"mode": "stall", "delay": 10},
    ]
    for fault in faults:
        box.fault("/sandbox/image/upload", method="HEAD", skip=9, **fault)
    with RawServer(deliver) as origin:
        template = f"http://{origin.address}/"
        assert cld("admin", "create_upload_mapping", "old", f"template={template}", env=env).code == 0
        write(*(template + name.replace(" ", "%20") for name in names))
        done = cld("migrate", "old", "urls", "--json", "-w", "10", env=env)
    assert done.code == 0, done.err[-2000:]
    assert json.loads(done.out)["uploaded"] == 60 and pending_faults(box) == 0
    stored = {asset["public_id"] for asset in box.server.state.assets("sandbox").all()}
    assert {f"old/{name[:-4]}" for name in names} <= stored


@posix
def test_ctrl_c_once_and_twice(server: CloudinaryServer, mapping_url: str) -> None:
    file = write(*(f"{TEMPLATE}f{number}.jpg" for number in range(2000)))
    gate = threading.Event()

    def slow(request: Request) -> Any:
        gate.wait(20)
        return {}

    server.on("HEAD", ".jpg", slow)
    command = ("-c", mapping_url, "migrate", "m", file, "-w", "2", "--json", "--report", "r.jsonl")
    process = start(*command)
    wait_until(lambda: len(requested(server)) == 2, process)
    interrupt(process)
    gate.set()
    assert process.wait(30) == 130
    summary = json.loads(Path("out").read_text())
    assert (summary["uploaded"], summary["cancelled"], summary["interrupted"]) == (2, 1998, True)
    assert len(requested(server)) == 2 and len(Path("r.jsonl").read_text().splitlines()) == 2000

    gate.clear()
    process = start(*command)
    wait_until(lambda: len(requested(server)) == 4, process)
    abort(process)
    gate.set()


def test_an_unknown_mapping_says_how_to_find_one(server: CloudinaryServer, migrate: Run) -> None:
    server.on("GET", "/upload_mappings", Reply(404, {"error": {"message": "Can't find it."}}))
    done = migrate("m", write(TEMPLATE + "a.jpg"))
    assert done.code == 1 and done.err.endswith("Can't find it. List the mappings: cld admin upload_mappings\n")
