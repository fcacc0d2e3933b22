"""`cld search -A`: several pages, and errors between two pages."""

from __future__ import annotations

import email.utils
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.search_results import LIMITED, files, page, rows

Run = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("in_tmp_path")

DEMO = "cloudinary://key:secret@demo"


def test_all_pages_are_one_document(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("a", "b", cursor="2", aggregations={"f": {"x": 1}}), page(cursor="3"), page("ü"))
    result = search("x", "-A", "-F", "-n", "7")
    assert [request.json.get("next_cursor") for request in server.requests] == [None, "2", "3"]
    assert {request.json["max_results"] for request in server.requests} == {500}
    joined = page("a", "b", "ü", aggregations={"f": {"x": 1}}, time=15)
    assert (result.code, result.err, json.loads(result.out)) == (0, "", joined)
    layout = {"total_count": 3, "aggregations": joined["aggregations"], "resources": joined["resources"], "time": 15}
    assert result.out == json.dumps(layout, indent=2, ensure_ascii=False) + "\n"


def test_one_page_is_printed_as_it_is(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("a"))
    result = search("x", "-A")
    assert (result.code, result.err) == (0, "")
    assert result.out == json.dumps(page("a"), indent=2) + "\n"


def test_filter_fields_apply_to_every_page(server: CloudinaryServer, search: Run) -> None:
    item = {"public_id": "a", "bytes": 1, "tags": ["t"]}
    server.on("POST", "/search", page(resources=[item]))
    assert json.loads(search("x", "-ff", "tags,public_id").out)["resources"] == [{"tags": ["t"], "public_id": "a"}]
    assert json.loads(search("x", "-ff", "bytes", "-f", "tags").out)["resources"] == [{"bytes": 1, "tags": ["t"]}]
    server.on("POST", "/search", page(resources=[item], cursor="2"), page(resources=[item]))
    assert json.loads(search("x", "-ff", "bytes", "-A", "-F").out)["resources"] == [{"bytes": 1}, {"bytes": 1}]


def test_no_rate_limit_headers(server: CloudinaryServer, cld: Run) -> None:
    server.reply(page("a", cursor="2"), page("b"))
    result = cld("-c", server.config_url(), "search", "x", "-A", input="y\n")
    assert result.code == 0
    assert [item["public_id"] for item in json.loads(result.out)["resources"]] == ["a", "b"]
    assert result.err.startswith(
        "3 results were found; fetching all of them takes 1 more Admin API calls. Continue? (y/N) "
    )
    assert "--force (-F)" in result.err


def test_the_question_names_the_limit(server: CloudinaryServer, cld: Run) -> None:
    headers = {"X-FeatureRateLimit-Remaining": "41", "X-FeatureRateLimit-Limit": "500"}
    server.reply(Reply(200, page("a", cursor="2"), headers), page("b"))
    assert (
        "You have 41 Admin API calls left. Continue? (y/N)"
        in cld("-c", server.config_url(), "search", "-A", input="Y\n").err
    )


@pytest.mark.parametrize("answer", ["n\n", ""], ids=["declined", "closed stdin"])
def test_a_declined_search_fails_and_writes_no_file(server: CloudinaryServer, cld: Run, answer: str) -> None:
    server.reply(page("a", cursor="2"))
    result = cld("-c", server.config_url(), "search", "x", "-A", "--csv", "f", input=answer)
    assert result.code == 1
    assert json.loads(result.out) == page("a", cursor="2")
    lines = result.err.splitlines()
    assert "Stopping. Use --force (-F)" in result.err
    assert "warning: The output is partial: the first page only." in lines
    assert "warning: The file 'f.csv' was not written." in lines
    assert (len(server.requests), files()) == (1, [])


def test_what_was_fetched_is_not_lost(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("a", "b", cursor="2"), LIMITED)
    result = search("x", "-A", "-F", "--json", "f.json", "--csv", "f")
    assert result.code == 1
    assert json.loads(result.out) == page("a", "b", cursor="2")
    partial, error = result.err.splitlines()[-2:]
    assert partial.startswith("warning: The result is partial: 2 of 3 resources.") and partial.endswith("-c 2")
    assert error.startswith("error: Error 420 - Rate Limit Exceeded. 127.0.0.1:")
    assert json.loads(Path("f.json").read_text()) == [{"public_id": "a"}, {"public_id": "b"}]
    assert rows("f.csv") == [["public_id"], ["a"], ["b"]]


