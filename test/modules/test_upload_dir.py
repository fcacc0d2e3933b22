"""`cld upload_dir` end to end: folders, options, messages, failures and the exit status."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Dict

import pytest

from cloudinary_cli.transfer.upload_dir import joined
from test.support.bulk_processes import abort, interrupt, start, wait_until
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.commands import Run, posix
from test.support.faults import pending_faults, plan_faults
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make
from test.support.upload_requests import accepted, sent, uploads


def test_requests_and_messages(server: CloudinaryServer, up: Run, tmp_path: Path) -> None:
    make("d", "b.jpg", "s/a.jpg", "s/t/c.jpg")
    done = up("d", "-w", "1", "-f", "g")
    path = tmp_path / "d"
    assert (done.code, done.out) == (0, "")
    *lines, end = done.err.splitlines()
    assert end.startswith("Ended after ") and lines == [
        f"Uploading directory '{path}' (dynamic folder mode)",
        f"Successfully uploaded {path / 'b.jpg'} as g/d/b.jpg with public_id: id-b",
        f"Successfully uploaded {path / 's/a.jpg'} as g/d/s/a.jpg with public_id: id-a",
        f"Successfully uploaded {path / 's/t/c.jpg'} as g/d/s/t/c.jpg with public_id: id-c",
        "3 resources uploaded",
    ]
    assert sent(server) == ["g/d/b.jpg", "g/d/s/a.jpg", "g/d/s/t/c.jpg"]
    request = uploads(server)[0]
    assert request.path == "/v1_1/demo/auto/upload" and request.field("use_filename_as_display_name") == "1"
    assert str(tmp_path).encode() not in request.body  # never the local path


def test_fixed_mode(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg")
    server.on("GET", "/config", {"settings": {"folder_mode": "fixed"}})
    assert "as id-a\n" in up("d").err
    assert up("d", "-fm", "DYNAMIC").code == 0
    fixed, dynamic = uploads(server)
    names = ("folder", "use_filename", "unique_filename", "invalidate", "asset_folder")
    assert [fixed.field(name) for name in names] == ["d", "1", "0", "1", None]
    assert (dynamic.field("asset_folder"), dynamic.field("folder")) == ("d", None)
    assert len([request for request in server.requests if request.path.endswith("/config")]) == 1


def test_files_whose_assets_overwrite_each_other_are_named(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg", "a.png", "a.mp4", "s/a.jpg", "b.JPG", "b.jpeg")
    expected = (
        "4 files have the public ID of another file, so only the last upload of each ID is kept: a.jpg, a.png, b.JPG"
    )
    for args in ((), ("--dry-run",)):
        done = up("d", "-fm", "fixed", *args)
        assert done.code == 0 and f"warning: {expected}, b.jpeg." in done.err
    for options in (("dynamic",), ("fixed", "-O", "unique_filename", "true"), ("fixed", "-o", "resource_type", "raw")):
        assert "public ID of another" not in up("d", "-fm", *options).err


def test_options_are_passed_on(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg")
    options = ("-o", "tags", "x,y", "-O", "overwrite", "true", "-t", "w_50,c_limit", "-p", "mine", "-o", "folder", "no")
    assert up("d", "-fm", "fixed", "-f", "g", *options).code == 0
    (request,) = uploads(server)
    names = ("tags", "overwrite", "transformation", "upload_preset", "folder")
    assert [request.field(name) for name in names] == ["x,y", "1", "w_50,c_limit", "mine", "g/d"]
    assert "no option 'tagz'" in up("d", "-o", "tagz", "x").err


@pytest.mark.parametrize(
    ("args", "folders"),
    [
        (("d",), ["d", "d/s"]),
        (("d/",), ["d", "d/s"]),
        (("d", "-e"), [None, "s"]),
        (("d", "-f", "/g/h/"), ["g/h/d", "g/h/d/s"]),
        (("d", "-f", "g//h", "-e"), ["g/h", "g/h/s"]),
        (("d/s/..", "-f", "/"), ["d", "d/s"]),
    ],
)
def test_the_folder_has_no_empty_names(server: CloudinaryServer, up: Run, args: Any, folders: Any) -> None:
    make("d", "a.jpg", "s/b.jpg")
    assert up(*args, "-w", "1").code == 0
    assert [request.field("asset_folder") for request in uploads(server)] == folders


def test_the_current_directory_is_the_default(server: CloudinaryServer, cld: Run, up: Run, tmp_path: Path) -> None:
    make("here", "a.jpg")
    done = cld("-c", server.config_url(), "upload_dir", cwd=str(tmp_path / "here"))
    assert done.code == 0 and sent(server) == ["here/a.jpg"]


def test_a_file_instead_of_a_directory_is_an_error_with_the_right_command(server: CloudinaryServer, up: Run) -> None:
    make(".", "a b.jpg")
    done = up("a b.jpg")
    assert done.code == 1 and "Upload it with: cld uploader upload 'a b.jpg'" in done.err and server.requests == []


def test_an_unreadable_folder_mode_is_an_error(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg")
    server.on("GET", "/config", Reply(403, {"error": {"message": "no"}}))
    done = up("d")
    assert done.code == 1 and "Failed getting cloud configuration, error: " in done.err and not uploads(server)


def test_retry_failed_uploads_only_the_failed_files(server: CloudinaryServer, up: Run) -> None:
    names = [f"f{number:02}.jpg" for number in range(20)]
    make("d", *names)
    bad = set(names[1::7])

    def respond(request: Request) -> Any:
        refused = Reply(400, {"error": {"message": "Invalid image file"}})
        return refused if request.files["file"].filename in bad else accepted(request)

    server.on("POST", "/upload", respond)
    done = up("d", "--json", "--report", "r.jsonl")
    assert done.code == 1 and (json.loads(done.out)["uploaded"], json.loads(done.out)["failed"]) == (17, 3)
    assert "f01.jpg, error: Invalid image file" in done.err and "warning: 3 items skipped" in done.err
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert {line["path"] for line in lines if line["status"] == "failed"} == bad and len(lines) == 20
    server.on("POST", "/upload", accepted)
    del server.requests[:]
    again = up("d", "--retry-failed", "r.jsonl", "--report", "r.jsonl", "-w", "1")
    assert again.code == 0 and sent(server) == [f"d/{name}" for name in sorted(bad)]


@pytest.mark.parametrize("options", [("-w", "0"), ("--shard", "0/2"), ("--retry-failed", "no"), ("-fm", "odd")])
def test_bad_options_are_an_error_before_any_request(server: CloudinaryServer, up: Run, options: Any) -> None:
    make("d", "a.jpg")
    done = up("d", *options)
    assert done.code == 1 and server.requests == [] and "Traceback" not in done.err


def test_doc(cld: Run) -> None:
    done = cld("upload_dir", "-d", env={"BROWSER": "true"})
    assert done.code == 0 and "documentation/cloudinary_cli#upload_dir" in done.text


@pytest.mark.parametrize(("parts", "folder"), [(("/a//b/", "c"), "a/b/c"), (("", ""), ""), (("/",), "")])
def test_joined(parts: Any, folder: str) -> None:
    assert joined(*parts) == folder


def test_everything_arrives_if_a_tenth_of_the_requests_fails_once(
    box: SandboxClient, cld: Run, env: Dict[str, str]
) -> None:
    make("faulted", *(f"s{number % 7}/f{number:03}.jpg" for number in range(300)))
    plan_faults(box, "POST", "/v1_1/sandbox/auto/upload")
    done = cld("upload_dir", "faulted", "-w", "10", "--json", env=env, timeout=150)
    assert done.code == 0, done.err[-2000:]
    assert (json.loads(done.out)["uploaded"], json.loads(done.out)["failed"]) == (300, 0)
    assert pending_faults(box) == 0
    assets = [
        asset for asset in box.server.state.assets("sandbox").all() if asset["asset_folder"].startswith("faulted/")
    ]
    # No upload with a lost response has created a second asset.
    assert sorted(f"{asset['asset_folder']}/{asset['display_name']}" for asset in assets) == sorted(
        f"faulted/s{number % 7}/f{number:03}" for number in range(300)
    )


@posix
def test_ctrl_c_once_and_twice(server: CloudinaryServer, up: Run) -> None:
    make("d", *(f"f{number}.jpg" for number in range(10)))
    gate = threading.Event()

    def slow(request: Request) -> Any:
        gate.wait(20)
        return accepted(request)

    server.on("POST", "/upload", slow)
    command = ("-c", server.config_url(), "upload_dir", "d", "-w", "2", "--json", "--report", "r.jsonl")
    process = start(*command)
    wait_until(lambda: len(uploads(server)) == 2, process)
    interrupt(process)
    gate.set()
    assert process.wait(30) == 130
    summary = json.loads(Path("out").read_text())
    assert (summary["uploaded"], summary["cancelled"], summary["interrupted"]) == (2, 8, True)
    assert len(uploads(server)) == 2 and "2 resources uploaded" in Path("err").read_text()
    again = up("d", "--retry-failed", "r.jsonl", "--json")
    assert again.code == 0 and json.loads(again.out)["uploaded"] == 8

    gate.clear()
    process = start(*command)
    wait_until(lambda: len(uploads(server)) == 12, process)
    abort(process)
    gate.set()
