"""`cld clone` end to end: what goes to which host, what is asked and said, how it ends."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudinary_cli.auth.session import Session, to_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.modules.clone_world import Source, Target
from test.support.cloudinary_server import CloudinaryServer, Reply, Request

Run = Callable[..., Any]


@pytest.fixture
def source(server: CloudinaryServer) -> Source:
    return Source(server)


@pytest.fixture
def target() -> Iterator[Target]:
    with CloudinaryServer() as other:
        yield Target(other)


@pytest.fixture
def run(source: Source, target: Target, invoke: Run) -> Run:
    """Run `cld clone TARGET ARGS` from an account with a key to another with a key."""

    def clone(*args: str, **params: str) -> Any:
        there = target.server.config_url("dst", "tkey:tsecret")
        return invoke("-c", source.server.config_url("src", "skey:ssecret", **params), "clone", there, *args)

    return clone


def test_what_is_sent_and_said(source: Source, target: Target, run: Run) -> None:
    source.add("a/b", folder="a", tags=["x"], display_name="B", context={"alt": "hi"}, access_control=None)
    source.add(
        "v", resource_type="video", type="private", secure_url="https://res.example/src/video/private/s--xYz--/v"
    )
    done = run("-w", "1", "-nu", "https://hook.example")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
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


def test_the_order_of_things(source: Source, target: Target, run: Run) -> None:
    order: List[str] = []
    target.server.on("GET", "/ping", lambda request: order.append("ping") or {"status": "ok"})
    source.server.on("POST", "/search", lambda request: order.append("search") or {"resources": [{"public_id": "a"}]})
    run("--dry-run")
    assert order == ["ping", "search"]


@pytest.mark.parametrize(
    ("options", "tags"),
    [((), None), (("-fi", "tags"), "x,y"), (("-fi", "context, tags"), "x,y"), (("-fi", "context"), None)],
)
def test_tags_on_request_context_always(source: Source, target: Target, run: Run, options: Any, tags: Any) -> None:
    source.add("a", tags=["x", "y"], context={"custom": {"k": "v=1|2"}})
    assert run(*options).code == 0
    (upload,) = target.uploads
    assert upload.field("tags") == tags and upload.field("context") == "k=v\\=1\\|2"


def test_flags_are_passed_on(source: Source, target: Target, run: Run) -> None:
    source.add("a")
    target.server.on("POST", "/upload", {"status": "pending", "batch_id": "b1"})
    done = run("-ow", "--async")
    assert done.code == 0 and "asynchronously with batch_id: b1" in done.err and "Sent 1 asset(s)" in done.err
    assert (target.uploads[0].field("overwrite"), target.uploads[0].field("async")) == ("1", "1")


def test_metadata_goes_to_the_fields_that_the_target_has(source: Source, target: Target, run: Run) -> None:
    source.add("plain")
    source.add("a", metadata={"sku": "1=2", "colours": ["r", "g"], "gone": "x"})
    source.add("b", metadata={"gone": "y"})
    target.server.on(
        "GET", "/metadata_fields", {"metadata_fields": [{"external_id": "sku"}, {"external_id": "colours"}]}
    )
    done = run()
    assert done.code == 0 and done.err.count("has no metadata field 'gone'") == 1
    assert target.sent("a").field("metadata") == 'sku=1\\=2|colours=["r","g"]'  # type: ignore[union-attr]
    assert target.sent("b").field("metadata") is None  # type: ignore[union-attr]
    assert target.server.paths().count("GET /v1_1/dst/metadata_fields") == 1


def test_metadata_is_sent_as_it_is_where_the_fields_are_a_secret(source: Source, target: Target, run: Run) -> None:
    source.add("a", metadata={"x": "1"})
    target.server.on("GET", "/metadata_fields", Reply(403, {"error": {"message": "not for you"}}))
    done = run()
    assert done.code == 0 and "cannot be listed: not for you" in done.err
    assert target.uploads[0].field("metadata") == "x=1"


def test_metadata_fields_are_not_asked_for_without_metadata(source: Source, target: Target, run: Run) -> None:
    source.add("a")
    assert run().code == 0 and "GET /v1_1/dst/metadata_fields" not in target.server.paths()


def test_what_is_there_already_is_kept_and_said(source: Source, target: Target, run: Run) -> None:
    source.add("a")
    source.add("b")
    target.refused["a"] = Reply(body={"public_id": "a", "existing": True, "bytes": 7})
    done = run("--json")
    summary = json.loads(done.out)
    assert (summary["copied"], summary["existing"], summary["bytes"]) == (1, 1, 5)
    assert "Kept image/upload/a:" in done.err and "Copied 1 asset(s) from src to dst, 1 already there" in done.err


# -- the safety rows


@pytest.mark.parametrize("answer", ["n\n", "", "\n", "y\n"])
def test_without_a_yes_to_more_pages_nothing_is_copied(source: Source, target: Target, cld: Run, answer: str) -> None:
    source.page_size = 2
    for number in range(5):
        source.add(f"p{number}")
    Path("r.jsonl").write_text('{"path": "image/upload/p1", "status": "failed"}\n')
    arguments = ("-c", source.server.config_url("src"), "clone", target.server.config_url("dst"), "--report", "r.jsonl")
    done = cld(*arguments, input=answer)
    agreed = answer == "y\n"
    assert done.code == (0 if agreed else 1) and done.out == ""
    assert len(target.uploads) == (5 if agreed else 0) and len(source.searches) == (3 if agreed else 1)
    assert "5 results were found" in done.err and "Continue? (y/N)" in done.err
    assert ("Nothing was copied. Use --force (-F)" in done.err) is not agreed
    assert ("failed" in Path("r.jsonl").read_text()) is not agreed  # a refusal keeps the list of what is to be done


def test_force_and_dry_run_ask_nothing(source: Source, target: Target, run: Run) -> None:
    source.page_size = 2
    for number in range(5):
        source.add(f"p{number}")
    done = run("--dry-run", "--json")
    assert done.code == 0 and json.loads(done.out)["would_copy"] == 5 and json.loads(done.out)["dry_run"]
    assert not target.uploads and "image/upload/p4" in done.err
    done = run("-F")
    assert done.code == 0 and len(target.uploads) == 5 and "Continue?" not in done.err


def test_the_search_expression_is_bracketed(source: Source, run: Run) -> None:
    source.add("a")
    assert run("-se", "tags:a OR tags:b").code == 0
    three = "type:upload OR type:private OR type:authenticated"
    assert source.searches[0].json["expression"] == f"(tags:a OR tags:b) AND ({three})"


def test_a_negated_type_is_allowed_and_another_is_refused_before_any_search(source: Source, run: Run) -> None:
    source.add("a")
    assert run("-se", "tags:a AND NOT type:fetch").code == 0 and len(source.searches) == 1
    done = run("-se", "type:fetch")
    assert done.code == 1 and "Unsupported type(s) in search expression: fetch" in done.err
    assert len(source.searches) == 1


def test_failures_are_counted_and_make_the_exit_status_1(source: Source, target: Target, run: Run) -> None:
    for name in "abc":
        source.add(name)
    target.refused["b"] = Reply(400, {"error": {"message": "Invalid image file"}})
    done = run("--json", "--report", "r.jsonl")
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
    done = run("--json", "--retry-failed", "r.jsonl", "--report", "r.jsonl")
    assert done.code == 0 and json.loads(done.out)["copied"] == 1 and target.arrived == ["a", "b", "b", "c"]


def test_every_upload_refused(source: Source, target: Target, run: Run) -> None:
    source.add("a")
    target.server.on("POST", "/upload", Reply(400, {"error": {"message": "no"}}))
    assert run().code == 1


def test_one_public_id_of_two_kinds_is_two_assets(source: Source, target: Target, run: Run) -> None:
    source.add("x")
    source.add("x", resource_type="video")
    refuse = Reply(400, {"error": {"message": "no"}})
    target.server.on("POST", "/image/upload", refuse)
    assert run("--report", "r.jsonl", "-w", "1").code == 1
    target.server.on("POST", "/image/upload", target.answer_upload)
    assert run("--retry-failed", "r.jsonl").code == 0
    kinds = [request.path.split("/")[3] for request in target.uploads]
    assert kinds == ["image", "video", "image"]


@pytest.mark.parametrize(
    "options", [("-fi", "tags,colours"), ("-fi", "etag"), ("-w", "0"), ("-ue", "0"), ("--shard", "3/2")]
)
def test_bad_options_are_met_first(source: Source, target: Target, run: Run, options: Any) -> None:
    done = run(*options)
    assert done.code == 1 and source.server.requests == target.server.requests == [] and "Traceback" not in done.err


def test_the_error_says_which_fields_there_are(run: Run) -> None:
    assert "'colours' cannot be copied; choose from tags, context, metadata." in run("-fi", "tags,colours").err


# -- the target


@pytest.mark.parametrize(
    ("there", "text"),
    [
        ("nowhere", "Config nowhere does not exist"),
        ("http://k:TOPSECRET@dst", "Invalid URL scheme"),
        ("cloudinary://k:TOP/SECRET@dst", "ambiguous"),
        ("cloudinary:/k:TOPSECRET@dst", "neither the name of a saved configuration nor a URL"),
        ("cloudinary://dst", "no API key with its secret, and no login"),
        ("cloudinary://k:TOPSECRET@dst?upload_prefix=ftp%3A%2F%2Fx", "upload_prefix"),
        ("", "The argument TARGET is empty"),
        ("__default__", "does not exist"),
    ],
)
def test_an_unusable_target(source: Source, invoke: Run, there: str, text: str) -> None:
    done = invoke("-c", source.server.config_url("src"), "clone", there)
    assert done.code == 1 and text in done.err and not re.search("TOPSECRET|SECRET@", done.text)
    assert "Traceback" not in done.err and source.server.requests == []


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Reply(401, {"error": {"message": "unknown api_key"}}), "unknown api_key. Check the key, the secret"),
        (Reply(403, {"error": {"message": "not allowed"}}), "not allowed"),
        (Reply(200, b"<html>"), "not a JSON object"),
    ],
)
def test_a_failed_ping_is_called_one_and_shows_no_secret(
    source: Source, target: Target, invoke: Run, answer: Reply, text: str, level: str
) -> None:
    target.server.on("GET", "/ping", answer)
    there = target.server.config_url("dst", "k2:TOPSECRET")
    done = invoke("-v", level, "-c", source.server.config_url("src"), "clone", there)
    assert done.code == 1 and "The target cloud dst cannot be used: " in done.err and text in done.err
    assert "TOPSECRET" not in done.text and "does not exist" not in done.err
    assert done.err.count("error:") == 1 and not source.searches


def test_the_target_must_be_another_cloud(source: Source, target: Target, invoke: Run) -> None:
    done = invoke("-c", source.server.config_url("same"), "clone", target.server.config_url("Same"))
    assert done.code == 1 and "error: Target environment cannot be the same as source environment." in done.err
    assert not source.searches


def test_no_assets(source: Source, run: Run) -> None:
    done = run()
    assert done.code == 1 and "error: No asset(s) found in src" in done.err


def test_the_shell_completes_saved_names(store: ConfigStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    from cloudinary_cli.modules.clone import clone

    monkeypatch.delenv("_CLD_COMPLETE", raising=False)
    with store.transaction() as config:
        config["backup"] = "cloudinary://1:2@backup"
    items = clone.params[0].shell_complete(click.Context(clone), "b")
    assert [item.value for item in items] == ["backup"]


# -- whose credentials go where


def login(store: ConfigStore, name: str, server: CloudinaryServer, token: str) -> str:
    """A saved login of the cloud `name` on this host."""
    now = int(time.time())
    session = Session(
        cloud_name=name,
        access_token=token,
        refresh_token=f"refresh-{name}",
        issued_at=now,
        expires_at=now + 3000,
        region="api",
        oauth_base_url=server.url,
        upload_prefix=server.url,
    )
    with store.transaction() as config:
        config[name] = to_cloudinary_url(session)
    return name


def authorizations(server: CloudinaryServer) -> set:  # type: ignore[type-arg]
    return {request.headers.get("authorization", "")[:16] for request in server.requests}


@pytest.mark.parametrize("is_saved", [True, False])
def test_a_login_copies_to_an_account_with_a_key(
    source: Source, target: Target, invoke: Run, store: ConfigStore, is_saved: bool
) -> None:
    source.add("a", metadata={"f": "1"})
    login(store, "src", source.server, "TOKEN-OF-SOURCE-AAAA")
    there = target.server.config_url("dst", "tkey:tsecret")
    if is_saved:
        with store.transaction() as config:
            config["there"] = there
    done = invoke("-C", "src", "clone", "there" if is_saved else there, "-F")
    assert done.code == 0, done.err
    assert authorizations(source.server) == {"Bearer TOKEN-OF-"}
    raw = b"".join(request.body + repr(request.headers).encode() for request in target.server.requests)
    assert b"TOKEN-OF-SOURCE" not in raw and b"refresh-" not in raw
    assert target.uploads[0].field("api_key") == "tkey" and target.uploads[0].field("signature")


def test_two_logins_never_meet(source: Source, target: Target, invoke: Run, store: ConfigStore) -> None:
    source.add("a", metadata={"f": "1"})
    login(store, "src", source.server, "AAAA-TOKEN-OF-SOURCE")
    login(store, "dst", target.server, "BBBB-TOKEN-OF-TARGET")
    assert invoke("-C", "src", "clone", "dst", "-F").code == 0
    assert authorizations(source.server) == {"Bearer AAAA-TOKE"} and authorizations(target.server) == {
        "Bearer BBBB-TOKE"
    }
    assert "signature" not in target.uploads[0].form


def test_a_key_copies_to_a_login(source: Source, target: Target, invoke: Run, store: ConfigStore) -> None:
    source.add("a")
    login(store, "dst", target.server, "BBBB-TOKEN-OF-TARGET")
    assert invoke("-c", source.server.config_url("src", "skey:ssecret"), "clone", "dst").code == 0
    assert authorizations(source.server) == {"Basic c2tleTpzc2"} and authorizations(target.server) == {
        "Bearer BBBB-TOKE"
    }
    assert b"skey" not in b"".join(request.body for request in target.server.requests)


def test_the_hosts_preset_and_prefix_of_the_source_stay_there(source: Source, target: Target, invoke: Run) -> None:
    source.add("a")
    here = source.server.config_url("src", upload_preset="mine")
    assert invoke("-c", here, "clone", target.server.config_url("dst")).code == 0
    assert target.uploads[0].field("upload_preset") is None and target.server.requests[0].path == "/v1_1/dst/ping"


# -- assets that are not public


TOKEN_RULE = [{"access_type": "token"}, {"access_type": "anonymous"}]
AUTH_TOKEN = {"auth_token[key]": "00aabbccFF", "auth_token[duration]": "99", "auth_token[acl]": "/*"}


def test_a_private_download_url_expires_and_is_never_shown(source: Source, target: Target, run: Run) -> None:
    source.add("ok", access_control=TOKEN_RULE)
    source.add("bad", access_control=TOKEN_RULE)

    def answer(request: Request) -> Any:
        if request.field("public_id") == "bad":
            return Reply(400, {"error": {"message": f"Error in loading {request.field('file')} - 404"}})
        return target.answer_upload(request)

    target.server.on("POST", "/upload", answer)
    before = time.time()
    done = run("-v", "DEBUG", "-ue", "60", "--report", "r.jsonl", "--json")
    assert done.code == 1
    request = target.sent("ok")
    assert request is not None
    url = urlsplit(str(request.field("file")))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{source.server.url}/v1_1/src/image/download"
    assert (query["public_id"], query["format"], query["type"], query["api_key"]) == ("ok", "jpg", "upload", "skey")
    assert before + 55 < int(query["expires_at"]) < time.time() + 65 and len(query["signature"]) == 40
    assert json.loads(str(request.field("access_control"))) == TOKEN_RULE
    shown = done.text + Path("r.jsonl").read_text()
    assert "signature=" not in shown and "api_key=" not in shown and "skey" not in shown
    assert query["signature"] not in shown and "/download - 404" in shown


def test_a_tokenised_url_lives_as_long_as_asked_and_is_never_shown(source: Source, target: Target, run: Run) -> None:
    source.add("a", access_control=TOKEN_RULE)
    done = run("-v", "DEBUG", "-ue", "60", **AUTH_TOKEN)
    assert done.code == 0
    url = str(target.uploads[0].field("file"))
    found = re.match(
        r"https://res\.example/src/image/upload/v1/a\.jpg\?__cld_token__=exp=(\d+)~acl=.*~hmac=(\w+)\Z", url
    )
    assert found and abs(int(found[1]) - time.time() - 60) < 10
    assert "__cld_token__" not in done.text and found[2] not in done.text and "00aabbccFF" not in done.text


def test_the_auth_token_is_tried_before_the_search(source: Source, run: Run) -> None:
    source.add("a")
    done = run(**{"auth_token[key]": "nothexNOTHEX", "auth_token[duration]": "9"})
    assert done.code == 1 and "auth_token cannot make a token" in done.err and "nothex" not in done.text
    assert not source.searches


def test_a_login_cannot_sign_and_says_so_for_each_asset(
    source: Source, target: Target, invoke: Run, store: ConfigStore
) -> None:
    source.add("open")
    source.add("closed", access_control=TOKEN_RULE)
    login(store, "src", source.server, "TOKEN")
    done = invoke("-C", "src", "clone", target.server.config_url("dst"), "-F")
    assert done.code == 1 and target.arrived == ["open"]
    assert "needs an API secret, and a login (`cld login`) has none" in done.err


def test_a_restricted_asset_without_a_signed_address_gets_one(source: Source, target: Target, run: Run) -> None:
    source.add("a", type="authenticated", secure_url="https://res.example/src/image/authenticated/a.jpg")
    assert run().code == 0
    assert "/v1_1/src/image/download?" in str(target.uploads[0].field("file"))


# -- pages and choice


def test_pages_are_asked_for_again(source: Source, target: Target, run: Run) -> None:
    source.page_size = 3
    for number in range(8):
        source.add(f"p{number}")
    failing = iter([None, Reply(500, {"error": {"message": "x"}}), Reply(429, {}, {"Retry-After": "0"})])
    source.server.on("POST", "/search", lambda request: next(failing, None) or source.answer_search(request))
    done = run("-F", "--json")
    assert done.code == 0 and json.loads(done.out)["copied"] == 8 and len(source.searches) == 5


def test_a_page_that_cannot_be_had_is_a_failure_after_the_others(source: Source, target: Target, run: Run) -> None:
    source.page_size = 3
    for number in range(8):
        source.add(f"p{number}")

    def answer(request: Request) -> Any:
        refused = Reply(400, {"error": {"message": "cursor expired"}})
        return refused if request.json.get("next_cursor") == "6" else source.answer_search(request)

    source.server.on("POST", "/search", answer)
    done = run("-F", "--json")
    assert done.code == 1 and json.loads(done.out)["copied"] == 6 == len(target.uploads)
    assert "src was not listed to its end, so" in done.err and done.err.count("cursor expired") == 1
    target.refused["p1"] = Reply(400, {"error": {"message": "no"}})
    done = run("-F", "--json")
    assert done.code == 1 and json.loads(done.out)["failed"] == 1
    assert "src was not listed to its end (" in done.err and done.err.count("cursor expired") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_report_that_cannot_be_written_is_named(source: Source, target: Target, run: Run) -> None:
    source.add("a")
    done = run("--report", "/dev/full")
    assert done.code == 1 and "Cannot write the --report file /dev/full" in done.err and "listed" not in done.err


def test_a_repeated_cursor_does_not_go_on_for_ever(source: Source, target: Target, run: Run) -> None:
    source.server.on(
        "POST", "/search", {"resources": [{"public_id": "a", "secure_url": "https://x/a"}], "next_cursor": "c"}
    )
    done = run("-F")
    assert done.code == 1 and "same cursor twice" in done.err


def test_assets_of_other_types_are_skipped_with_a_line(source: Source, target: Target, run: Run) -> None:
    source.add("a")
    source.add("f", type="fetch")
    done = run("-se", "type:upload OR tags:x", "--json")
    assert done.code == 0 and target.arrived == ["a"] and json.loads(done.out)["skipped"] == 1
    assert "warning: Skipped: image/fetch/f, assets of type fetch cannot be cloned" in done.err
    assert json.loads(run("-se", "type:upload OR tags:x", "--json", "--dry-run").out)["would_copy"] == 1


def test_selection(source: Source, target: Target, run: Run) -> None:
    for name in ("shop/a", "shop/b", "old/c"):
        source.add(name)
    done = run("--exclude", "b", "--include", "shop/", "--exclude", "**")
    assert done.code == 0 and target.arrived == ["shop/a"] and "Copying 1 asset(s) from src to dst" in done.err
    parts = [json.loads(run("--dry-run", "--json", "--shard", f"{part}/2").out)["would_copy"] for part in (1, 2)]
    assert sum(parts) == 3
    done = run("--exclude", "**")
    assert done.code == 0 and "No asset is chosen by the options." in done.err


def test_names_stay_readable(source: Source, target: Target, invoke: Run) -> None:
    source.add("é/日本")
    done = invoke("-c", source.server.config_url("src"), "clone", target.server.config_url("dst"), "--json")
    assert done.code == 0 and "as é/日本" in done.err and target.arrived == ["é/日本"]


def test_nothing_secret_in_a_debug_log(source: Source, target: Target, run: Run) -> None:
    source.add("a")
    target.refused["a"] = Reply(400, {"error": {"message": "no"}})
    done = run("-v", "DEBUG")
    assert done.code == 1 and not re.search("tsecret|ssecret", done.text)


@pytest.mark.parametrize("page", [{}, {"resources": None}, {"resources": ["x"]}, {"resources": [{"format": "jpg"}]}])
def test_an_odd_listing_is_one_line(source: Source, run: Run, page: Dict[str, Any]) -> None:
    source.server.on("POST", "/search", Reply(body=page))
    done = run()
    assert done.code == 1 and "no list of assets with public IDs" in done.err and "Traceback" not in done.err


def test_results_that_lack_members(source: Source, target: Target, run: Run) -> None:
    source.add("a", format=..., secure_url=..., type=..., resource_type=...)
    assert run().code == 0 and "/v1_1/src/image/download?" in str(target.uploads[0].field("file"))
