"""`cld upload *.jpg`: one upload per file, and one list of responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply, Request

Run = Callable[..., Any]


def named_response(request: Request) -> Any:
    (file,) = request.files.values()
    if file.content == b"bad":
        return Reply(400, {"error": {"message": "Invalid image file"}})
    return {"name": file.filename, "tags": request.field("tags")}


@pytest.fixture
def upload(server: CloudinaryServer, invoke: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run an upload method in a directory with a.jpg, b.jpg and bad.jpg; the responses name the files."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg", "bad.jpg", "pic=1.jpg"):
        Path(name).write_bytes(b"bad" if name == "bad.jpg" else name.encode())
    server.on("POST", "/upload", named_response)
    return lambda *words: invoke("-c", server.config_url(), *words)


def names(done: Any) -> List[str]:
    return [response.get("name") for response in json.loads(done.out)]


@pytest.mark.parametrize("method", ["upload", "upload_large"])
def test_each_file_is_uploaded_with_the_same_options(upload: Run, server: CloudinaryServer, method: str) -> None:
    done = upload(method, "a.jpg", "--tags", "x", "b.jpg", "use_filename=true")
    assert (done.code, done.err, names(done)) == (0, "", ["a.jpg", "b.jpg"])
    assert [request.field("tags") for request in server.requests] == ["x", "x"]
    assert [request.field("use_filename") for request in server.requests] == ["1", "1"]


def test_one_file_still_prints_one_object(upload: Run) -> None:
    assert json.loads(upload("upload", "a.jpg", "tags=x").out) == {"name": "a.jpg", "tags": "x"}


def test_a_failed_file_does_not_stop_the_others_and_the_exit_status_is_1(upload: Run, tmp_path: Path) -> None:
    done = upload("upload", "a.jpg", "bad.jpg", "b.jpg", "--save", "all.json")
    assert done.code == 1 and names(done) == ["a.jpg", None, "b.jpg"]
    assert json.loads(done.out)[1] == {"file": "bad.jpg", "error": {"message": "Invalid image file"}}
    assert "error: bad.jpg: Invalid image file" in done.err and "1 of 3 files were not uploaded." in done.err
    assert json.loads((tmp_path / "all.json").read_text()) == json.loads(done.out)


def test_a_file_name_with_an_equals_sign(upload: Run) -> None:
    assert names(upload("upload", "a.jpg", "pic=1.jpg")) == ["a.jpg", "pic=1.jpg"]


def test_urls_with_a_query_are_files_too(upload: Run, server: CloudinaryServer) -> None:
    server.on("POST", "/upload", lambda request: {"name": request.field("file")})
    urls = ["https://example.com/a.jpg?v=1", "https://example.com/b.jpg?v=2"]
    done = upload("upload", *urls, "tags=x")
    assert (done.code, done.err, names(done)) == (0, "", urls)


def test_nothing_is_uploaded_when_a_file_is_missing(upload: Run, server: CloudinaryServer) -> None:
    done = upload("upload", "a.jpg", "nope.jpg")
    assert (done.code, done.out, server.requests) == (1, "", [])
    assert "'nope.jpg'" in done.err and "Nothing was uploaded." in done.err


def test_a_pasted_secret_is_not_repeated(upload: Run, server: CloudinaryServer) -> None:
    secret = "abcdEFGH1234ijklMNOP5678"
    done = upload("upload", "a.jpg", secret)
    assert done.code == 1 and secret not in done.err and "File 2 cannot be uploaded" in done.err


def test_one_public_id_for_several_files_is_refused(upload: Run, server: CloudinaryServer) -> None:
    done = upload("upload", "a.jpg", "b.jpg", "public_id=x")
    assert (done.code, server.requests) == (1, []) and "public_id is the name of one asset" in done.err


def test_rejected_credentials_end_the_command_at_the_first_file(server: CloudinaryServer, upload: Run) -> None:
    server.on("POST", "/upload", Reply(401, {"error": {"message": "no"}}))
    done = upload("upload", "a.jpg", "b.jpg")
    assert (done.code, done.out, len(server.requests)) == (1, "", 1)


def test_unsigned_uploads_take_the_preset_by_position_for_one_file_and_by_name_for_several(
    upload: Run, server: CloudinaryServer
) -> None:
    assert json.loads(upload("unsigned_upload", "a.jpg", "p").out)["name"] == "a.jpg"
    assert server.requests[0].field("upload_preset") == "p"
    assert names(upload("unsigned_upload", "a.jpg", "b.jpg", "upload_preset=p")) == ["a.jpg", "b.jpg"]
    done = upload("unsigned_upload", "a.jpg", "b.jpg", "p")
    assert done.code == 1 and "upload_preset=NAME" in done.err


def test_other_methods_take_no_further_files(upload: Run, server: CloudinaryServer) -> None:
    done = upload("explode", "a", "b.jpg")
    assert done.code == 1 and "takes at most 1 positional argument" in done.err and server.requests == []
