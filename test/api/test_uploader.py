"""`cld uploader` against a scripted API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply

Run = Callable[..., Any]


@pytest.fixture
def uploader(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld uploader ARGS` in this process, with the scripted server as the API."""
    return lambda *args, **kw: invoke("-c", server.config_url(), "uploader", *args, **kw)


def test_upload_of_a_file(server: CloudinaryServer, uploader: Run, tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"\xff\xd8\r\nbytes")
    server.reply({"public_id": "a"})
    result = uploader("upload", str(source), "folder=x", "tags=a,b", "-o", "public_id", "123", "--overwrite")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["public_id"] == "a"
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1_1/demo/auto/upload")
    form = {name: values[0] for name, values in request.form.items()}
    assert form.pop("signature") and form.pop("timestamp")
    assert form == {"folder": "x", "tags": "a,b", "public_id": "123", "overwrite": "1", "api_key": "key"}
    assert request.files["file"].content == b"\xff\xd8\r\nbytes"


def test_the_resource_type_can_be_given(server: CloudinaryServer, uploader: Run) -> None:
    uploader("upload", "https://example.com/a.jpg", "resource_type=raw")
    uploader("upload", "https://example.com/a.jpg", "--resource-type", "video")
    uploader("unsigned_upload", "https://example.com/a.jpg", "preset")
    uploader("upload_large", "https://example.com/a.jpg")
    kinds = [path.split("/")[3] for path in server.paths()]
    assert kinds == ["raw", "video", "auto", "auto"]
    assert server.requests[0].field("file") == "https://example.com/a.jpg"
    assert server.requests[2].field("signature") is None


def test_the_method_name_alone_is_a_command(server: CloudinaryServer, invoke: Run) -> None:
    assert invoke("-c", server.config_url(), "upload", "https://example.com/a.jpg").code == 0
    assert server.paths() == ["POST /v1_1/demo/auto/upload"]


def test_a_login_is_sent_as_bearer_without_signature(server: CloudinaryServer, invoke: Run) -> None:
    url = server.config_url(credentials="", oauth_token="TOKEN")
    assert invoke("-c", url, "upload", "https://example.com/a.jpg").code == 0
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer TOKEN"
    assert request.field("signature") is None


@pytest.mark.parametrize("method", ["upload", "upload_large", "unsigned_upload"])
def test_a_missing_file_is_one_line_before_any_request(server: CloudinaryServer, uploader: Run, method: str) -> None:
    extra = ["preset"] if method == "unsigned_upload" else []
    result = uploader(method, "nowhere.jpg", *extra)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: No such file or directory: 'nowhere.jpg'. Give a local path, a URL")
    assert result.err.count("\n") == 1
    assert server.requests == []


def test_a_directory_is_no_file(server: CloudinaryServer, uploader: Run, tmp_path: Path) -> None:
    result = uploader("upload", str(tmp_path))
    assert result.code == 1
    assert "is a directory. Upload all of its files with: cld upload_dir" in result.err
    assert server.requests == []


def test_tags_and_contexts(server: CloudinaryServer, uploader: Run) -> None:
    uploader("add_tag", "t", "a", "b", "123")
    uploader("add_context", "alt=x|k=v", "a")
    uploader("update_metadata", '{"f":"v"}', "a", "b")
    add_tag, add_context, update_metadata = server.requests
    assert add_tag.path == "/v1_1/demo/image/tags"
    assert add_tag.form["public_ids[]"] == ["a", "b", "123"]
    assert (add_tag.field("tag"), add_tag.field("command")) == ("t", "add")
    assert add_context.field("context") == "alt=x|k=v"
    assert (update_metadata.field("metadata"), update_metadata.form["public_ids[]"]) == ("f=v", ["a", "b"])


@pytest.mark.parametrize("words", [["NaN"], ["public_id=1e5"], ["-o", "public_id", "1e5"], ["123"]])
def test_numeric_ids_are_destroyed(server: CloudinaryServer, uploader: Run, words: Any) -> None:
    assert uploader("destroy", *words, "-F").code == 0
    assert server.requests[0].field("public_id") == words[-1].replace("public_id=", "")


def test_an_api_error_is_the_servers_message(server: CloudinaryServer, uploader: Run) -> None:
    server.reply(Reply(400, {"error": {"message": "Invalid image file"}}))
    result = uploader("upload", "https://example.com/a.jpg")
    assert (result.code, result.out, result.err) == (1, "", "error: Invalid image file\n")


def test_an_error_status_without_an_error_key_fails(server: CloudinaryServer, uploader: Run) -> None:
    server.reply(Reply(500, {"foo": 1}))
    result = uploader("upload", "https://example.com/a.jpg")
    assert (result.code, result.out) == (1, "")
    assert len(server.requests) == 1  # a POST is not repeated


def test_a_rate_limit_is_waited_for(server: CloudinaryServer, uploader: Run) -> None:
    server.reply(Reply(429, {"error": {"message": "slow"}}, {"Retry-After": "0"}), {"public_id": "a"})
    result = uploader("upload", "https://example.com/a.jpg")
    assert (result.code, result.err) == (0, "")
    assert len(server.requests) == 2


def test_a_helper_is_no_method(server: CloudinaryServer, uploader: Run) -> None:
    result = uploader("build_eager", "x")
    assert result.code == 1
    assert "Method build_eager does not exist in Upload." in result.err


def test_listing_and_documentation(invoke: Run, cld: Run) -> None:
    result = invoke("-v", "error", "uploader")
    assert (result.code, result.err) == (0, "")
    assert len(result.out.splitlines()) == 22
    assert "image_upload_api_reference" in cld("uploader", "-d").out


def test_save(server: CloudinaryServer, uploader: Run, tmp_path: Path) -> None:
    server.reply({"public_id": "a"})
    uploader("upload", "https://example.com/a.jpg", "--save", str(tmp_path / "x.json"))
    assert json.loads((tmp_path / "x.json").read_text()) == {"public_id": "a"}
