"""The expression language and the search routes."""

from __future__ import annotations

import io
from typing import Any, Callable, Dict, List

import cloudinary
import cloudinary.search
import cloudinary.search_folders
import cloudinary.uploader
import pytest
from cloudinary.exceptions import BadRequest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.search_expr import compile_expression
from cloudinary_cli.search.expression import ExpressionError

from .conftest import sdk_options
from .helpers import png, session

NOW = 1_700_000_000.0
RECORD: Dict[str, Any] = {
    "public_id": "trip/cat-01",
    "filename": "cat-01",
    "display_name": "My Cat",
    "asset_folder": "F/G",
    "folder": "F/G",
    "tags": ["black cat", "pet"],
    "context": {"alt": "a (b) c"},
    "metadata": {"m": "1"},
    "type": "upload",
    "resource_type": "image",
    "format": "png",
    "status": "active",
    "bytes": 1500,
    "width": 30,
    "created_at": "2023-11-14T00:00:00Z",
}

MATCHES = [
    "",
    "*",
    "cat",
    "CAT",
    "trip",
    "tri*",
    "type:upload",
    "type = upload",
    "type:upload AND resource_type:image",
    "type:upload resource_type:image",
    "type:private OR type:upload",
    "type:private OR type:authenticated OR type:upload",
    "NOT type:private",
    "-type:private",
    "-tags:dog",
    "NOT (type:private OR type:authenticated)",
    "(type:upload OR type:private) AND (status:active OR status:pending)",
    'folder:"F/*"',
    'asset_folder:"F/*"',
    'asset_folder:"F/G/*"',
    "asset_folder=F/G",
    "asset_folder:F/G",
    'folder:"*"',
    "tags:pet",
    "tags:cat",
    'tags="black cat"',
    "tags:(dog OR pet)",
    "type:(private OR upload)",
    "public_id:trip/cat-01",
    "public_id:trip/*",
    'public_id="trip/cat-01"',
    "filename:cat*",
    'display_name="My Cat"',
    "display_name:cat",
    "format:png",
    "bytes>1000",
    "bytes>=1500",
    "bytes:1500",
    "bytes<2kb",
    "bytes:[1000 TO 2000]",
    "bytes:{1000 TO *]",
    "created_at>2023-11-01",
    "created_at:2023-11-14",
    "created_at<1h",
    "created_at>1d",
    'created_at:["2023-11-01" TO "2023-12-01"]'.replace('"', ""),
    'context.alt="a (b) c"',
    "metadata.m=1",
    'type:upload AND format="png" AND NOT tags:dog',
    "type:private AND type:x OR type:upload",
]

MISSES = [
    "dog",
    "type:private",
    "type:upload AND tags:dog",
    'folder:"G/*"',
    "folder:F",
    "asset_folder=F",
    "tags=cat",
    "tags:ca",
    "public_id:trip",
    "bytes<1kb",
    "bytes>1500",
    "bytes:{1500 TO 2000}",
    "created_at>2023-11-15",
    "created_at>1h",
    "NOT type:upload",
    "-cat",
    "unknown:x",
    "format=PNG",
    "type:upload AND (type:private OR tags:dog)",
]


@pytest.mark.parametrize("expression", MATCHES)
def test_expressions_that_match(expression: str) -> None:
    assert compile_expression(expression, NOW)(RECORD)


@pytest.mark.parametrize("expression", MISSES)
def test_expressions_that_do_not_match(expression: str) -> None:
    assert not compile_expression(expression, NOW)(RECORD)


@pytest.mark.parametrize(
    "expression", ["(type:upload", "type:upload)", "AND", "a AND", "OR a", 'type:"x', "bytes:[1 2]", "NOT"]
)
def test_malformed_expressions_are_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(expression, NOW)


def test_a_backslash_escapes_the_next_character() -> None:
    record = {"public_id": 'a"b:c*', "tags": []}
    assert compile_expression('public_id="a\\"b:c\\*"', NOW)(record)
    assert compile_expression('public_id=a\\"b:c\\*', NOW)(record)
    assert not compile_expression('public_id="a\\"b:d\\*"', NOW)(record)


@pytest.fixture
def filled(options: Dict[str, Any]) -> Dict[str, Any]:
    """Five assets in three folders."""
    for number in range(3):
        cloudinary.uploader.upload(
            io.BytesIO(png(number + 1)), public_id=f"i{number}", asset_folder="F/G", tags=["t"], **options
        )
    cloudinary.uploader.upload(
        io.BytesIO(b"12345"), public_id="r.txt", resource_type="raw", asset_folder="F", **options
    )
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="p", type="private", context={"k": "v"}, **options)
    return options


