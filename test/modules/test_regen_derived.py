"""`cld regen_derived` end to end: requests, messages, failures and the exit status."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.bulk_processes import abort, interrupt, start, wait_until
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.commands import Run, posix
from test.support.sandbox_client import SandboxClient


def derived(*public_ids: str, **more: Any) -> Dict[str, Any]:
    """The details of a transformation with these derived assets."""
    items = [{"public_id": name, "resource_type": "image", "type": "upload", "format": "jpg"} for name in public_ids]
    return {"name": "w_5", "named": False, "derived": items, **more}


def regenerated(request: Request) -> Dict[str, Any]:
    name = request.field("public_id")
    return {"public_id": name, "eager": [{"secure_url": f"https://x/{request.field('eager')}/{name}.jpg"}]}


@pytest.fixture
def regen(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld regen_derived ARGS` with the scripted server, which accepts every request for a regeneration."""
    server.on("GET", "/transformations", derived("a", "b", "c"))
    server.on("POST", "/explicit", regenerated)
    return lambda *args, **kw: invoke("-c", server.config_url(timeout="2"), "regen_derived", *args, **kw)


def explicit_calls(server: CloudinaryServer) -> List[Request]:
    return [request for request in server.requests if request.path.endswith("/explicit")]


def test_requests_and_messages(server: CloudinaryServer, regen: Run) -> None:
    items = derived("a", "v")
    items["derived"][1].update(resource_type="video", type="private")
    server.on("GET", "/transformations", items)
    done = regen("w_5", "-F", "-w", "1", "-enu", "https://hook.example")
    assert (done.code, done.out) == (0, "")
    *lines, end = done.err.splitlines()
    assert end.startswith("Ended after ") and lines == [
        "Regenerated https://x/w_5/a.jpg",
        "Regenerated https://x/w_5/v.jpg",
        "Regeneration complete. 2 assets.",
    ]
    listing, first, second = server.requests
    assert {name: listing.query[name] for name in ("transformation", "max_results")} == {
        "transformation": ["w_5"],
        "max_results": ["10"],
    }
    assert (first.path, second.path) == ("/v1_1/demo/image/explicit", "/v1_1/demo/video/explicit")
    names = ("public_id", "type", "eager", "eager_async", "eager_notification_url", "overwrite", "invalidate")
    assert [first.field(name) for name in names] == ["a", "upload", "w_5", "0", "https://hook.example", "1", "1"]
    assert second.field("type") == "private"


def test_asynchronous(server: CloudinaryServer, regen: Run) -> None:
    done = regen("w_5", "-F", "-ea")
    assert done.code == 0 and "Processing https://x/w_5/a.jpg" in done.err
    assert "Regeneration in progress." in done.err and "complete" not in done.err
    assert {request.field("eager_async") for request in explicit_calls(server)} == {"1"}


@pytest.mark.parametrize(("typed", "sent"), [("thumb", "t_thumb"), ("t_thumb", "t_thumb")])
def test_a_named_transformation_gets_the_prefix_t(server: CloudinaryServer, regen: Run, typed: str, sent: str) -> None:
    server.on("GET", "/transformations", derived("a", name="t_thumb", named=True))
    assert regen(typed, "-F").code == 0
    assert explicit_calls(server)[0].field("eager") == sent


@pytest.mark.parametrize("name", ["123", "1e5", "NaN", "true", "[1]"])
def test_a_name_that_looks_like_something_else_is_text(server: CloudinaryServer, regen: Run, name: str) -> None:
    server.on("GET", "/transformations", derived("7", name=f"t_{name}", named=True))
    done = regen(name, "-F")
    assert done.code == 0, done.err
    assert server.requests[0].query["transformation"] == [name]
    (request,) = explicit_calls(server)
    assert (request.field("eager"), request.field("public_id")) == (f"t_{name}", "7")


def test_failures_are_counted_and_make_the_exit_status_1(server: CloudinaryServer, regen: Run) -> None:
    def respond(request: Request) -> Any:
        refused = Reply(400, {"error": {"message": "Invalid transformation"}})
        return refused if request.field("public_id") == "b" else regenerated(request)

    server.on("POST", "/explicit", respond)
    done = regen("w_5", "-F", "--json", "--report", "r.jsonl")
    assert done.code == 1
    assert (
        "error: Failed to regenerate b of type: upload and resource_type: image, error: Invalid transformation"
        in done.err
    )
    assert "1 of 3 assets were not regenerated" in done.err and "complete" not in done.err
    summary = json.loads(done.out)
    assert (summary["command"], summary["regenerated"], summary["failed"]) == ("regen_derived", 2, 1)
    server.on("POST", "/explicit", regenerated)
    again = regen("w_5", "-F", "--retry-failed", "r.jsonl", "--report", "r.jsonl", "--json")
    assert again.code == 0 and json.loads(again.out)["regenerated"] == 1
    assert explicit_calls(server)[-1].field("public_id") == "b"


