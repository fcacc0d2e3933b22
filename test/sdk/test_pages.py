"""Listings are joined from cursor to cursor, and -ff filters their items."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from cloudinary_cli.errors import ApiError
from cloudinary_cli.sdk.pages import collect, filter_fields, list_field, pages


class Listing:
    """A listing with pages by cursor. Records the requested cursors."""

    def __init__(self, **by_cursor: Any) -> None:
        self.by_cursor = by_cursor
        self.asked: List[str] = []

    def fetch(self, cursor: str) -> Any:
        self.asked.append(cursor)
        page = self.by_cursor[cursor]
        if isinstance(page, Exception):
            raise page
        return page


def test_pages_follow_the_cursor() -> None:
    listing = Listing(b={"n": 2, "next_cursor": "c"}, c={"n": 3})
    assert [page["n"] for page in pages({"n": 1, "next_cursor": "b"}, listing.fetch)] == [1, 2, 3]
    assert listing.asked == ["b", "c"]


def test_collect_joins_the_list_and_keeps_the_rest_of_page_one() -> None:
    listing = Listing(b={"resources": [3], "total": 9, "next_cursor": "c"}, c={"resources": []})
    first = {"resources": [1, 2], "total": 3, "next_cursor": "b"}
    collected = collect(first, listing.fetch)
    assert collected.result == {"resources": [1, 2, 3], "total": 3}
    assert collected.error is None
    assert first["resources"] == [1, 2]


def test_identical_pages_are_joined() -> None:
    listing = Listing(b={"resources": [1], "next_cursor": "c"}, c={"resources": [1]})
    assert collect({"resources": [1], "next_cursor": "b"}, listing.fetch).result == {"resources": [1, 1, 1]}


def test_a_repeated_cursor_stops_and_keeps_the_data() -> None:
    listing = Listing(b={"resources": [2], "next_cursor": "b"})
    collected = collect({"resources": [1], "next_cursor": "b"}, listing.fetch)
    assert collected.result == {"resources": [1, 2], "next_cursor": "b"}
    assert isinstance(collected.error, ApiError)
    assert listing.asked == ["b"]


def test_an_error_on_a_later_page_keeps_what_came_before() -> None:
    listing = Listing(b={"resources": [2], "next_cursor": "c"}, c=ApiError("Error 420 - limit"))
    collected = collect({"resources": [1], "next_cursor": "b"}, listing.fetch)
    assert collected.result == {"resources": [1, 2], "next_cursor": "c"}
    assert str(collected.error) == "Error 420 - limit"


def test_a_page_without_the_list_is_an_error() -> None:
    collected = collect({"resources": [1], "next_cursor": "b"}, Listing(b={"x": 1}).fetch)
    assert collected.result == {"resources": [1], "next_cursor": "b"}
    assert "no list 'resources'" in str(collected.error)


def test_another_cursor_key_and_a_known_list() -> None:
    listing = Listing(b={"derived": [2], "tags": ["x"]})
    first = {"derived": [1], "tags": ["x"], "derived_next_cursor": "b"}
    collected = collect(first, listing.fetch, "derived_next_cursor", "derived")
    assert collected.result == {"derived": [1, 2], "tags": ["x"]}


@pytest.mark.parametrize(
    ("page", "known", "field"),
    [
        ({"a": [], "b": 1}, None, "a"),
        ({"a": [], "b": []}, "b", "b"),
        ({"a": []}, "missing", "a"),
    ],
)
def test_list_field(page: Dict[str, Any], known: Any, field: str) -> None:
    assert list_field(page, known) == field


@pytest.mark.parametrize("page", [{"a": 1}, {"a": [], "b": []}])
def test_a_page_without_exactly_one_list_is_an_error(page: Dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="Cannot tell which list"):
        list_field(page)


def test_filter_fields_keeps_names_in_the_order_asked_for() -> None:
    result = {"resources": [{"a": 1, "b": 2, "c": 3}, {"b": 5}, "text"], "other": [{"z": 1}], "total": 3}
    filtered = filter_fields(result, ["c", "a"])
    assert filtered == {"resources": [{"c": 3, "a": 1}, {}, "text"], "other": [{"z": 1}], "total": 3}
    assert list(filtered["resources"][0]) == ["c", "a"]
    assert filter_fields({"resources": [{"z": 1}]}, ["a"], "resources") == {"resources": [{}]}