def search(options: Dict[str, Any], expression: str = "") -> Any:
    return cloudinary.search.Search().expression(expression).execute(**options)


def ids(response: Any) -> List[str]:
    return [item["public_id"] for item in response["resources"]]


def test_search_by_folder_and_status(filled: Dict[str, Any]) -> None:
    response = search(filled, 'folder:"F/*" AND status:active')
    assert response["total_count"] == 4 and isinstance(response["time"], int) and "next_cursor" not in response
    assert "format" not in next(item for item in response["resources"] if item["public_id"] == "r.txt")
    assert response.rate_limit_remaining is not None
    image = search(filled, "public_id=i1")["resources"][0]
    assert (image["width"], image["pixels"], image["filename"], image["status"]) == (2, 4, "i1", "active")
    assert image["asset_folder"] == "F/G" and "tags" not in image


def test_search_sorts_pages_and_selects_fields(filled: Dict[str, Any]) -> None:
    query = cloudinary.search.Search().expression("type:upload").sort_by("public_id", "asc").max_results(3)
    first = query.execute(**filled)
    assert ids(first) == ["i0", "i1", "i2"] and first["total_count"] == 4
    assert ids(query.next_cursor(first["next_cursor"]).execute(**filled)) == ["r.txt"]
    extra = cloudinary.search.Search().expression("p").with_field("context").with_field("tags").execute(**filled)
    assert extra["resources"][0]["context"] == {"k": "v"} and extra["resources"][0]["tags"] == []
    few = cloudinary.search.Search().expression("i0").fields("tags").fields("format").execute(**filled)["resources"][0]
    assert set(few) == {"asset_id", "public_id", "resource_type", "type", "created_at", "tags", "format"}
    by_size = cloudinary.search.Search().sort_by("width", "desc").sort_by("public_id", "asc").execute(**filled)
    assert ids(by_size) == ["i2", "p", "i1", "i0", "r.txt"], "an asset without the field comes last"


def test_search_counts_values_and_ranges(filled: Dict[str, Any]) -> None:
    ranges = {"type": "bytes", "ranges": [{"key": "small", "to": 10}, {"key": "big", "from": 10}]}
    query = cloudinary.search.Search().aggregate("format").aggregate("resource_type").aggregate(ranges)
    found = query.execute(**filled)["aggregations"]
    assert found["format"] == {"png": 4} and found["resource_type"] == {"image": 4, "raw": 1}
    assert found["bytes"] == {"small": 1, "big": 4}


def test_invalid_searches_are_refused(filled: Dict[str, Any]) -> None:
    for query in (
        cloudinary.search.Search().max_results(501),
        cloudinary.search.Search().max_results(-5),
        cloudinary.search.Search().sort_by("public_id", "sideways"),
        cloudinary.search.Search().expression("((a"),
        cloudinary.search.Search().aggregate("nonsense"),
        cloudinary.search.Search().next_cursor("not hex"),
    ):
        with pytest.raises(BadRequest):
            query.execute(**filled)


def test_search_for_folders(filled: Dict[str, Any]) -> None:
    response = cloudinary.search_folders.SearchFolders().expression('path="F"').execute(**filled)
    assert response["total_count"] == 1 and response["folders"][0]["path"] == "F"
    assert cloudinary.search_folders.SearchFolders().expression('path="none"').execute(**filled)["total_count"] == 0
    assert [item["name"] for item in cloudinary.search_folders.SearchFolders().execute(**filled)["folders"]] == [
        "F",
        "G",
    ]


def test_search_by_folder_in_fixed_mode(make_sandbox: Callable[..., SandboxServer]) -> None:
    options = sdk_options(make_sandbox(folder_mode="fixed"))
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="F/G/a", **options)
    response = search(options, 'folder:"F/*"')
    assert response["resources"][0]["folder"] == "F/G" and "asset_folder" not in response["resources"][0]
    assert search(options, "folder=F")["total_count"] == 0


def test_signed_search_url(sandbox: SandboxServer, filled: Dict[str, Any]) -> None:
    cname = sandbox.base_url[len("http://") :]
    url = (
        cloudinary.search.Search()
        .expression("type:private")
        .to_url(cloud_name="sandbox", api_secret=sandbox.settings.api_secret, secure=False, cname=cname)
    )
    response = session().get(url)
    assert ids(response.json()) == ["p"] and "max-age=300" in response.headers["Cache-Control"]
    assert session().get(url.replace("/300/", "/301/")).status_code == 401
