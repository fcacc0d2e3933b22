"""`cld admin METHOD -A`: all pages of a listing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.listings import page

Run = Callable[..., Any]


def test_all_pages_of_500(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a", "b", cursor="1"), page("c", cursor="2"), page("d"))
    result = admin("resources", "-A", "-F", "-ff", "public_id", "prefix=x")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"resources": [{"public_id": name} for name in "abcd"]}
    assert [request.query.get("next_cursor") for request in server.requests] == [None, ["1"], ["2"]]
    assert all(request.query["max_results"] == ["500"] for request in server.requests)
    assert all(request.query["prefix"] == ["x"] for request in server.requests)


def test_the_callers_page_size_wins_on_page_one(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a", cursor="1"), page("b"))
    admin("resources", "-A", "-F", "max_results=3")
    assert [request.query["max_results"] for request in server.requests] == [["3"], ["500"]]


def test_one_page_needs_no_question(server: CloudinaryServer, admin: Run) -> None:
    server.reply({"resources": [{"b": 1, "a": 2}], "other": [{"z": 1}]})
    result = admin("resources", "-A", "-ff", "a,b")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"resources": [{"a": 2, "b": 1}], "other": [{"z": 1}]}
    assert result.out.index('"a"') < result.out.index('"b"')


def test_ff_without_pagination_warns(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a"))
    result = admin("resources", "-ff", "public_id")
    assert result.code == 0
    assert "bytes" in result.out
    assert result.err.startswith("warning: -ff/--filter_fields has no effect")


def test_declining_is_not_success(server: CloudinaryServer, admin: Run, cld: Run) -> None:
    first = Reply(body=page("a", cursor="1"), headers={"X-FeatureRateLimit-Remaining": "42"})
    server.on("GET", "/resources/image", first)
    result = admin("resources", "-A", "-ff", "public_id")
    assert result.code == 1
    assert json.loads(result.out) == page("a", cursor="1")
    assert "42 Admin API calls left. Continue? (y/N)" in result.err
    assert "--force (-F)" in result.err
    assert "\nStopping. The output is partial" in result.err
    declined = cld("-c", server.config_url(), "admin", "resources", "-A", input="n\n")
    assert (declined.code, json.loads(declined.out)) == (1, page("a", cursor="1"))


def test_prompts_stay_out_of_the_data(server: CloudinaryServer, cld: Run) -> None:
    server.reply(page("a", cursor="1"), page("b"))
    result = cld("-c", server.config_url(), "admin", "resources", "-A", input="y\n")
    assert result.code == 0
    assert json.loads(result.out) == page("a", "b")
    assert "There are more pages" in result.err


def test_pagination_of_a_deletion_is_refused(server: CloudinaryServer, admin: Run) -> None:
    for name in ("delete_all_resources", "publish_by_tag", "update", "restore", "create_folder"):
        result = admin(name, "-F", "-A", "x")
        assert result.code == 1
    result = admin("delete_all_resources", "-F", "-A")
    assert "'delete_all_resources' is not a listing" in result.err
    assert server.requests == []


def test_identical_pages_and_a_repeated_cursor(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a", cursor="1"), page("a"))
    assert json.loads(admin("resources", "-A", "-F").out) == page("a", "a")
    server.reply(page("a", cursor="1"), page("b", cursor="1"))
    result = admin("resources", "-A", "-F")
    assert result.code == 1
    assert json.loads(result.out) == page("a", "b", cursor="1")
    assert result.err == "error: The server returned the same cursor twice, so the listing is incomplete.\n"


def test_an_error_on_page_two_keeps_page_one(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    server.reply(page("a", cursor="1"), Reply(400, {"error": {"message": "Invalid cursor"}}))
    result = admin("resources", "-A", "-F", "--save", str(tmp_path / "x.json"))
    assert result.code == 1
    assert json.loads(result.out) == page("a", cursor="1")
    assert json.loads((tmp_path / "x.json").read_text()) == page("a", cursor="1")
    assert result.err == "error: Error 400 - Invalid cursor\n"


def test_derived_assets_have_their_own_cursor(server: CloudinaryServer, admin: Run) -> None:
    server.reply({"derived": [1], "tags": ["t"], "derived_next_cursor": "1"}, {"derived": [2], "tags": ["t"]})
    result = admin("resource", "x", "-A", "-F")
    assert json.loads(result.out) == {"derived": [1, 2], "tags": ["t"]}
    assert server.requests[1].query["derived_next_cursor"] == ["1"]