@pytest.mark.parametrize("response", [{"public_id": "a"}, {"eager": []}, {"eager": None}, {"eager": ["?"]}])
def test_a_response_without_eager_is_a_success(server: CloudinaryServer, regen: Run, response: Any) -> None:
    server.on("GET", "/transformations", derived("a"))
    server.on("POST", "/explicit", Reply(body=response))
    done = regen("w_5", "-F")
    assert done.code == 0 and "Regenerated a\n" in done.err and "Traceback" not in done.err


def test_a_derived_asset_that_could_not_be_generated_is_a_failure(server: CloudinaryServer, regen: Run) -> None:
    server.on("GET", "/transformations", derived("a"))
    server.on("POST", "/explicit", {"eager": [{"status": "failed", "reason": "too large"}]})
    done = regen("w_5", "-F")
    assert done.code == 1 and "error: too large" in done.err


@pytest.mark.parametrize(("typed", "code"), [("", 1), ("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_a_declined_question_is_a_failure_and_changes_nothing(
    server: CloudinaryServer, regen: Run, cld: Run, typed: str, code: int
) -> None:
    done = cld("-c", server.config_url(), "regen_derived", "w_5", input=typed)
    assert done.code == code and done.out == ""
    assert "Continue? (y/N)" in done.err and ("Stopping." in done.err) is (code == 1)
    assert ("Use --force (-F)" in done.err) is (typed == "")
    assert "  image/upload/a\n  image/upload/b\n  image/upload/c\n" in done.err and "'w_5' in cloud 'demo'" in done.err
    assert (explicit_calls(server) == []) is (code == 1)


def test_a_declined_run_keeps_the_report_of_the_last_one(server: CloudinaryServer, regen: Run, cld: Run) -> None:
    line = '{"path": "image/upload/a", "status": "failed"}\n'
    Path("r.jsonl").write_text(line)
    options = ("--retry-failed", "r.jsonl", "--report", "r.jsonl")
    assert cld("-c", server.config_url(), "regen_derived", "w_5", *options).code == 1
    assert cld("-c", server.config_url(), "regen_derived", "w_5", *options, "--dry-run").code == 0
    assert Path("r.jsonl").read_text() == line


def test_one_call_for_each_asset(server: CloudinaryServer, regen: Run) -> None:
    items = derived("a", "b", "a", "a", "b")
    items["derived"][3]["resource_type"] = "video"
    server.on("GET", "/transformations", items)
    assert regen("w_5", "-F", "-w", "1").code == 0
    sent = [(request.path.split("/")[3], request.field("public_id")) for request in explicit_calls(server)]
    assert sent == [("image", "a"), ("image", "b"), ("video", "a")]


def pages(request: Request) -> Dict[str, Any]:
    """1,200 derived assets."""
    begin, size = int(request.query.get("next_cursor", ["0"])[0]), int(request.query["max_results"][0])
    assert 1 <= size <= 500
    end = min(begin + size, 1200)
    cursor = {"next_cursor": str(end)} if end < 1200 else {}
    return derived(*(f"p{number}" for number in range(begin, end)), **cursor)


@pytest.mark.parametrize(
    ("options", "count", "is_warned"), [((), 10, True), (("-n", "700"), 700, True), (("-A",), 1200, False)]
)
def test_all_pages_or_the_given_number_of_results(
    server: CloudinaryServer, regen: Run, options: Any, count: int, is_warned: bool
) -> None:
    server.on("GET", "/transformations", pages)
    done = regen("w_5", "--dry-run", *options)
    assert done.code == 0 and done.err.count("image/upload/p") == count
    assert (f"Only the first {count} derived assets" in done.err and "-A" in done.err) is is_warned


def test_failed_pages_are_requested_again(server: CloudinaryServer, regen: Run) -> None:
    failing = iter([Reply(500, {"error": {"message": "x"}}), Reply(429, {}, {"Retry-After": "0"})])
    server.on("GET", "/transformations", lambda request: next(failing, None) or pages(request))
    done = regen("w_5", "--dry-run", "-A")
    assert done.code == 0 and done.err.count("image/upload/p") == 1200


def test_a_repeated_cursor_ends_the_listing(server: CloudinaryServer, regen: Run) -> None:
    server.on("GET", "/transformations", derived("a", next_cursor="same"))
    done = regen("w_5", "-F", "-A")
    assert done.code == 1 and "same cursor twice" in done.err and not explicit_calls(server)


def test_dry_run_asks_and_changes_nothing(server: CloudinaryServer, regen: Run) -> None:
    done = regen("w_5", "--dry-run", "--json")
    assert done.code == 0 and json.loads(done.out)["would_regenerate"] == 3 and json.loads(done.out)["dry_run"]
    assert "Continue?" not in done.err and not explicit_calls(server)


def test_nothing_to_do(server: CloudinaryServer, regen: Run) -> None:
    server.on("GET", "/transformations", {"name": "w_5", "derived": []})
    done = regen("w_5", "-F")
    assert done.code == 0 and done.err == "No derived assets are using this transformation.\n"
    server.on("GET", "/transformations", derived("a"))
    assert "The options select no derived asset." in regen("w_5", "-F", "--exclude", "a").err


def test_an_unknown_transformation(server: CloudinaryServer, regen: Run) -> None:
    server.on("GET", "/transformations", Reply(404, {"error": {"message": "Can't find transformation w_6"}}))
    done = regen("w_6", "-F")
    assert done.code == 1 and "Can't find transformation w_6" in done.err and "Traceback" not in done.err


@pytest.mark.parametrize("options", [("-w", "0"), ("-n", "0"), ("--shard", "3/2"), ("--retry-failed", "nowhere")])
def test_bad_options_are_an_error_before_any_request(server: CloudinaryServer, regen: Run, options: Any) -> None:
    done = regen("w_5", "-F", *options)
    assert done.code == 1 and server.requests == [] and "Traceback" not in done.err


def test_selection(server: CloudinaryServer, regen: Run) -> None:
    server.on("GET", "/transformations", derived("shop/a", "shop/b", "old/c"))
    assert regen("w_5", "-F", "--exclude", "b", "--include", "shop/", "--exclude", "**").code == 0
    assert [request.field("public_id") for request in explicit_calls(server)] == ["shop/a"]
    shards = [regen("w_5", "--dry-run", "--shard", f"{part}/2").err.count("image/upload/") for part in (1, 2)]
    assert sum(shards) == 3


def test_everything_is_requested_if_a_tenth_of_the_requests_fails_once(
    box: SandboxClient, cld: Run, env: Dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    for number in range(60):
        (tmp_path / "d" / f"f{number:02}.jpg").write_bytes(b"%d" % number)
    assert cld("upload_dir", "d", "-o", "eager", "w_61", env=env).code == 0
    faults: List[Dict[str, Any]] = [
        {"status": 500},
        {"status": 503},
        {"status": 420},
        {"mode": "reset"},
        {"mode": "cut"},
        {"mode": "stall", "delay": 10},
    ]
    for fault in faults:
        box.fault("/v1_1/sandbox/image/explicit", skip=9, **fault)
    box.fault("/v1_1/sandbox/transformations", status=502)
    done = cld("regen_derived", "w_61", "-A", "-F", "--json", "-w", "10", env=env)
    assert done.code == 0, done.err[-2000:]
    assert json.loads(done.out)["regenerated"] == 60 and not box.call("GET", "faults")["faults"]


@posix
def test_ctrl_c_once_and_twice(server: CloudinaryServer) -> None:
    server.on("GET", "/transformations", derived(*(f"p{number}" for number in range(10))))
    gate = threading.Event()

    def slow(request: Request) -> Any:
        gate.wait(20)
        return regenerated(request)

    server.on("POST", "/explicit", slow)
    command = ("-c", server.config_url(), "regen_derived", "w_5", "-F", "-w", "2", "--json", "--report", "r.jsonl")
    process = start(*command)
    wait_until(lambda: len(explicit_calls(server)) == 2, process)
    interrupt(process)
    gate.set()
    assert process.wait(30) == 130
    summary = json.loads(Path("out").read_text())
    assert (summary["regenerated"], summary["cancelled"], summary["interrupted"]) == (2, 8, True)
    assert "complete" not in Path("err").read_text() and len(Path("r.jsonl").read_text().splitlines()) == 10

    gate.clear()
    process = start(*command)
    wait_until(lambda: len(explicit_calls(server)) == 4, process)
    abort(process)
    gate.set()


def test_one_public_id_of_two_kinds_is_two_assets_in_a_report(server: CloudinaryServer, regen: Run) -> None:
    items = derived("x", "x")
    items["derived"][1]["resource_type"] = "video"
    server.on("GET", "/transformations", items)
    server.on("POST", "/image/explicit", Reply(400, {"error": {"message": "no"}}))
    assert regen("w_5", "-F", "-w", "1", "--report", "r.jsonl").code == 1
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [(line["path"], line["public_id"], line["status"]) for line in lines] == [
        ("image/upload/x", "x", "failed"),
        ("video/upload/x", "x", "ok"),
    ]
    server.on("POST", "/image/explicit", regenerated)
    assert regen("w_5", "-F", "--retry-failed", "r.jsonl", "--report", "r.jsonl").code == 0
    kinds = [request.path.split("/")[3] for request in explicit_calls(server)]
    assert kinds == ["image", "video", "image"], "what was done is not done again"


def test_an_unknown_transformation_says_how_to_find_one(server: CloudinaryServer, regen: Run) -> None:
    server.on("GET", "/transformations", Reply(404, {"error": {"message": "Transformation w_6 not found"}}))
    done = regen("w_6", "-F")
    assert done.code == 1
    assert done.err == (
        "error: Error 404 - Transformation w_6 not found. List the transformations: cld admin transformations\n"
    )
