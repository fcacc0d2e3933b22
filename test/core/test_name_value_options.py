"""`-o NAME=VALUE` and `-o NAME VALUE` mean the same for every command that has the option."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, List

import pytest

from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]
FORMS = [
    ["-o", "public_id=p"],
    ["-o", "public_id", "p"],
    ["-opublic_id=p"],
    ["-Ho", "public_id=p"],
    ["-O", "public_id=p"],
    ["--optional_parameter", "public_id=p"],
    ["--optional-parameter", "public_id=p"],
    ["--optional-parameter=public_id=p"],
    ["--optional_parameter_parsed=public_id=p"],
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "photos"
    path.mkdir()
    (path / "a.jpg").write_bytes(b"a")
    return path


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_an_upload_option_does_not_take_the_directory(
    form: List[str], folder: Path, server: CloudinaryServer, invoke: Run
) -> None:
    server.on("POST", "/upload", {"public_id": "p"})
    done = invoke("-c", server.config_url(), "upload_dir", "-fm", "fixed", *form, "photos")
    assert (done.code, "1 resources uploaded" in done.err) == (0, True), done.err
    assert [request.field("public_id") for request in server.requests] == ["p"]


def test_sync_takes_an_option_written_as_one_word(folder: Path, server: CloudinaryServer, invoke: Run) -> None:
    server.on("POST", "/resources/search", {"resources": []})
    server.on("POST", "/upload", {"public_id": "p"})
    done = invoke("-c", server.config_url(), "sync", "-fm", "fixed", "--push", "-o", "tags=x", "photos", "-K", "shop")
    assert done.code == 0, done.err
    upload = next(request for request in server.requests if request.path.endswith("/upload"))
    assert (upload.field("tags"), upload.field("folder")) == ("x", "shop")


def test_an_option_name_may_have_dashes_in_an_api_command(server: CloudinaryServer, invoke: Run) -> None:
    done = invoke("-c", server.config_url(), "admin", "resources", "--optional-parameter", "prefix=p", "--force")
    assert done.code == 0, done.err
    assert server.requests[0].query == {"prefix": ["p"]}
