"""The pure parts of a search: aggregation syntax, request body, CSV cells, JSON in parts, retries and rate limits."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.sdk.pages import wait_for_quota
from cloudinary_cli.search.output import JsonArray, JsonDocument
from cloudinary_cli.search.request import (
    SearchKind,
    SearchRequest,
    all_pages_question,
    csv_path,
    csv_row,
    for_folders,
    parse_aggregate,
    request_body,
)
from cloudinary_cli.system.result_file import ResultFile
from cloudinary_cli.text import to_json

# -- aggregation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("format", "format"),
        (" format ", "format"),
        (
            "bytes:small_-1000,med_1000-5000.5,big_5000-",
            {
                "type": "bytes",
                "ranges": [
                    {"key": "small", "to": 1000},
                    {"key": "med", "from": 1000, "to": 5000.5},
                    {"key": "big", "from": 5000},
                ],
            },
        ),
        (
            "bytes: a_1-2 ,, b_3- ",
            {"type": "bytes", "ranges": [{"key": "a", "from": 1, "to": 2}, {"key": "b", "from": 3}]},
        ),
        ("bytes:all_-", {"type": "bytes", "ranges": [{"key": "all"}]}),
        ("bytes:a_1e3-2.0", {"type": "bytes", "ranges": [{"key": "a", "from": 1000, "to": 2}]}),
        ('{"type":"bytes","ranges":[]}', {"type": "bytes", "ranges": []}),
    ],
)
def test_aggregation(text: str, expected: Any) -> None:
    parsed = parse_aggregate(text)
    assert parsed == expected
    assert json.dumps(parsed) == json.dumps(expected), "whole numbers are integers"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bytes:small-1000", "'small-1000' has no underscore"),
        ("bytes:small_1000", "'small_1000' has no dash"),
        ("bytes:a_x-5", "'from' value of the aggregation range 'a_x-5' is not a number"),
        ("bytes:a_1-y", "'to' value of the aggregation range 'a_1-y' is not a number"),
        ("bytes:a_nan-inf", "not a number"),
        ("{bad", "not valid JSON"),
        ('{"ranges":[]}', 'no "type"'),
        ('{"type":"bytes","ranges":NaN}', "NaN is not JSON"),
        ("", "names no field"),
        (":a_1-2", "names no field"),
        ("bytes:", "'bytes:' has no ranges"),
        ("bytes: , ", "has no ranges"),
    ],
)
def test_aggregation_errors_name_the_part(text: str, message: str) -> None:
    with pytest.raises(CliError, match=message):
        parse_aggregate(text)


# -- request


def test_an_empty_request_has_expression_and_page_size_only() -> None:
    assert request_body(SearchRequest()) == {"expression": "", "max_results": 10}


def test_a_full_request() -> None:
    request = SearchRequest(
        expression="cat",
        with_field=("tags",),
        fields=("bytes",),
        sort_by=(("a", "asc"), ("b", "desc")),
        aggregate=("format", "bytes:x_1-"),
        max_results=7,
        next_cursor="c",
    )
    assert request_body(request) == {
        "expression": "cat",
        "with_field": ["tags"],
        "fields": ["bytes"],
        "sort_by": [{"a": "asc"}, {"b": "desc"}],
        "aggregate": ["format", {"type": "bytes", "ranges": [{"key": "x", "from": 1}]}],
        "max_results": 7,
        "next_cursor": "c",
    }
    assert request_body(SearchRequest(max_results=7, auto_paginate=True))["max_results"] == 500


def test_a_folder_request_drops_the_options_that_folder_search_lacks() -> None:
    request = SearchRequest(with_field=("a",), aggregate=("b",), filter_fields=("name",))
    folders, dropped = for_folders(request)
    assert folders == SearchRequest(kind=SearchKind.FOLDERS, filter_fields=("name",))
    assert dropped == ["-f/--with_field", "-a/--aggregate"]


def test_kept_fields() -> None:
    assert SearchRequest(with_field=("t",)).kept_fields == []
    assert SearchRequest(filter_fields=("b", "a", "b"), with_field=("t", "a")).kept_fields == ["b", "a", "t"]


def test_the_question_needs_no_numbers() -> None:
    assert all_pages_question(None, None) == "Continue?"
    text = all_pages_question(1001, 42)
    assert "1001 results" in text and "2 more Admin API calls" in text and "You have 42" in text


# -- CSV


def test_nested_cells_are_json() -> None:
    row = {"tags": ["x", "é"], "context": {"k": "it's"}, "n": 1, "none": None, "text": "a,b"}
    assert csv_row(row, [*row, "missing"]) == ['["x", "é"]', '{"k": "it\'s"}', 1, None, "a,b", None]


@pytest.mark.parametrize(
    ("name", "path"), [("e", "e.csv"), ("e.csv", "e.csv"), ("E.CSV", "E.CSV"), ("e.txt", "e.txt.csv")]
)
def test_csv_names(name: str, path: str) -> None:
    assert csv_path(name) == path


# -- JSON in parts

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.lists(st.dictionaries(st.text(), _VALUES, max_size=3), max_size=3), max_size=3), _VALUES)
def test_json_in_parts_is_the_json_of_the_whole(pages: List[List[Dict[str, Any]]], other: Any) -> None:
    written: List[str] = []
    array: List[str] = []
    document, items = JsonDocument(written.append, "resources", {"other": other}, "utf-8"), JsonArray(array.append)
    for page in pages:
        document.add(page)
        items.add(page)
    document.finish({"time": 3})
    items.finish()
    everything = [item for page in pages for item in page]
    whole = {"other": other, "resources": everything, "time": 3}
    assert "".join(written) == to_json(whole) + "\n"
    assert "".join(array) == to_json(everything)


# -- files in parts


def test_a_file_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "f"
    target.write_text("old")
    target.chmod(0o640)
    with ResultFile(str(target), "--csv") as file:
        file.write("new")
    assert target.read_text() == "old"
    with ResultFile(str(target), "--csv") as file:
        file.write("n\ud800")
        assert target.read_text() == "old"
        file.commit()
    assert target.read_bytes() == b"n\\ud800"
    assert target.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["f"]


def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "f"):
        with pytest.raises(CliError, match="Cannot write the --json file"):
            ResultFile(str(path), "--json")


# -- rate limits


class Limits:
    """The rate-limit attributes of an SDK response."""

    def __init__(self, remaining: Any, reset_in: Any) -> None:
        self.rate_limit_remaining = remaining
        self.rate_limit_reset_at = None if reset_in is None else time.gmtime(1_000_000 + reset_in)


@pytest.mark.parametrize(("remaining", "reset_in"), [(1, 3000), (None, 3000), (0, None), (0, -5)])
def test_no_wait_without_need(remaining: Any, reset_in: Any) -> None:
    pauses: List[float] = []
    wait_for_quota(Limits(remaining, reset_in), lambda: 1_000_000.0, pauses.append)
    wait_for_quota({}, lambda: 1_000_000.0, pauses.append)
    assert pauses == []


def test_a_reset_within_a_minute_is_waited_for() -> None:
    pauses: List[float] = []
    wait_for_quota(Limits(0, 20), lambda: 1_000_000.0, pauses.append)
    (pause,) = pauses
    assert 20 < pause < 21


def test_a_later_reset_is_an_error_that_says_when() -> None:
    with pytest.raises(ApiError, match="resets at 1970-01-12 14:46:40 UTC"):
        wait_for_quota(Limits(0, 3600), lambda: 1_000_000.0, lambda seconds: pytest.fail("slept"))
