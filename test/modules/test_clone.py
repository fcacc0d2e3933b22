"""`cld clone` end to end: requests, messages, failures and the exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

import pytest

from test.support.clone_accounts import Source, Target
from test.support.cloudinary_server import Reply
from test.support.commands import Run


def test_requests_and_messages(source: Source, target: Target, clone: Run) -> None:
    source.add("a/b", folder="a", tags=["x"], display_name="B", context={"alt": "hi"}, access_control=None)
    source.add(
        "v", resource_type="video", type="private", secure_url="https://res.example/src/video/private/s--xYz--/v"
    )
    done = clone("-w", "1", "-nu", "https://hook.example")
    assert (done.code, done.out) == (0, "")
    *lines, end = done.err.splitlines()
    assert end.startswith("Ended after ") and lines == [
        "Copying 2 asset(s) from src to dst",
        "Successfully uploaded https://res.example/src/image/upload/v1/a/b.jpg as a/b",
        "Successfully uploaded https://res.example/src/video/private/s--****--/v as v",
        "Copied 2 asset(s) from src to dst",
    ]
    (search,) = source.searches
    assert search.json["max_results"] == 500
    assert search.json["expression"] == "type:upload OR type:private OR type:authenticated"
    wanted = ["tags", "context", "access_control", "secure_url", "display_name", "format", "metadata"]
    assert search.json["fields"][:7] == wanted
    first, second = target.uploads
    assert (first.path, second.path) == ("/v1_1/dst/image/upload", "/v1_1/dst/video/upload")
    fields = {name: first.field(name) for name in first.form if name not in ("timestamp", "signature")}
    assert fields == {
        "file": "https://res.example/src/image/upload/v1/a/b.jpg",
        "public_id": "a/b",
        "type": "upload",
        "overwrite": "0",
        "async": "0",
        "context": "alt=hi",
        "display_name": "B",
        "asset_folder": "a",
        "notification_url": "https://hook.example",
        "api_key": "tkey",
    }
    assert second.field("type") == "private" and "asset_folder" not in second.form and "context" not in second.form
    assert second.field("file") == "https://res.example/src/video/private/s--xYz--/v"


def test_the_target_is_pinged_before_the_search(source: Source, target: Target, clone: Run) -> None:
    order: List[str] = []
    target.server.on("GET", "/ping", lambda request: order.append("ping") or {"status": "ok"})
    source.server.on("POST", "/search", lambda request: order.append("search") or {"resources": [{"public_id": "a"}]})
    clone("--dry-run")
    assert order == ["ping", "search"]


@pytest.mark.parametrize(
    ("options", "tags"),
    [((), None), (("-fi", "tags"), "x,y"), (("-fi", "context, tags"), "x,y"), (("-fi", "context"), None)],
)
def test_tags_are_copied_on_request_and_context_always(
    source: Source, target: Target, clone: Run, options: Any, tags: Any
) -> None:
    source.add("a", tags=["x", "y"], context={"custom": {"k": "v=1|2"}})
    assert clone(*options).code == 0
    (upload,) = target.uploads
    assert upload.field("tags") == tags and upload.field("context") == "k=v\\=1\\|2"


def test_overwrite_and_async_are_passed_on(source: Source, target: Target, clone: Run) -> None:
    source.add("a")
    target.server.on("POST", "/upload", {"status": "pending", "batch_id": "b1"})
    done = clone("-ow", "--async")
    assert done.code == 0 and "asynchronously with batch_id: b1" in done.err and "Sent 1 asset(s)" in done.err
    assert (target.uploads[0].field("overwrite"), target.uploads[0].field("async")) == ("1", "1")


def test_metadata_goes_to_the_fields_that_the_target_has(source: Source, target: Target, clone: Run) -> None:
    source.add("plain")
    source.add("a", metadata={"sku": "1=2", "colours": ["r", "g"], "gone": "x"})
    source.add("b", metadata={"gone": "y"})
    target.server.on(
        "GET", "/metadata_fields", {"metadata_fields": [{"external_id": "sku"}, {"external_id": "colours"}]}
    )
    done = clone()
    assert done.code == 0 and done.err.count("has no metadata field 'gone'") == 1
    assert target.sent("a").field("metadata") == 'sku=1\\=2|colours=["r","g"]'  # type: ignore[union-attr]
    assert target.sent("b").field("metadata") is None  # type: ignore[union-attr]
    assert target.server.paths().count("GET /v1_1/dst/metadata_fields") == 1


def test_metadata_is_sent_unchanged_if_the_fields_cannot_be_listed(source: Source, target: Target, clone: Run) -> None:
    source.add("a", metadata={"x": "1"})
    target.server.on("GET", "/metadata_fields", Reply(403, {"error": {"message": "not for you"}}))
    done = clone()
    assert done.code == 0 and "cannot be listed: not for you" in done.err
    assert target.uploads[0].field("metadata") == "x=1"


def test_metadata_fields_are_not_requested_without_metadata(source: Source, target: Target, clone: Run) -> None:
    source.add("a")
    assert clone().code == 0 and "GET /v1_1/dst/metadata_fields" not in target.server.paths()


def test_existing_assets_are_kept_and_reported(source: Source, target: Target, clone: Run) -> None:
    source.add("a")
    source.add("b")
    target.refused["a"] = Reply(body={"public_id": "a", "existing": True, "bytes": 7})
    done = clone("--json")
    summary = json.loads(done.out)
    assert (summary["copied"], summary["existing"], summary["bytes"]) == (1, 1, 5)
    assert "Kept image/upload/a:" in done.err and "Copied 1 asset(s) from src to dst, 1 already there" in done.err


def test_failures_are_counted_and_make_the_exit_status_1(source: Source, target: Target, clone: Run) -> None:
    for name in "abc":
        source.add(name)
    target.refused["b"] = Reply(400, {"error": {"message": "Invalid image file"}})
    done = clone("--json", "--report", "r.jsonl")
    assert done.code == 1
    assert (
        "error: Failed uploading https://res.example/src/image/upload/v1/b.jpg, error: Invalid image file" in done.err
    )
    assert "Copied 2 asset(s) from src to dst, 1 failed" in done.err and "1 of 3 assets were not copied" in done.err
    summary = json.loads(done.out)
    assert (summary["command"], summary["source"], summary["target"]) == ("clone", "src", "dst")
    assert (summary["copied"], summary["failed"]) == (2, 1)
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert {line["path"]: line["status"] for line in lines} == {
        "image/upload/a": "ok",
        "image/upload/b": "failed",
        "image/upload/c": "ok",
    }
    assert {line["public_id"] for line in lines} == {"a", "b", "c"}
    target.refused.clear()
    done = clone("--json", "--retry-failed", "r.jsonl", "--report", "r.jsonl")
    assert done.code == 0 and json.loads(done.out)["copied"] == 1 and target.arrived == ["a", "b", "b", "c"]


def test_every_upload_refused(source: Source, target: Target, clone: Run) -> None:
    source.add("a")
    target.server.on("POST", "/upload", Reply(400, {"error": {"message": "no"}}))
    assert clone().code == 1


def test_one_public_id_of_two_kinds_is_two_assets(source: Source, target: Target, clone: Run) -> None:
    source.add("x")
    source.add("x", resource_type="video")
    refuse = Reply(400, {"error": {"message": "no"}})
    target.server.on("POST", "/image/upload", refuse)
    assert clone("--report", "r.jsonl", "-w", "1").code == 1
    target.server.on("POST", "/image/upload", target.respond_to_upload)
    assert clone("--retry-failed", "r.jsonl").code == 0
    kinds = [request.path.split("/")[3] for request in target.uploads]
    assert kinds == ["image", "video", "image"]


@pytest.mark.parametrize(
    "options", [("-fi", "tags,colours"), ("-fi", "etag"), ("-w", "0"), ("-ue", "0"), ("--shard", "3/2")]
)
def test_bad_options_are_an_error_before_any_request(source: Source, target: Target, clone: Run, options: Any) -> None:
    done = clone(*options)
    assert done.code == 1 and source.server.requests == target.server.requests == [] and "Traceback" not in done.err


def test_the_error_says_which_fields_there_are(clone: Run) -> None:
    assert "'colours' cannot be copied; choose from tags, context, metadata." in clone("-fi", "tags,colours").err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_unwritable_report_is_an_error_that_names_the_file(source: Source, target: Target, clone: Run) -> None:
    source.add("a")
    done = clone("--report", "/dev/full")
    assert done.code == 1 and "Cannot write the --report file /dev/full" in done.err and "listed" not in done.err


def test_names_stay_readable(source: Source, target: Target, invoke: Run) -> None:
    source.add("é/日本")
    done = invoke("-c", source.server.config_url("src"), "clone", target.server.config_url("dst"), "--json")
    assert done.code == 0 and "as é/日本" in done.err and target.arrived == ["é/日本"]
