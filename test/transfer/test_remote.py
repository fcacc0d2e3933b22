"""The listing of a remote folder, against the scripted API and the sandbox."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.transfer.keys import FolderMode
from cloudinary_cli.transfer.remote import RemoteIndex, RemoteQuery, expression, folder_mode, list_folder
from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.sandbox_client import SandboxClient

List_ = Callable[..., RemoteIndex]
DYNAMIC = {"settings": {"folder_mode": "dynamic"}}
NO = Reply(400, {"error": {"message": "no"}})


@pytest.fixture
def listed(server: CloudinaryServer) -> List_:
    """Install the scripted server as the active configuration, and list."""
    from cloudinary_cli.auth import oauth_config
    from cloudinary_cli.sdk import activation, loader

    server.on("GET", "/config", DYNAMIC)
    server.on("POST", "/folders/search", {"total_count": 1, "folders": [{}]})
    loader.load()
    oauth_config.install_oauth_config(server.config_url(), None)
    activation.install_transport()
    return lambda folder="f", mode=None, status=None: list_folder(RemoteQuery(folder, mode, status), time.time)


def result(name: str, **more: Any) -> Dict[str, Any]:
    return {"public_id": f"id-{name}", "display_name": name, "asset_folder": "f", "format": "jpg", **more}


def searched(server: CloudinaryServer, path: str = "/resources/search") -> List[Any]:
    return [request.json for request in server.requests if request.path.endswith(path)]


def test_all_pages_500_each(server: CloudinaryServer, listed: List_) -> None:
    server.on(
        "POST",
        "/resources/search",
        {"resources": [result("a")], "next_cursor": "c1"},
        {"resources": [result("b"), result("a")]},
    )
    index = listed()
    assert [asset.key for asset in index.assets] == ["a.jpg", "b.jpg"]
    assert index.mode is FolderMode.DYNAMIC and index.exists
    first, second = searched(server)
    assert first == {"expression": 'asset_folder:"f/*"', "max_results": 500, "with_field": ["image_analysis"]}
    assert second["next_cursor"] == "c1"


def test_the_folder_mode_is_requested_only_if_it_is_not_given(server: CloudinaryServer, listed: List_) -> None:
    server.on("POST", "/resources/search", {"resources": [{"public_id": "f/a", "format": "png"}]})
    assert [asset.key for asset in listed(mode=FolderMode.FIXED).assets] == ["a.png"]
    assert not [request for request in server.requests if request.path.endswith("/config")]
    assert searched(server)[0]["expression"] == 'folder:"f/*"'


@pytest.mark.parametrize("response", [NO, {}, {"settings": {"folder_mode": "odd"}}, {"settings": None}, []])
def test_a_folder_mode_that_cannot_be_read_is_an_error(server: CloudinaryServer, listed: List_, response: Any) -> None:
    server.on("GET", "/config", response)
    with pytest.raises(CliError, match="^Failed getting cloud configuration, error: "):
        folder_mode()
    assert "settings" in server.requests[-1].query


def test_a_missing_folder_and_an_empty_folder(server: CloudinaryServer, listed: List_) -> None:
    server.on("POST", "/resources/search", {"resources": []})
    assert listed().exists
    server.on("POST", "/folders/search", {"total_count": 0, "folders": []})
    assert not listed().exists
    assert searched(server, "/folders/search")[-1]["expression"] == 'path="f"'
    assert listed("").exists


def test_a_folder_with_assets_exists_whatever_folder_search_says(server: CloudinaryServer, listed: List_) -> None:
    server.on("POST", "/resources/search", {"resources": [result("a")]})
    server.on("POST", "/folders/search", NO)
    assert listed().exists


def test_quotes_and_backslashes_in_a_folder_name_are_escaped(server: CloudinaryServer, listed: List_) -> None:
    server.on("POST", "/resources/search", {"resources": []})
    listed('a"b\\c')
    assert searched(server)[0]["expression"] == 'asset_folder:"a\\"b\\\\c/*"'
    assert searched(server, "/folders/search")[0]["expression"] == 'path="a\\"b\\\\c"'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (RemoteQuery(), 'folder:"*"'),
        (RemoteQuery("a/b", status="active"), 'folder:"a/b/*" AND status:active'),
        (RemoteQuery("a", status="all"), 'folder:"a/*" AND status:(active OR pending)'),
        (RemoteQuery("\u00e9", status="active"), '(folder:"\u00e9/*" OR folder:"e\u0301/*") AND status:active'),
    ],
)
def test_expressions(query: RemoteQuery, expected: str) -> None:
    assert expression(query, FolderMode.FIXED) == expected


def test_results_with_missing_members(server: CloudinaryServer, listed: List_) -> None:
    results = [{"public_id": "x"}, {"public_id": "y", "created_at": None, "format": None}, {}, None, {"public_id": 7}]
    server.on("POST", "/resources/search", {"resources": results})
    index = listed()
    assert [asset.key for asset in index.assets] == ["x", "y"] and index.outside == 3


def test_results_outside_the_folder_are_ignored(server: CloudinaryServer, listed: List_) -> None:
    server.on("POST", "/resources/search", {"resources": [result("a"), result("b", asset_folder="f2")]})
    index = listed()
    assert [asset.key for asset in index.assets] == ["a.jpg"] and index.outside == 1


def test_a_page_is_requested_again_and_a_lasting_failure_is_an_error(server: CloudinaryServer, listed: List_) -> None:
    server.on("POST", "/resources/search", Reply(502, {"error": {"message": "x"}}), {"resources": [result("a")]})
    assert len(listed().assets) == 1
    server.on("POST", "/resources/search", {"resources": [result("a")], "next_cursor": "c"}, NO)
    with pytest.raises(ApiError):
        listed()
    server.on("POST", "/resources/search", {"oops": 1})
    with pytest.raises(ApiError, match="no list"):
        listed()


def test_the_sandbox_lists_what_was_uploaded(box: SandboxClient) -> None:
    from cloudinary_cli.auth import oauth_config
    from cloudinary_cli.sdk import activation, loader

    environment = box.server.environment(Path("x"))
    loader.load()
    oauth_config.install_oauth_config(environment["CLOUDINARY_URL"], None)
    activation.install_transport()
    uploader = loader.module("uploader")
    for folder in ('q"uote', 'q"uote/sub', "other"):
        uploader.upload("data:image/gif;base64,R0lGODlhAQABAAAAACw=", asset_folder=folder, display_name="pic")
    index = list_folder(RemoteQuery('q"uote'), time.time)
    assert sorted(asset.key for asset in index.assets) == ["pic.gif", "sub/pic.gif"]
    assert {asset.size for asset in index.assets} == {14} and all(asset.etag for asset in index.assets)
    assert len(list_folder(RemoteQuery(), time.time).assets) >= 3
