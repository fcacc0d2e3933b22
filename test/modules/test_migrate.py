"""`cld migrate` end to end: reading the file, asking, redirects, failures, and how it ends."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Set
from urllib.parse import urlsplit

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer import entries
from test.modules.faults import pending_faults
from test.modules.processes import abort, interrupt, start, wait_until
from test.modules.raw_server import RawServer
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Any]
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and pipes")
TEMPLATE = "https://old.example/"


@pytest.fixture
def url(server: CloudinaryServer) -> str:
    """The CLOUDINARY_URL of the scripted server, which has the mapping `m` and every asset."""
    server.on("GET", "/upload_mappings", {"folder": "m", "template": TEMPLATE})
    return server.config_url(secure="false", cname=urlsplit(server.url).netloc, timeout="2")


@pytest.fixture
def migrate(url: str, invoke: Run) -> Run:
    return lambda *args: invoke("-c", url, "migrate", *args)


def write(*lines: str, name: str = "urls", delimiter: str = "\n") -> str:
    Path(name).write_text(delimiter.join(lines), encoding="utf-8")
    return name


def asked(server: CloudinaryServer) -> List[str]:
    prefix = "/demo/image/upload/v1/m/"
    return [request.path[len(prefix) :] for request in server.requests if request.path.startswith(prefix)]


def test_what_is_asked_for_and_said(server: CloudinaryServer, migrate: Run) -> None:
    urls = [TEMPLATE + path for path in ("a.jpg", "s/b%20c.jpg", "é.jpg", "q.jpg?v=2")]
    done = migrate("m", write(*urls[:2], "", "  ", *urls[2:]), "-w", "1")
    assert (done.code, done.out, done.err) == (0, "", "4 URLs uploaded\n")
    mapping, *heads = server.requests
    assert mapping.query == {"folder": ["m"]}
    assert {request.method for request in heads} == {"HEAD"}
    assert heads[0].headers["user-agent"].startswith("CloudinaryCLI/")
    assert {"authorization", "cookie"}.isdisjoint(heads[0].headers)
    assert asked(server) == ["a.jpg", "s/b c.jpg", "é.jpg", "q.jpg?v=2"]
    verbose = migrate("m", "urls", "-v")
    assert verbose.err.splitlines()[0] == f"Uploaded {server.url}/demo/image/upload/v1/m/a.jpg"
    assert len(verbose.err.splitlines()) == 5


def test_https_unless_the_configuration_says_otherwise(server: CloudinaryServer, url: str, invoke: Run) -> None:
    done = invoke("-c", server.config_url(), "migrate", "m", write(TEMPLATE + "a.jpg"), "--dry-run")
    assert done.code == 0 and "https://res.cloudinary.com/demo/image/upload/v1/m/a.jpg" in done.err
    assert [request.method for request in server.requests] == ["GET"]


def test_entries_outside_the_mapping_are_failures_and_the_rest_goes_on(server: CloudinaryServer, migrate: Run) -> None:
    outside = ["https://other.example/a.jpg", TEMPLATE, f"{TEMPLATE}a/../../b.jpg", "nonsense"]
    done = migrate("m", write(*outside, TEMPLATE + "z.jpg"), "--json")
    assert done.code == 1 and asked(server) == ["z.jpg"]
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
    assert again.code == 0 and asked(server) == ["gone.jpg", "broken.jpg", "odd.jpg"]


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
    assert done.code == 1 and "more than 5 redirects" in done.err and len(asked(server)) == 6


def test_out_of_tls_is_not_followed() -> None:
    # Without a certificate for the CDN there is no https server to ask: the rule itself.
    from cloudinary_cli.transfer.migrate import _redirected

    assert _redirected("https://a/x", "https://b/y") == "https://b/y"
    assert _redirected("http://a/x", "https://b/y") == "https://b/y"
    with pytest.raises(CliError, match="http://b/y is not followed"):
        _redirected("https://a/x", "http://b/y")


def test_requests_are_concurrent_and_outcomes_in_order(server: CloudinaryServer, url: str, invoke: Run) -> None:
    arrived: Set[str] = set()
    changed = threading.Condition()

    def answer(request: Request) -> Any:
        # The first is answered when four URLs are here at the same time; not four requests, which may be of one URL.
        with changed:
            arrived.add(request.path)
            changed.notify_all()
            if changed.wait_for(lambda: len(arrived) >= 4, timeout=10):
                return {}
            arrived.update("abcd")  # the others need not wait as long
            return Reply(404, b"", {"X-Cld-Error": "alone"})

    for number in range(8):
        server.on("HEAD", f"/f{number}.jpg", answer)
    file = write(*(f"{TEMPLATE}f{number}.jpg" for number in range(8)))
    done = invoke("-c", url.replace("timeout=2", "timeout=30"), "migrate", "m", file, "-v", "-w", "4")
    assert done.code == 0, done.err
    told = [line.rpartition("/")[2] for line in done.err.splitlines() if line.startswith("Uploaded")]
    assert told == [f"f{number}.jpg" for number in range(8)]


def test_a_server_that_does_not_answer_is_one_failure(server: CloudinaryServer, url: str, invoke: Run) -> None:
    server.on("HEAD", "/a.jpg", Reply(delay=8))
    url = url.replace("timeout=2", "timeout=0.3")
    done = invoke("-c", url, "migrate", "m", write(TEMPLATE + "a.jpg", TEMPLATE + "b.jpg"))
    assert done.code == 1 and "No answer from the server" in done.err and "1 URLs uploaded" in done.err


@pytest.mark.parametrize(
    ("delimiter", "text"),
    [
        (",", "{0}a.jpg,{0}b.jpg,\n"),
        ("\\t", "{0}a.jpg\t{0}b.jpg"),
        ("\\n", "{0}a.jpg\r\n\r\n{0}b.jpg\r\n"),
        ("\\r\\n", "{0}a.jpg\r\n{0}b.jpg"),
        ("\\0", "{0}a.jpg\0{0}b.jpg\0"),
        (" :: ", "{0}a.jpg :: {0}b.jpg"),
        ("\\\\", "{0}a.jpg\\{0}b.jpg"),
        ("\\n", "\ufeff{0}a.jpg\n{0}b.jpg"),
    ],
)
def test_delimiters(server: CloudinaryServer, migrate: Run, delimiter: str, text: str) -> None:
    Path("urls").write_bytes(text.format(TEMPLATE).encode())
    done = migrate("m", "urls", "-d", delimiter, "-w", "1")
    assert done.code == 0 and asked(server) == ["a.jpg", "b.jpg"], done.err


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("m", "missing"), "No such file: missing"),
        (("m", "."), ". is a directory"),
        (("m", "urls", "-d", ""), "The delimiter is empty"),
        (("m", "urls", "-w", "0"), "x>=1"),
        (("m", "urls", "--shard", "2"), "write I/N"),
    ],
)
def test_bad_input_is_one_line_before_anything(server: CloudinaryServer, migrate: Run, args: Any, text: str) -> None:
    write(TEMPLATE + "a.jpg")
    done = migrate(*args)
    assert done.code == 1 and text in done.err and "Traceback" not in done.err and server.requests == []


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(404, {"error": {"message": "no mapping m"}}), "Failed retrieving upload mapping: 'm', error: "),
        ({"folder": "m"}, "the server's answer has no template"),
    ],
)
def test_the_mapping_cannot_be_had(server: CloudinaryServer, migrate: Run, reply: Any, text: str) -> None:
    server.on("GET", "/upload_mappings", reply)
    done = migrate("m", write(TEMPLATE + "a.jpg"))
    assert done.code == 1 and text in done.err and asked(server) == []


def test_stdin_and_a_pipe(server: CloudinaryServer, url: str, cld: Run) -> None:
    done = cld("-c", url, "migrate", "m", "-", input=f"{TEMPLATE}a.jpg\n{TEMPLATE}b.jpg")
    assert done.code == 0 and sorted(asked(server)) == ["a.jpg", "b.jpg"], done.err


@posix
def test_what_has_come_is_done_before_the_rest_has(server: CloudinaryServer, url: str) -> None:
    read, write_end = os.pipe()
    process = start("-c", url, "migrate", "m", "-", stdin=read)
    os.close(read)
    os.write(write_end, f"{TEMPLATE}a.jpg\n".encode())
    wait_until(lambda: asked(server) == ["a.jpg"], process)
    os.write(write_end, f"{TEMPLATE}b.jpg\n".encode())
    os.close(write_end)
    assert process.wait(20) == 0 and asked(server) == ["a.jpg", "b.jpg"]


def test_bytes_that_are_no_text_are_one_failure(server: CloudinaryServer, migrate: Run) -> None:
    Path("urls").write_bytes(f"{TEMPLATE}caf\xe9.jpg\n{TEMPLATE}b.jpg".encode("latin-1"))
    done = migrate("m", "urls")
    assert done.code == 1 and "it is not UTF-8 text" in done.err and asked(server) == ["b.jpg"]


def test_the_file_is_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("w") as file:
        for number in range(200_000):
            file.write(f"https://x/{number}{',' if number % 3 else ', '}")
    found = entries.read_entries(str(path), ",")
    assert [next(found) for _ in range(3)] == ["https://x/0", "https://x/1", "https://x/2"]
    assert sum(1 for _ in found) == 199_997
    path.write_text("x" * 3_000_000)
    with pytest.raises(CliError, match="Is the delimiter"):
        list(entries.read_entries(str(path), ","))


def test_selection_dry_run_and_shards(server: CloudinaryServer, migrate: Run) -> None:
    names = [f"d{number % 3}/f{number:02}.jpg" for number in range(30)]
    file = write(*(TEMPLATE + name for name in names), "https://other.example/x")
    done = migrate("m", file, "--include", "d1/", "--dry-run", "--json")
    assert done.code == 0 and json.loads(done.out)["would_upload"] == 10 and asked(server) == []
    for part in (1, 2, 3):
        migrate("m", file, "--shard", f"{part}/3")
    assert sorted(asked(server)) == sorted(names)


def test_credentials_in_urls_are_not_shown(server: CloudinaryServer, migrate: Run) -> None:
    server.on("GET", "/upload_mappings", {"folder": "m", "template": "https://u:hunter2@old.example/"})
    server.on("HEAD", "/a.jpg", Reply(404, b""))
    lines = ["https://u:hunter2@old.example/a.jpg", "https://v:hunter3@other.example/b.jpg"]
    done = migrate("m", write(*lines), "--report", "r.jsonl", "-v", "--json")
    assert done.code == 1 and "hunter" not in done.out + done.err + Path("r.jsonl").read_text()
    server.on("HEAD", "/a.jpg", {})
    assert json.loads(migrate("m", "urls", "--retry-failed", "r.jsonl", "--json").out)["uploaded"] == 1


def deliver(peer: socket.socket) -> None:
    """An old asset: any path, its own name as content."""
    with peer:
        path = peer.recv(65536).split(b" ")[1]
        peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(path) + path)


def test_with_the_sandbox_a_tenth_of_the_requests_faulted_once(
    box: SandboxClient, cld: Run, env: Dict[str, str]
) -> None:
    names = [f"f {number:02}.jpg" for number in range(60)]
    faults: List[Dict[str, Any]] = [
        {"status": 500},
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"mode": "reset"},
        {"mode": "after"},
        {"mode": "stall", "delay": 3},
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
def test_ctrl_c_once_and_twice(server: CloudinaryServer, url: str) -> None:
    file = write(*(f"{TEMPLATE}f{number}.jpg" for number in range(2000)))
    gate = threading.Event()

    def slow(request: Request) -> Any:
        gate.wait(20)
        return {}

    server.on("HEAD", ".jpg", slow)
    url = url.replace("timeout=2", "timeout=30")
    command = ("-c", url, "migrate", "m", file, "-w", "2", "--json", "--report", "r.jsonl")
    process = start(*command)
    wait_until(lambda: len(asked(server)) == 2, process)
    interrupt(process)
    gate.set()
    assert process.wait(30) == 130
    summary = json.loads(Path("out").read_text())
    assert (summary["uploaded"], summary["cancelled"], summary["interrupted"]) == (2, 1998, True)
    assert len(asked(server)) == 2 and len(Path("r.jsonl").read_text().splitlines()) == 2000

    gate.clear()
    process = start(*command)
    wait_until(lambda: len(asked(server)) == 4, process)
    abort(process)
    gate.set()


def test_an_unknown_mapping_says_how_to_find_one(server: CloudinaryServer, migrate: Run) -> None:
    server.on("GET", "/upload_mappings", Reply(404, {"error": {"message": "Can't find it."}}))
    done = migrate("m", write(TEMPLATE + "a.jpg"))
    assert done.code == 1 and done.err.endswith("Can't find it. List the mappings: cld admin upload_mappings\n")
