"""`cld upload_dir` end to end: which files, where to, what is sent and said, faults, and how it ends."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from cloudinary_cli.transfer.upload_dir import glob_pattern, joined
from test.modules.faults import pending_faults, plan_faults
from test.modules.processes import abort, interrupt, start, wait_until
from test.modules.sync_world import make
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Any]
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals, pipes and links")


def accepted(request: Request) -> Dict[str, Any]:
    name, dot, extension = str(request.files["file"].filename).partition(".")
    return {
        "public_id": "id-" + name,
        "asset_folder": request.field("asset_folder"),
        "display_name": name,
        "format": extension,
        "secure_url": f"https://x/{name}{dot}{extension}",
        "etag": "e",
    }


@pytest.fixture
def up(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld upload_dir ARGS` with the scripted server in dynamic folder mode."""
    server.on("GET", "/config", {"settings": {"folder_mode": "dynamic"}})
    server.on("POST", "/upload", accepted)
    return lambda *args, **kw: invoke("-c", server.config_url(timeout="2"), "upload_dir", *args, **kw)


def uploads(server: CloudinaryServer) -> List[Request]:
    return [request for request in server.requests if request.path.endswith("/upload")]


def sent(server: CloudinaryServer) -> List[str]:
    """`folder/file name` of each upload, in order."""
    return [f"{request.field('asset_folder')}/{request.files['file'].filename}" for request in uploads(server)]


def test_what_is_sent_and_said(server: CloudinaryServer, up: Run, tmp_path: Path) -> None:
    make("d", "b.jpg", "s/a.jpg", "s/t/c.jpg")
    done = up("d", "-w", "1", "-f", "g")
    path = tmp_path / "d"
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        f"Uploading directory '{path}' (dynamic folder mode)",
        f"Successfully uploaded {path / 'b.jpg'} as g/d/b.jpg with public_id: id-b",
        f"Successfully uploaded {path / 's/a.jpg'} as g/d/s/a.jpg with public_id: id-a",
        f"Successfully uploaded {path / 's/t/c.jpg'} as g/d/s/t/c.jpg with public_id: id-c",
        "3 resources uploaded",
    ]
    assert sent(server) == ["g/d/b.jpg", "g/d/s/a.jpg", "g/d/s/t/c.jpg"]
    request = uploads(server)[0]
    assert request.path == "/v1_1/demo/auto/upload" and request.field("use_filename_as_display_name") == "1"
    assert str(tmp_path).encode() not in request.body  # nobody's directories


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


def test_a_file_is_an_error_that_says_what_to_type(server: CloudinaryServer, up: Run) -> None:
    make(".", "a b.jpg")
    done = up("a b.jpg")
    assert done.code == 1 and "Upload it with: cld uploader upload 'a b.jpg'" in done.err and server.requests == []


@pytest.mark.parametrize(
    ("glob", "text"),
    [
        ("../x/*", "leads out of the directory"),
        ("s/../../x/*", "leads out of the directory"),
        ("/x/*", "is absolute"),
        ("", "is empty"),
        ("./", "is empty"),
        ("[z-a]", "cannot be used"),
    ],
)
def test_a_glob_that_cannot_be_meant(server: CloudinaryServer, up: Run, glob: str, text: str) -> None:
    make("d", "a.jpg")
    make("x", "secret.jpg")
    done = up("d", "-g", glob)
    assert done.code == 1 and text in done.err and "Traceback" not in done.err and server.requests == []


GLOBS = [
    "**/*",
    "*",
    "*.jpg",
    "**/*.jpg",
    "s/*",
    "s/**/*",
    "*/*.jpg",
    "**/t/*",
    "?.jpg",
    "[ab].jpg",
    "[!a]*",
    "s/t/c.jpg",
]
GLOBS += [
    "./*.jpg",
    "**/**/*.jpg",
    "s//a.jpg",
    "**/s/**/*.jpg",
    "a.jpg",
    "no*",
    "*.[jp][pn]g",
    "{a,b}.jpg",
    "a+.jpg",
    "*/",
]


@pytest.mark.parametrize("glob", GLOBS)
def test_globs_find_what_pathlib_finds(glob: str) -> None:
    make(
        "d",
        "a.jpg",
        "b.png",
        "ab.jpg",
        "a+.jpg",
        "aa.jpg",
        "s/a.jpg",
        "s/t/c.jpg",
        "u/t/d.jpg",
        "{a,b}.jpg",
        "s/s/x.jpg",
    )
    files = [path for path in Path("d").rglob("*") if path.is_file()]
    pattern = glob_pattern(glob)
    found = {path.relative_to("d").as_posix() for path in files if pattern.match(path.relative_to("d").as_posix())}
    expected = {path.relative_to("d").as_posix() for path in Path("d").glob(glob) if path.is_file()}
    if glob == "*/":  # since Python 3.11 directories only, before that everything
        expected = found
    assert found == expected


