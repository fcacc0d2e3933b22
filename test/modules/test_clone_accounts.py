"""`cld clone` between two accounts: unusable targets, the credentials that each host receives, and restricted assets."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudinary_cli.auth.session import Session, to_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.clone_accounts import Source, Target
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.commands import Run


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
    ("response", "text"),
    [
        (Reply(401, {"error": {"message": "unknown api_key"}}), "unknown api_key. Check the key, the secret"),
        (Reply(403, {"error": {"message": "not allowed"}}), "not allowed"),
        (Reply(200, b"<html>"), "not a JSON object"),
    ],
)
def test_a_failed_ping_is_reported_without_a_secret(
    source: Source, target: Target, invoke: Run, response: Reply, text: str, level: str
) -> None:
    target.server.on("GET", "/ping", response)
    there = target.server.config_url("dst", "k2:TOPSECRET")
    done = invoke("-v", level, "-c", source.server.config_url("src"), "clone", there)
    assert done.code == 1 and "The target cloud dst cannot be used: " in done.err and text in done.err
    assert "TOPSECRET" not in done.text and "does not exist" not in done.err
    assert done.err.count("error:") == 1 and not source.searches


def test_the_target_must_be_another_cloud(source: Source, target: Target, invoke: Run) -> None:
    done = invoke("-c", source.server.config_url("same"), "clone", target.server.config_url("Same"))
    assert done.code == 1 and "error: Target environment cannot be the same as source environment." in done.err
    assert not source.searches


def test_the_shell_completes_saved_names(store: ConfigStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    from cloudinary_cli.modules.clone import clone

    monkeypatch.delenv("_CLD_COMPLETE", raising=False)
    with store.transaction() as config:
        config["backup"] = "cloudinary://1:2@backup"
    items = clone.params[0].shell_complete(click.Context(clone), "b")
    assert [item.value for item in items] == ["backup"]


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


def test_two_logins_use_only_their_own_tokens(source: Source, target: Target, invoke: Run, store: ConfigStore) -> None:
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


def test_the_preset_and_host_of_the_source_are_not_used_for_the_target(
    source: Source, target: Target, invoke: Run
) -> None:
    source.add("a")
    here = source.server.config_url("src", upload_preset="mine")
    assert invoke("-c", here, "clone", target.server.config_url("dst")).code == 0
    assert target.uploads[0].field("upload_preset") is None and target.server.requests[0].path == "/v1_1/dst/ping"


TOKEN_RULE = [{"access_type": "token"}, {"access_type": "anonymous"}]


AUTH_TOKEN = {"auth_token[key]": "00aabbccFF", "auth_token[duration]": "99", "auth_token[acl]": "/*"}


def test_a_private_download_url_expires_and_is_never_printed(source: Source, target: Target, clone: Run) -> None:
    source.add("ok", access_control=TOKEN_RULE)
    source.add("bad", access_control=TOKEN_RULE)

    def respond(request: Request) -> Any:
        if request.field("public_id") == "bad":
            return Reply(400, {"error": {"message": f"Error in loading {request.field('file')} - 404"}})
        return target.respond_to_upload(request)

    target.server.on("POST", "/upload", respond)
    before = time.time()
    done = clone("-v", "DEBUG", "-ue", "60", "--report", "r.jsonl", "--json")
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


def test_a_url_with_a_token_has_the_given_lifetime_and_is_never_printed(
    source: Source, target: Target, clone: Run
) -> None:
    source.add("a", access_control=TOKEN_RULE)
    done = clone("-v", "DEBUG", "-ue", "60", **AUTH_TOKEN)
    assert done.code == 0
    url = str(target.uploads[0].field("file"))
    found = re.match(
        r"https://res\.example/src/image/upload/v1/a\.jpg\?__cld_token__=exp=(\d+)~acl=.*~hmac=(\w+)\Z", url
    )
    assert found and abs(int(found[1]) - time.time() - 60) < 10
    assert "__cld_token__" not in done.text and found[2] not in done.text and "00aabbccFF" not in done.text


def test_the_auth_token_is_tried_before_the_search(source: Source, clone: Run) -> None:
    source.add("a")
    done = clone(**{"auth_token[key]": "nothexNOTHEX", "auth_token[duration]": "9"})
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


def test_a_restricted_asset_without_a_signed_url_gets_one(source: Source, target: Target, clone: Run) -> None:
    source.add("a", type="authenticated", secure_url="https://res.example/src/image/authenticated/a.jpg")
    assert clone().code == 0
    assert "/v1_1/src/image/download?" in str(target.uploads[0].field("file"))


def test_nothing_secret_in_a_debug_log(source: Source, target: Target, clone: Run) -> None:
    source.add("a")
    target.refused["a"] = Reply(400, {"error": {"message": "no"}})
    done = clone("-v", "DEBUG")
    assert done.code == 1 and not re.search("tsecret|ssecret", done.text)
