"""`cld search` against a scripted API and the sandbox: what is sent, printed, saved and refused."""

from __future__ import annotations

import csv
import email.utils
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from cloudinary_cli.sandbox.server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.peak_memory import peak_kib

Run = Callable[..., Any]
DEMO = "cloudinary://key:secret@demo"
PATH = "/v1_1/demo/resources/search"
# A limit that resets too late to be waited for, so the connector does not try again.
LIMITED = Reply(420, {"error": {"message": "Rate Limit Exceeded"}}, {"Retry-After": "3600"})


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def search(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld search ARGS` in this process, with the scripted server as the API."""
    return lambda *args, **kw: invoke("-c", server.config_url(), "search", *args, **kw)


def page(*names: str, cursor: str = "", **more: Any) -> Dict[str, Any]:
    listing = {"total_count": 3, "time": 5, "resources": [{"public_id": name} for name in names], **more}
    return {**listing, "next_cursor": cursor} if cursor else listing


def files() -> List[str]:
    """Every file in the working directory, hidden ones too."""
    return sorted(path.name for path in Path().iterdir() if path.is_file())


def rows(name: str) -> List[List[str]]:
    with open(name, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


# -- requests


def test_the_request_and_the_printed_answer(server: CloudinaryServer, search: Run) -> None:
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


# -- search URLs


def test_search_urls_are_https(invoke: Run) -> None:
    result = invoke("-c", DEMO, "search", "x", "-n", "3", "-u", "-sq", "-c", "CUR", "-t", "60")
    assert result.code == 0 and result.out.count("\n") == 1
    # Recomputed by hand: sha256("60" + base64({"expression":"x","max_results":3}) + "secret")
    query = "eyJleHByZXNzaW9uIjoieCIsIm1heF9yZXN1bHRzIjozfQ=="
    parts = urlsplit(result.out.strip())
    _, cloud, word, signature, ttl, sent, cursor = parts.path.split("/")
    assert (parts.scheme, parts.netloc, cloud, word) == ("https", "res.cloudinary.com", "demo", "search")
    assert (ttl, sent, cursor) == ("60", query, "CUR")
    from hashlib import sha256

    assert signature == sha256(f"60{query}secret".encode()).hexdigest()


def test_http_where_the_configuration_says_so(invoke: Run) -> None:
    assert invoke("-c", f"{DEMO}?secure=false", "search", "x", "-u").out.startswith("http://res.cloudinary.com/demo/")
    assert "/300/" in invoke("-c", DEMO, "search", "x", "-u").out


@pytest.mark.parametrize("ttl", ["0", "-1"])
def test_a_life_time_of_nothing_is_refused(invoke: Run, ttl: str) -> None:
    result = invoke("-c", DEMO, "search", "x", "-u", "-t", ttl)
    assert (result.code, result.out) == (1, "")
    assert "Invalid value for '-t'" in result.err


def test_a_login_cannot_sign(invoke: Run) -> None:
    result = invoke("-c", "cloudinary://demo?oauth_token=TOKEN", "search", "x", "-u")
    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1 and "needs an API secret" in result.err and "TOKEN" not in result.err


# -- all pages


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


# -- errors between pages


def test_what_was_fetched_is_not_lost(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("a", "b", cursor="2"), LIMITED)
    result = search("x", "-A", "-F", "--json", "f.json", "--csv", "f")
    assert result.code == 1
    assert json.loads(result.out) == page("a", "b", cursor="2")
    error = result.err.splitlines()[-1]
    assert error.startswith("error: Error 420 - Rate Limit Exceeded. The result is partial: 2 of 3 resources.")
    assert error.endswith("-c 2")
    assert json.loads(Path("f.json").read_text()) == [{"public_id": "a"}, {"public_id": "b"}]
    assert rows("f.csv") == [["public_id"], ["a"], ["b"]]


def test_the_cursor_goes_on_from_there(server: CloudinaryServer, search: Run) -> None:
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


def answer_once(listener: socket.socket, body: Dict[str, Any]) -> None:
    """Answer one request over one connection, and stop listening."""
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
        answer_once(listener, page("a", cursor="2"))
        time.sleep(0.2)  # nobody listens: the first attempt to get the next page is refused
        answer_once(socket.create_server(address), page("b"))

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

    def answer(request: Any) -> Any:
        asked.append(time.time())
        headers = {
            "X-FeatureRateLimit-Remaining": "0",
            "X-FeatureRateLimit-Reset": email.utils.formatdate(reset, usegmt=True),
        }
        return page("b") if len(asked) == 2 else Reply(200, page("a", cursor="2"), headers)

    server.on("POST", "/search", answer)
    result = search("x", "-A", "-F")
    assert result.code == 0 and "waiting" in result.err
    assert asked[1] >= reset


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_closes_the_document_and_leaves_no_file(
    server: CloudinaryServer, number: signal.Signals, code: int
) -> None:
    Path("f.csv").write_text("old")
    server.reply(page("a", cursor="2"), Reply(200, page("b"), delay=20))
    args = ["-c", server.config_url(), "search", "x", "-A", "-F", "--csv", "f", "--json", "g"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 20
    while len(server.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, json.loads(out)) == (code, page("a", cursor="2"))
    assert "'f.csv' was not written" in err.decode() and "Traceback" not in err.decode()
    assert (Path("f.csv").read_text(), files()) == ("old", ["f.csv"])


# -- files


def test_files_and_stdout(server: CloudinaryServer, search: Run) -> None:
    item = {"public_id": "é", "tags": ["x", "y"], "context": {"k": 'a "quote"'}, "none": None}
    server.reply(page(resources=[item]))
    result = search("x", "--json", "a.txt", "--csv", "b")
    assert result.code == 0 and json.loads(result.out)["resources"] == [item]
    assert result.err.splitlines() == ["Saved search JSON to 'a.txt' file", "Saved search to 'b.csv' file"]
    assert Path("a.txt").read_text("utf-8") == json.dumps([item], indent=2, ensure_ascii=False)
    # S2: JSON, not Python's repr.
    assert rows("b.csv") == [list(item), ["é", '["x", "y"]', '{"k": "a \\"quote\\""}', ""]]
    assert b"\r\n" in Path("b.csv").read_bytes()


def test_an_empty_result_is_one_empty_line(server: CloudinaryServer, search: Run) -> None:
    server.on("POST", "/search", page())
    search("x", "--csv", "a", "--json", "a.json")
    assert (Path("a.csv").read_bytes(), Path("a.json").read_text()) == (b"\r\n", "[]")
    search("x", "--csv", "b", "-ff", "bytes", "-f", "tags")
    assert Path("b.csv").read_bytes() == b"bytes,tags\r\n"


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_columns_are_in_the_order_of_first_appearance(server: CloudinaryServer, cld: Run, seed: str) -> None:
    first, second = {"z": 1, "m": 2, "a": 3}, {"a": 4, "late": 5, "k": 6}
    server.reply(page(resources=[first], cursor="2"), page(resources=[second]))
    args = ["-c", server.config_url(), "search", "-A", "-F", "--csv", "e"]
    assert cld(*args, env={"PYTHONHASHSEED": seed}).code == 0
    assert rows("e.csv") == [["z", "m", "a", "late", "k"], ["1", "2", "3", "", ""], ["", "", "4", "5", "6"]]


def test_with_a_filter_the_columns_are_the_filter(server: CloudinaryServer, search: Run) -> None:
    server.reply(page(resources=[{"a": 1, "b": 2, "t": 3, "x": 4}]))
    assert search("x", "--csv", "e", "-ff", "b,missing", "-ff", "a", "-f", "t").code == 0
    assert rows("e.csv") == [["b", "missing", "a", "t"], ["2", "", "1", "3"]]


def test_files_are_utf8_in_every_locale(server: CloudinaryServer, cld: Run) -> None:
    server.reply(page(resources=[{"public_id": "é漢"}], cursor="2"), page())
    c_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    args = ["-c", server.config_url(), "search", "-A", "-F", "--csv", "f", "--json", "f.json"]
    result = cld(*args, env=c_locale)
    assert result.code == 0 and json.loads(result.out)["resources"] == [{"public_id": "é漢"}]
    assert rows("f.csv") == [["public_id"], ["é漢"]]
    assert json.loads(Path("f.json").read_bytes().decode("utf-8")) == [{"public_id": "é漢"}]


def test_the_query_is_utf8_in_every_locale(server: CloudinaryServer, cld: Run) -> None:
    server.on("*", "", page())
    c_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert cld("-c", server.config_url(), "search", "tags=é", "-ff", "ü", env=c_locale).code == 0
    assert server.requests[0].json == {"expression": "tags=é", "max_results": 10}
    assert cld("-c", server.config_url(), "admin", "resources_by_tag", "é", env=c_locale).code == 0
    assert server.requests[1].path == "/v1_1/demo/resources/image/tags/é"
    assert cld("-c", DEMO, "url", "é", env=c_locale).out == "https://res.cloudinary.com/demo/image/upload/%C3%A9\n"
    result = cld("-c", server.config_url(), "search", os.fsdecode(b"\xff"))
    assert (result.code, result.out, len(server.requests)) == (1, "", 2)
    assert result.err == "error: '\\udcff' is not UTF-8 text. Retype it in a UTF-8 terminal.\n"


def test_json_lines(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("a", "é", cursor="2"), page("b"))
    assert search("x", "-A", "-F", "--jsonl").out == '{"public_id": "a"}\n{"public_id": "é"}\n{"public_id": "b"}\n'
    server.reply(page("a", cursor="2"))
    assert search("x", "--jsonl").out == '{"public_id": "a"}\n'


@pytest.mark.parametrize("all_pages", [[], ["-A", "-F"]])
def test_quiet_prints_nothing_and_saves(server: CloudinaryServer, search: Run, all_pages: List[str]) -> None:
    server.on("POST", "/search", page("a", cursor="2"), page("b"))
    result = search("x", "--quiet", "--csv", "f", *all_pages)
    assert (result.code, result.out) == (0, "")
    assert rows("f.csv") == [["public_id"], ["a"], ["b"]][: 3 if all_pages else 2]


@pytest.mark.parametrize("args", [["--quiet"], ["--quiet", "--jsonl", "--csv", "f"]])
def test_quiet_needs_a_file(server: CloudinaryServer, search: Run, args: List[str]) -> None:
    result = search("x", *args)
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert "Error: --quiet prints no results" in result.err


def test_pages_are_printed_as_they_come(server: CloudinaryServer) -> None:
    server.reply(page("a", cursor="2"), Reply(200, page("b"), delay=20))
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "-c", server.config_url(), "search", "-A", "-F", "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b'{"public_id": "a"}\n', "before the second page is there"
    finally:
        process.kill()
        process.communicate()


def test_paths_are_checked_before_the_request(server: CloudinaryServer, search: Run) -> None:
    for option in ("--json", "--csv"):
        result = search("x", option, "none/f")
        assert (result.code, result.out, server.requests) == (1, "", [])
        assert result.err.count("\n") == 1 and f"Cannot write the {option} file none/f" in result.err
    Path("here").touch()
    search("x", "--csv", "here", "--json", "none/f")
    assert files() == ["here"]


def test_a_pipe_gets_the_rows(server: CloudinaryServer, cld: Run) -> None:
    if not os.path.exists("/dev/stdout"):
        pytest.skip("no /dev/stdout")
    server.reply(page("a"))
    result = cld("-c", server.config_url(), "search", "--quiet", "--json", "/dev/stdout")
    assert (result.code, json.loads(result.out)) == (0, [{"public_id": "a"}])
    server.reply(page("a"))
    result = cld("-c", server.config_url(), "search", "--quiet", "--csv", "/dev/stdout")
    assert (result.code, result.out) == (0, "public_id\r\na\r\n"), "no file /dev/stdout.csv"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_full_disk_is_one_line_that_names_the_file(server: CloudinaryServer, search: Run, option: str) -> None:
    server.reply(page("a"))
    result = search("--quiet", option, "/dev/full")
    message = f"error: Cannot write the {option} file /dev/full: No space left on device.\n"
    assert (result.code, result.out, result.err) == (1, "", message)


def test_a_reader_that_leaves_ends_it_quietly(server: CloudinaryServer) -> None:
    counter = iter(range(1000))
    many = [{"public_id": "x" * 1000}] * 100
    server.on("POST", "/search", lambda request: page(resources=many, cursor=str(next(counter))))
    program = f"{sys.executable} -m cloudinary_cli search -A -F --jsonl --csv f | head -1"
    environ = {**os.environ, "CLOUDINARY_URL": server.config_url()}
    done = subprocess.run(["sh", "-c", program], env=environ, capture_output=True, timeout=30)
    assert done.stdout.startswith(b'{"public_id"') and done.stderr == b""
    assert files() == []


# -- the sandbox, and many assets


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(tmp_path / "sandbox")) as server:
        yield server


def test_search_and_its_url_against_the_sandbox(sandbox: SandboxServer, invoke: Run) -> None:
    settings = sandbox.settings
    keys = f"{settings.api_key}:{settings.api_secret}"
    config = f"cloudinary://{keys}@{settings.cloud_name}?upload_prefix={sandbox.base_url}"
    for name in ("one", "two"):
        Path(name).write_text(name)
        upload = invoke("-c", config, "uploader", "upload", name, f"public_id={name}", "resource_type=raw", "tags=t")
        assert upload.code == 0, upload.err
    result = invoke("-c", config, "search", "tags:t", "-s", "public_id", "asc", "-a", "resource_type", "-n", "1")
    answer = json.loads(result.out)
    assert [item["public_id"] for item in answer["resources"]] == ["one"]
    assert answer["aggregations"] == {"resource_type": {"raw": 2}}
    url = invoke("-c", config, "search", "tags:t", "-s", "public_id", "desc", "-u").out.strip()
    with urlopen(sandbox.base_url + urlsplit(url).path) as response:
        assert [item["public_id"] for item in json.load(response)["resources"]] == ["two", "one"]


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak of a process from /proc")
def test_memory_does_not_grow_with_the_result(server: CloudinaryServer, tmp_path: Path) -> None:
    def search_all(total: int) -> int:
        server.on("POST", PATH, lambda request: generated_page(request, total))
        return peak_kib("-c", server.config_url(), "search", "-A", "-F", "--csv", f"{total}.csv", "--quiet")

    small, large = search_all(2_000), search_all(20_000)
    table = rows(str(tmp_path / "20000.csv"))
    assert len(table) == 20_001
    last = dict(zip(table[0], table[-1]))
    assert last["public_id"] == "folder/é asset 19999" and last["late_field"] == "19999"
    # Keeping the pages in memory makes the difference 37 MiB; it is well below one without that.
    assert large - small < 8 * 1024, (small, large)


def generated_page(request: Request, total: int) -> Dict[str, Any]:
    """A page of 500 assets; `late_field` is first seen on the second page."""
    start = int(request.json.get("next_cursor", 0))
    end = min(start + 500, total)
    assets = [
        {
            "public_id": f"folder/é asset {number}",
            "secure_url": f"https://res.cloudinary.com/demo/image/upload/v1/{'x' * 600}{number}.jpg",
            "tags": ["shoes", f"tag{number % 7}"],
            **({"late_field": number} if number >= 500 else {}),
        }
        for number in range(start, end)
    ]
    return {"total_count": total, "resources": assets, **({"next_cursor": str(end)} if end < total else {})}


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_loses_no_rows_where_only_files_get_them(
    server: CloudinaryServer, number: signal.Signals, code: int
) -> None:
    server.reply(page("a", "b", cursor="2"), Reply(200, page("c"), delay=20))
    args = ["-c", server.config_url(), "search", "x", "-A", "-F", "--quiet", "--csv", "f", "--json", "g"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 20
    while len(server.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (code, b"")
    assert rows("f.csv") == [["public_id"], ["a"], ["b"]]
    assert json.loads(Path("g").read_text()) == [{"public_id": "a"}, {"public_id": "b"}]
    lines = err.decode().splitlines()
    assert "warning: The result is partial: 2 of 3 resources. Fetch the rest with the same command and: -c 2" in lines
    assert files() == ["f.csv", "g"]


def test_a_cursor_may_begin_with_a_dash(server: CloudinaryServer, search: Run) -> None:
    assert search("x", "-c", "-dash").code == 0
    assert server.requests[0].json["next_cursor"] == "-dash"