def test_a_search_continues_from_a_given_cursor(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("c"))
    assert json.loads(search("x", "-A", "-F", "-c", "2").out)["resources"] == [{"public_id": "c"}]
    assert server.requests[0].json["next_cursor"] == "2"


def test_an_error_on_the_first_page_prints_nothing(server: CloudinaryServer, search: Run) -> None:
    Path("f.csv").write_text("old")
    server.reply(LIMITED)
    result = search("x", "-A", "-F", "--csv", "f")
    assert (result.code, result.out, Path("f.csv").read_text(), files()) == (1, "", "old", ["f.csv"])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_passing_error_is_retried(server: CloudinaryServer, search: Run, status: int) -> None:
    server.reply(page("a", cursor="2"), Reply(status, {"error": {"message": "again"}}), page("b"))
    result = search("x", "-A", "-F")
    assert (result.code, result.err, len(server.requests)) == (0, "", 3)
    assert len(json.loads(result.out)["resources"]) == 2


def test_a_connection_that_breaks_off_is_retried(server: CloudinaryServer, search: Run) -> None:
    truncated = Reply(200, b"no chunk\r\n", {"Transfer-Encoding": "chunked", "Connection": "close"})
    server.reply(page("a", cursor="2"), truncated, page("b"))
    result = search("x", "-A", "-F")
    assert (result.code, result.err, len(server.requests)) == (0, "", 3)


def respond_once(listener: socket.socket, body: Dict[str, Any]) -> None:
    """Respond to one request over one connection, and stop listening."""
    data = json.dumps(body).encode()
    listener.settimeout(10)
    with listener:
        connection = listener.accept()[0]
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data))


def test_a_connection_refused_between_two_pages_is_retried(invoke: Run) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()[:2]

    def serve() -> None:
        respond_once(listener, page("a", cursor="2"))
        time.sleep(0.2)  # no server listens: the first attempt to get the next page is refused
        respond_once(socket.create_server(address), page("b"))

    thread = threading.Thread(target=serve)
    thread.start()
    result = invoke("-c", f"{DEMO}?upload_prefix=http://127.0.0.1:{address[1]}", "search", "-A", "-F")
    thread.join()
    assert (result.code, result.err) == (0, "")
    assert [item["public_id"] for item in json.loads(result.out)["resources"]] == ["a", "b"]


def test_a_refused_connection_is_not_retried(invoke: Run) -> None:
    result = invoke("-c", f"{DEMO}?upload_prefix=http://127.0.0.1:9", "search", "x")
    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1


def test_a_page_without_its_list_keeps_the_others(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("a", cursor="2"), {"status": "ok"})
    result = search("x", "-A", "-F")
    assert (result.code, json.loads(result.out)) == (1, page("a", cursor="2"))
    assert "no list of resources" in result.err and "-c 2" in result.err


def test_a_used_up_limit_stops_with_the_reset_time(server: CloudinaryServer, search: Run) -> None:
    reset = email.utils.formatdate(time.time() + 1800, usegmt=True)
    headers = {"X-FeatureRateLimit-Remaining": "0", "X-FeatureRateLimit-Reset": reset}
    server.reply(Reply(200, page("a", cursor="2"), headers))
    result = search("x", "-A", "-F")
    assert (result.code, json.loads(result.out), len(server.requests)) == (1, page("a", cursor="2"), 1)
    assert "No Admin API calls are left; the limit resets at 20" in result.err and "-c 2" in result.err


def test_a_limit_that_resets_soon_is_waited_for(server: CloudinaryServer, search: Run) -> None:
    asked: List[float] = []
    reset = int(time.time()) + 2

    def respond(request: Any) -> Any:
        asked.append(time.time())
        headers = {
            "X-FeatureRateLimit-Remaining": "0",
            "X-FeatureRateLimit-Reset": email.utils.formatdate(reset, usegmt=True),
        }
        return page("b") if len(asked) == 2 else Reply(200, page("a", cursor="2"), headers)

    server.on("POST", "/search", respond)
    result = search("x", "-A", "-F")
    assert result.code == 0 and "waiting" in result.err
    assert asked[1] >= reset
