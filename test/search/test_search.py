"""`cld search`: the request that is sent, and the options that are refused."""

from __future__ import annotations

import json
from typing import Any, Callable, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.search_results import files, page

Run = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("in_tmp_path")

PATH = "/v1_1/demo/resources/search"


def test_the_request_and_the_printed_response(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("é", cursor="more"))
    result = search(
        "format:png", "AND", "tags:x", "-f", "tags,context", "-f", "m", "-fi", "bytes", "-n", "3", "-c", "cur"
    )
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", PATH)
    assert request.json == {
        "expression": "format:png AND tags:x",
        "with_field": ["tags", "context", "m"],
        "fields": ["bytes"],
        "max_results": 3,
        "next_cursor": "cur",
    }
    assert (result.code, result.err) == (0, "")
    assert result.out == json.dumps(page("é", cursor="more"), indent=2, ensure_ascii=False) + "\n"


def test_no_words_find_everything(server: CloudinaryServer, search: Run) -> None:
    assert search().code == 0
    assert server.requests[0].json == {"expression": "", "max_results": 10}


def test_search_query_prints_the_body_and_sends_nothing(invoke: Run) -> None:
    result = invoke("search", "x", "-sq", "-A")
    assert (result.code, json.loads(result.out)) == (0, {"expression": "x", "max_results": 500})


def test_doc_opens_the_reference_and_does_nothing_else(cld: Run) -> None:
    result = cld("search", "x", "-d", "-n", "5", env={"BROWSER": "true"})
    assert result.code == 0 and "https://cloudinary.com/documentation/search_api" in result.text


def test_an_api_error_is_one_line(server: CloudinaryServer, search: Run) -> None:
    server.reply(Reply(400, {"error": {"message": "Query parsing error"}}))
    result = search("x:", "--json", "f")
    assert (result.code, result.out, result.err) == (1, "", "error: Error 400 - Query parsing error\n")
    assert files() == []


def test_a_bad_aggregation_is_one_line(server: CloudinaryServer, search: Run) -> None:
    result = search("x", "-a", "bytes:small-5")
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert result.err.count("\n") == 1 and "no underscore" in result.err


def test_login_is_sent_as_bearer(server: CloudinaryServer, invoke: Run) -> None:
    invoke("-c", server.config_url(credentials="", oauth_token="TOKEN"), "search", "x")
    assert server.requests[0].headers["authorization"] == "Bearer TOKEN"


@pytest.mark.parametrize("size", ["0", "-5", "501", "9999", "foo"])
def test_the_page_size_is_checked(server: CloudinaryServer, search: Run, size: str) -> None:
    result = search("x", "-n", size)
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert "Invalid value for '-n'" in result.err
    assert search("x", "-n", "500").code == search("x", "-n", "1").code == 0


def test_the_direction_is_checked(server: CloudinaryServer, search: Run) -> None:
    result = search("x", "-s", "public_id", "sideways")
    assert (result.code, server.requests) == (1, [])
    assert "'sideways' is not a direction; write asc or desc." in result.err
    assert json.loads(search("x", "-s", "public_id", "DESC", "-sq").out)["sort_by"] == [{"public_id": "desc"}]


@pytest.mark.parametrize(
    "args", [["-s", "public_id", "-sq"], ["-s", "-A", "asc"], ["-a", "-sq"], ["--csv", "-A"], ["-c", "-A"]]
)
def test_an_option_is_not_swallowed(server: CloudinaryServer, search: Run, args: List[str]) -> None:
    result = search("x", *args)
    assert (result.code, result.out, server.requests, files()) == (1, "", [], [])
    assert "looks like an option" in result.err


@pytest.mark.parametrize(
    "args, reason",
    [
        (["-s", "public_id"], "'-s' requires 2 arguments"),
        (["--csv", ""], "the file name is empty"),
        (["--json", ""], "the file name is empty"),
        (["--csv", "."], "'.' is a directory"),
        (["--csv", "none/"], "'none/' is a directory"),
        (["--json", ".."], "'..' is a directory"),
    ],
)
def test_wrong_options_show_the_usage_and_send_nothing(
    server: CloudinaryServer, search: Run, args: List[str], reason: str
) -> None:
    result = search("x", *args)
    assert (result.code, result.out, server.requests, files()) == (1, "", [], [])
    assert result.err.startswith("Usage: cld search ") and reason in result.err


def test_sort_keys_and_aggregations_add_up(search: Run) -> None:
    result = search("x", "-s", "a", "asc", "-s", "b", "desc", "-a", "format", "-a", "bytes:s_-9", "-sq")
    body = json.loads(result.out)
    assert body["sort_by"] == [{"a": "asc"}, {"b": "desc"}]
    assert body["aggregate"] == ["format", {"type": "bytes", "ranges": [{"key": "s", "to": 9}]}]


def test_a_cursor_may_begin_with_a_dash(server: CloudinaryServer, search: Run) -> None:
    assert search("x", "-c", "-dash").code == 0
    assert server.requests[0].json["next_cursor"] == "-dash"


def test_a_url_is_not_sent_as_a_cursor(server: CloudinaryServer, search: Run) -> None:
    done = search("x", "-c", "cloudinary://key:hidden@cloud")
    assert (done.code, server.requests) == (1, []) and "hidden" not in done.text
    assert "here, -c is a cursor. To use a URL: cld -c URL search" in done.err