def test_two_stars_at_the_end_are_everything_below() -> None:
    assert all(glob_pattern("**").match(name) for name in ("a", "s/a"))
    assert glob_pattern("s/**").match("s/t/a") and not glob_pattern("s/**").match("t/a")
    assert glob_pattern("a**b").match("axb") and not glob_pattern("a**b").match("a/b")


def test_hidden_files_and_directories_only_when_asked_for(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg", ".git/x.jpg", "s/.h/y.jpg", "s/.z.jpg", ".cld-sync", "s/.cld-sync")
    assert up("d", "-w", "1").code == 0 and sent(server) == ["d/a.jpg"]
    assert up("d", "-g", ".git/*").code == 0 and len(uploads(server)) == 1
    assert up("d", "-H", "-w", "1").code == 0
    assert sent(server)[1:] == ["d/.git/x.jpg", "d/a.jpg", "d/s/.h/y.jpg", "d/s/.z.jpg"]


@posix
def test_links_pipes_and_what_else_is_no_file(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg", "s/c.txt")
    make("outside", "o.jpg")
    os.symlink("/nonexistent", "d/broken.jpg")
    os.symlink("/nonexistent", "d/broken.txt")
    os.symlink("../outside", "d/linked")
    os.symlink("../outside/o.jpg", "d/l.jpg")
    os.mkfifo("d/pipe.jpg")
    done = up("d", "-g", "**/*.jpg", "-w", "1", "--report", "r.jsonl")
    assert done.code == 1 and sent(server) == ["d/a.jpg", "d/l.jpg"]
    assert "'broken.jpg' is left out: it is a broken link" in done.err and "broken.txt" not in done.err
    assert "'pipe.jpg' is left out: it is a named pipe" in done.err
    assert "2 resources uploaded" in done.err and "warning: 2 items skipped" in done.err
    assert len(Path("r.jsonl").read_text().splitlines()) == 4


def test_missing_and_empty(server: CloudinaryServer, up: Run, tmp_path: Path) -> None:
    done = up("nowhere")
    assert done.code == 1 and f"error: Directory: {tmp_path / 'nowhere'} does not exist" in done.err
    Path("d").mkdir()
    done = up("d", "--json")
    assert done.code == 0 and "No file of" in done.err and json.loads(done.out)["uploaded"] == 0


def test_the_folder_mode_cannot_be_had(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg")
    server.on("GET", "/config", Reply(403, {"error": {"message": "no"}}))
    done = up("d")
    assert done.code == 1 and "Failed getting cloud configuration, error: " in done.err and not uploads(server)


def test_files_go_and_are_told_in_sorted_order(server: CloudinaryServer, up: Run) -> None:
    names = [f"{chr(97 + number % 5)}/{(number * 7) % 40:02}.jpg" for number in range(40)]
    make("d", *names)
    told = []
    for _ in range(2):
        done = up("d", "-w", "8")
        told.append([line.split()[2] for line in done.err.splitlines() if line.startswith("Successfully")])
    assert told[0] == told[1] and [path.split("/d/")[1] for path in told[0]] == sorted(names)


def test_dry_run_filters_and_shards(server: CloudinaryServer, up: Run) -> None:
    make("d", "a.jpg", "b.png", "tmp/c.jpg", "s/d.jpg")
    done = up("d", "-f", "g", "--exclude", "tmp/", "--include", "*.jpg", "--exclude", "**", "--dry-run", "--json")
    assert done.code == 0 and json.loads(done.out)["would_upload"] == 2 and not uploads(server)
    assert done.err.splitlines()[-2:] == ["a.jpg into g/d", "s/d.jpg into g/d/s"]
    for part in (1, 2):
        assert up("d", "--shard", f"{part}/2").code == 0
    assert sorted(sent(server)) == ["d/a.jpg", "d/b.png", "d/s/d.jpg", "d/tmp/c.jpg"]


def test_what_failed_is_done_again_alone(server: CloudinaryServer, up: Run) -> None:
    names = [f"f{number:02}.jpg" for number in range(20)]
    make("d", *names)
    bad = set(names[1::7])

    def answer(request: Request) -> Any:
        refused = Reply(400, {"error": {"message": "Invalid image file"}})
        return refused if request.files["file"].filename in bad else accepted(request)

    server.on("POST", "/upload", answer)
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
def test_bad_options_are_met_first(server: CloudinaryServer, up: Run, options: Any) -> None:
    make("d", "a.jpg")
    done = up("d", *options)
    assert done.code == 1 and server.requests == [] and "Traceback" not in done.err


def test_doc(cld: Run) -> None:
    done = cld("upload_dir", "-d", env={"BROWSER": "true"})
    assert done.code == 0 and "documentation/cloudinary_cli#upload_dir" in done.text


@pytest.mark.parametrize(("parts", "folder"), [(("/a//b/", "c"), "a/b/c"), (("", ""), ""), (("/",), "")])
def test_joined(parts: Any, folder: str) -> None:
    assert joined(*parts) == folder


def test_with_a_tenth_of_the_requests_faulted_once_everything_arrives(
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
    # No answer that was lost made a second asset.
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
