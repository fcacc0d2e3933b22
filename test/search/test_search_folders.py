"""`cld search_folders` against a scripted API and the sandbox: the options that it shares with `cld search`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


@pytest.fixture
def folders(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld search_folders ARGS` in this process, with the scripted server as the API."""
    return lambda *args, **kw: invoke("-c", server.config_url(), "search_folders", *args, **kw)


def test_the_request_and_the_printed_response(server: CloudinaryServer, folders: Run) -> None:
    response = {"total_count": 1, "folders": [{"name": "a", "path": "x/a"}]}
    server.reply(response)
    result = folders("name:a*", "OR", "b", "-s", "name", "asc", "-n", "5")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1_1/demo/folders/search")
    assert request.json == {"expression": "name:a* OR b", "sort_by": [{"name": "asc"}], "max_results": 5}
    assert (result.code, result.err, json.loads(result.out)) == (0, "", response)


def test_all_pages_and_files(server: CloudinaryServer, folders: Run, tmp_path: Path) -> None:
    server.reply({"time": 1, "folders": [{"name": "a"}], "next_cursor": "2"}, {"time": 2, "folders": [{"name": "b"}]})
    result = folders("-A", "-F", "--csv", str(tmp_path / "f"), "-ff", "name")
    assert json.loads(result.out) == {"folders": [{"name": "a"}, {"name": "b"}], "time": 3}
    assert (tmp_path / "f.csv").read_bytes() == b"name\r\na\r\nb\r\n"


def test_asset_options_are_named_and_not_sent(server: CloudinaryServer, folders: Run) -> None:
    server.reply({"folders": [{"name": "a", "tags": 1}]})
    result = folders("x", "-fi", "a", "-f", "tags", "-a", "c", "-ff", "name")
    assert server.requests[0].json == {"expression": "x", "max_results": 10}
    assert (
        result.err
        == "warning: Folder search has no -f/--with_field, -fi/--fields, -a/--aggregate, so it was not sent.\n"
    )
    assert (result.code, json.loads(result.out)) == (0, {"folders": [{"name": "a"}]})


@pytest.mark.parametrize("args", [["-u"], ["-t", "5"]])
def test_there_are_no_search_urls_of_folders(server: CloudinaryServer, folders: Run, args: List[str]) -> None:
    result = folders("x", *args)
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert "Folder search has no search URLs. -u and -t work only with `cld search`." in result.err


def test_doc_opens_the_reference(cld: Run) -> None:
    result = cld("search_folders", "-d", env={"BROWSER": "true"})
    assert result.code == 0 and "https://cloudinary.com/documentation/admin_api#search_folders" in result.text


def test_help_shows_only_what_there_is(invoke: Run) -> None:
    out = invoke("search_folders", "--help").out
    assert "--sort_by" in out and "--url" not in out and "--search-query" not in out
    assert not [option for option in ("--with_field", "--fields", "--aggregate") if option in out]
    assert all(option in invoke("search", "--help").out for option in ("--with_field", "--fields", "--aggregate"))


def test_against_the_sandbox(tmp_path: Path, invoke: Run) -> None:
    with SandboxServer(SandboxSettings(tmp_path / "sandbox")) as sandbox:
        settings = sandbox.settings
        keys = f"{settings.api_key}:{settings.api_secret}"
        config = f"cloudinary://{keys}@{settings.cloud_name}?upload_prefix={sandbox.base_url}"
        for name in ("shoes", "shirts"):
            assert invoke("-c", config, "admin", "create_folder", name).code == 0
        result = invoke("-c", config, "search_folders", "name:sho*")
        assert [folder["name"] for folder in json.loads(result.out)["folders"]] == ["shoes"], result
