"""A bulk command stops when the remaining items cannot succeed, and after --max-errors. A later run continues it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.bulk_processes import abort, start, wait_until
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.commands import Run, posix
from test.support.raw_server import RawServer
from test.support.sync_account import Account, make, tree

COUNT = 60
REFUSED = Reply(400, {"error": {"message": "no"}})


def report(name: str = "r") -> "Counter[str]":
    """How many items of a report have each status."""
    return Counter(json.loads(line)["status"] for line in Path(name).read_text().splitlines())


def reasons(name: str = "r") -> List[str]:
    items = [json.loads(line) for line in Path(name).read_text().splitlines()]
    return sorted({item["error"] for item in items if item["status"] == "cancelled"})


# -- the local disk


def in_mount(options: str, command: List[str]) -> "subprocess.CompletedProcess[str]":
    """Run `cld` with a small file system of its own at ./disk, mounted with these options; skip where that is denied."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces (Linux)")
    Path("disk").mkdir()
    script = f'mount -t tmpfs -o {options} none disk || exit 77; shift; exec "$@"'
    words = ["unshare", "-rm", "sh", "-c", script, "sh", "x", sys.executable, "-m", "cloudinary_cli", *command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 77:
        pytest.skip("needs to mount a tmpfs")
    return done


@pytest.mark.parametrize(
    ("options", "reason"), [("size=64k", "No space left on device"), ("size=64k,ro", "Read-only file system")]
)
def test_a_full_or_read_only_disk_ends_a_pull_at_once(
    options: str, reason: str, account: Account, tmp_path: Path, cld: Run
) -> None:
    for number in range(COUNT):
        account.add(f"f{number:02}", os.urandom(40_000))
    pull = ["-c", account.config_url(), "sync", "disk", "f", "--pull", "-w", "1"]
    done = in_mount(options, [*pull, "--json", "--report", "r"])
    assert done.returncode == 1 and "Traceback" not in done.stderr
    summary = json.loads(done.stdout)
    assert (summary["failed"], summary["interrupted"], summary["stopped"]) == (1, False, reason)
    assert report()["failed"] == 1 and report()["cancelled"] == COUNT - 1 - report()["ok"] >= COUNT - 3
    assert f"The run was stopped: {reason}. {report()['cancelled']} items were not tried." in done.stderr
    assert reasons() == [f"not tried: {reason}"]

    again = cld(*pull, "--retry-failed", "r")
    assert again.code == 0, again.err
    assert len(tree(tmp_path / "disk")) == COUNT - report()["ok"]


# -- an unreachable host


def test_a_delivery_host_that_does_not_exist_ends_a_pull_after_ten_items(account: Account, cld: Run) -> None:
    for number in range(COUNT):
        account.add(f"f{number:02}", b"x")
    url = account.server.config_url(cname="no-such-host.invalid", secure="false")
    done = cld("-c", url, "sync", "p", "f", "--pull", "-w", "1", "--json", "--report", "r")
    assert done.code == 1 and "Traceback" not in done.err
    assert (report()["failed"], report()["cancelled"]) == (10, COUNT - 10)
    assert json.loads(done.out)["stopped"] == "no-such-host.invalid cannot be reached"
    assert "Cannot connect to no-such-host.invalid: its name cannot be resolved" in done.err
    assert reasons() == ["not tried: no-such-host.invalid cannot be reached"]


def test_requests_in_progress_end_when_the_host_refuses_connections(cld: Run) -> None:
    make("d", *(f"f{number:02}.jpg" for number in range(COUNT)))
    url = "cloudinary://k:s@demo?upload_prefix=http://127.0.0.1:9"
    done = cld("-c", url, "upload_dir", "d", "-fm", "fixed", "-w", "20", "--report", "r")
    assert done.code == 1 and "127.0.0.1:9 cannot be reached" in done.err
    assert "Cannot connect to 127.0.0.1:9: Connection refused. Check the network connection." in done.err
    assert "urllib3" not in done.err and "Max retries" not in done.err
    assert 10 <= report()["failed"] <= 20 and report()["cancelled"] == COUNT - report()["failed"]


def test_a_proxy_of_the_configuration_is_named_when_it_does_not_respond(cld: Run) -> None:
    make("d", "a.jpg")
    url = "cloudinary://k:s@demo?upload_prefix=http://api.example&api_proxy=http://127.0.0.1:9"
    # The setting of the configuration takes precedence over that of the environment.
    done = cld("-c", url, "upload_dir", "d", "-fm", "fixed", env={"HTTP_PROXY": "http://127.0.0.1:10"})
    assert done.code == 1 and "HTTP_PROXY" not in done.err
    assert "The proxy cannot be used to reach api.example: Connection refused." in done.err
    assert "Check api_proxy in the configuration." in done.err


def test_failures_of_a_host_that_has_responded_do_not_stop_a_run(server: CloudinaryServer, cld: Run) -> None:
    make("d", *(f"f{number:02}.jpg" for number in range(COUNT)))
    server.on("POST", "/upload", REFUSED)
    done = cld("-c", server.config_url(), "upload_dir", "d", "-fm", "fixed", "--report", "r")
    assert done.code == 1 and report() == {"failed": COUNT} and "stopped" not in done.err


# -- --max-errors


@pytest.fixture
def accounts(server: CloudinaryServer, tmp_path: Path) -> Dict[str, Any]:
    """Arguments of each bulk command, with work for COUNT requests that all fail."""
    make("d", *(f"f{number:02}.jpg" for number in range(COUNT)))
    names = [f"f{number:02}" for number in range(COUNT)]
    Path("urls").write_text("".join(f"http://old.example/{name}.jpg\n" for name in names))
    assets = [{"public_id": name, "secure_url": f"{server.url}/{name}.jpg", "type": "upload"} for name in names]
    server.on("GET", "/config", {"settings": {"folder_mode": "fixed"}})
    server.on("POST", "/folders/search", {"total_count": 1})
    server.on("GET", "/upload_mappings", {"folder": "m", "template": "http://old.example/"})
    server.on("GET", "/transformations", {"derived": [{"public_id": name} for name in names]})

    def search(request: Request) -> Any:
        is_clone = "type:upload" in request.json["expression"]
        return {"total_count": COUNT if is_clone else 0, "resources": assets if is_clone else []}

    server.on("POST", "/resources/search", search)
    for path in ("/upload", "/explicit"):
        server.on("POST", path, REFUSED)
    server.on("HEAD", ".jpg", Reply(404))
    target = server.config_url("other")
    return {
        "sync": ["sync", "d", "shop", "--push"],
        "upload_dir": ["upload_dir", "d"],
        "clone": ["clone", target],
        "migrate": ["migrate", "m", "urls"],
        "regen_derived": ["regen_derived", "t", "-A", "-F"],
    }


@pytest.mark.parametrize("command", ["sync", "upload_dir", "clone", "migrate", "regen_derived"])
def test_a_run_stops_after_max_errors(
    command: str, accounts: Dict[str, List[str]], server: CloudinaryServer, invoke: Run
) -> None:
    host = server.url.partition("//")[2]
    url = server.config_url(secure_distribution=host, private_cdn="true", secure="false", cname=host)
    limit = ["-w", "1", "--max-errors", "3", "--json", "--report", "r"]
    done = invoke("-c", url, *accounts[command], *limit)
    assert done.code == 1, done.err
    assert (report()["failed"], report()["cancelled"]) == (3, COUNT - 3)
    assert f"The run was stopped: --max-errors 3 is reached. {COUNT - 3} items were not tried." in done.err
    assert json.loads(done.out)["stopped"] == "--max-errors 3 is reached"


def test_a_run_without_failures_ignores_the_limit(server: CloudinaryServer, invoke: Run) -> None:
    make("d", "a.jpg", "b.jpg")
    server.on("POST", "/upload", {"public_id": "x"})
    done = invoke("-c", server.config_url(), "upload_dir", "d", "-fm", "fixed", "--max-errors", "1", "--json")
    assert (done.code, json.loads(done.out)["stopped"]) == (0, None)


# -- requests without a response


@posix
def test_an_aborted_run_names_the_uploads_that_the_server_may_have_completed(server: CloudinaryServer) -> None:
    names = [f"f{number:02}.jpg" for number in range(30)]
    make("d", *names)
    ended = threading.Event()
    server.on("POST", "/upload", lambda request: ended.wait(60) and {})
    process = start("-c", server.config_url(), "upload_dir", "d", "-fm", "fixed", "-w", "25")
    wait_until(lambda: len(server.requests) == 25, process)
    abort(process)
    ended.set()
    err = Path("err").read_text()
    assert err.index("abandoned") < err.index("Run the same command again to do the rest.")
    (line,) = [line for line in Path("err").read_text().splitlines() if "abandoned" in line]
    assert line == (
        "25 items were abandoned without a response. The server may have completed them (a file that is sent in parts is"
        f" stored only with its last part): {', '.join(names[:20])}, and 5 more"
    )


def test_an_upload_whose_response_was_lost_says_that_the_file_may_have_been_uploaded(
    invoke: Run,
) -> None:
    make("d", "a.jpg")

    def close(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.close()

    with RawServer(close) as cut:
        url = f"cloudinary://k:s@demo?upload_prefix=http://{cut.address}"
        # The server chooses the name, so a second upload would be a second asset.
        options = ("-fm", "dynamic", "-o", "use_filename", "true", "-o", "unique_filename", "true")
        done = invoke("-c", url, "upload_dir", "d", *options)
    assert done.code == 1
    assert "The file may have been uploaded. Check before you try again." in done.err
