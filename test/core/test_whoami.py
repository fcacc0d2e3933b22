"""`cld whoami`, `cld token` and CLOUDINARY_CONFIG_NAME: which credential wins, and in what state it is."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional

import pytest

from cloudinary_cli.auth import refresh_state
from cloudinary_cli.auth.session import Session, from_cloudinary_url, to_cloudinary_url
from cloudinary_cli.utils.config_url import replace_query
from cloudinary_cli.utils.config_utils import ConfigStore
from cloudinary_cli.utils.identity import rfc3339
from test.conftest import Result
from test.fakes.sandbox_client import SandboxClient

Cld = Callable[..., Result]
KEY = "cloudinary://k:topsecret@kcloud"
ENV = {"CLOUDINARY_URL": "cloudinary://e:envsecret@ecloud"}
NOW = int(time.time())
FIELDS = [
    "schema_version", "name", "cloud_name", "type", "source", "chosen_by", "state", "expires_at", "expires_at_utc",
    "shadows", "verified",
]  # fmt: skip


def login(expires: int, refresh: Optional[str] = "rt", **changes: str) -> str:
    url = to_cloudinary_url(Session("acme", "access-token", refresh, NOW - 300, expires))
    return replace_query(url, changes) if changes else url


def refused() -> str:
    return f"refused.{refresh_state.fingerprint('rt')}.{NOW}.1"


@pytest.fixture
def saved(store: ConfigStore) -> ConfigStore:
    store.save({"key": KEY, "work": login(NOW + 3000), "__default__": "work"})
    return store


def described(done: Result) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads(done.out)
    assert list(found) == FIELDS and found["schema_version"] == 1
    return found


@pytest.mark.parametrize(
    "args, env, name, cloud, source, chosen_by, state",
    [
        ([], {}, "work", "acme", "default", "default", "valid"),
        (["-C", "key"], {}, "key", "kcloud", "saved", "-C", "unverified"),
        (["-c", "cloudinary://a:b@inline"], {}, "(command-line)", "inline", "flag", "-c", "unverified"),
        ([], {"CLOUDINARY_CONFIG_NAME": "key"}, "key", "kcloud", "saved", "CLOUDINARY_CONFIG_NAME", "unverified"),
        (["-C", "work"], {"CLOUDINARY_CONFIG_NAME": "key"}, "work", "acme", "saved", "-C", "valid"),
        (["-c", KEY], {"CLOUDINARY_CONFIG_NAME": "work"}, "(command-line)", "kcloud", "flag", "-c", "unverified"),
        ([], {"CLOUDINARY_CONFIG_NAME": ""}, "work", "acme", "default", "default", "valid"),
    ],
)
def test_user_wish_21_name_and_source(
    invoke: Cld, saved: ConfigStore, args: List[str], env: Dict[str, str], name: str, cloud: str, source: str,
    chosen_by: str, state: str,
) -> None:  # fmt: skip
    done = invoke(*args, "whoami", "--json", env=env)
    found = described(done)
    assert done.code == 0
    assert (found["name"], found["cloud_name"], found["source"], found["chosen_by"], found["state"]) == (
        name, cloud, source, chosen_by, state,
    )  # fmt: skip
    assert found["verified"] is None
    text = invoke(*args, "whoami", env=env)
    assert text.code == 0 and f"cloud:  {cloud}\n" in text.out and f"state:  {state}" in text.out
    assert "topsecret" not in done.text + text.text and "access-token" not in done.text + text.text


def test_the_environment_as_source(invoke: Cld, store: ConfigStore) -> None:
    found = described(invoke("whoami", "--json", env=ENV))
    assert (found["source"], found["chosen_by"], found["cloud_name"]) == ("environment", "CLOUDINARY_URL", "ecloud")
    by_name = {"CLOUDINARY_CLOUD_NAME": "n", "CLOUDINARY_API_KEY": "k", "CLOUDINARY_API_SECRET": "s", **ENV}
    found = described(invoke("whoami", "--json", env=by_name))
    assert (found["chosen_by"], found["cloud_name"], found["shadows"]) == (
        "CLOUDINARY_CLOUD_NAME",
        "n",
        ["CLOUDINARY_URL"],
    )


@pytest.mark.parametrize(
    "url, state, code",
    [
        (login(NOW + 3000), "valid", 0),
        (login(NOW + 3000, refresh=None), "valid", 0),
        (login(NOW - 100), "refreshable", 0),
        (login(NOW - 100, refresh=None), "needs-login", 1),
        (login(NOW - 100, refresh_state=refused()), "needs-login", 1),
        (login(NOW - 100, refresh_state=refused().replace("refused.", "started.")), "refreshable", 0),
        (login(NOW - 100, refresh_state="refused.0000000000000000.1.1"), "refreshable", 0),
        (login(NOW + 3000, refresh_state=refused()), "valid", 0),
        ("cloudinary://acme", "needs-login", 1),
    ],
)
def test_user_wish_17_states_and_exit_codes(invoke: Cld, store: ConfigStore, url: str, state: str, code: int) -> None:
    store.save({"work": url})
    done = invoke("-C", "work", "whoami", "--json")
    assert described(done)["state"] == state and done.code == code
    assert bool(done.err) == bool(code)
    if code and "oauth_token" in url:
        assert "cld login work" in done.err


def test_user_wish_19_expiry_is_an_epoch_and_rfc_3339(invoke: Cld, saved: ConfigStore) -> None:
    found = described(invoke("whoami", "--json"))
    assert found["expires_at"] == NOW + 3000 and found["expires_at_utc"].endswith("Z")
    moment = datetime.strptime(found["expires_at_utc"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert int(moment.timestamp()) == NOW + 3000
    assert rfc3339(10**30) is None


@pytest.mark.parametrize(
    "args, env, shadows",
    [
        ([], ENV, ["CLOUDINARY_URL"]),
        (["-C", "key"], {"CLOUDINARY_CONFIG_NAME": "work"}, ["CLOUDINARY_CONFIG_NAME"]),
        (["-C", "key"], {"CLOUDINARY_CONFIG_NAME": "key"}, []),
        ([], {"CLOUDINARY_CONFIG_NAME": "key"}, ["default"]),
        ([], {"CLOUDINARY_CONFIG_NAME": "work"}, []),
        (["-c", KEY], {"CLOUDINARY_CONFIG_NAME": "key", **ENV}, ["CLOUDINARY_CONFIG_NAME", "CLOUDINARY_URL"]),
        ([], {"CLOUDINARY_CLOUD_NAME": "n"}, ["CLOUDINARY_CLOUD_NAME"]),
        (["-C", "key"], {}, []),
    ],
)
def test_user_wish_21_one_source_shadows_another(
    invoke: Cld, saved: ConfigStore, args: List[str], env: Dict[str, str], shadows: List[str]
) -> None:
    done = invoke(*args, "whoami", "--json", env=env)
    assert described(done)["shadows"] == shadows
    assert done.err.count("warning: ") == len(shadows) and "secret" not in done.err


def test_nothing_configured(invoke: Cld, store: ConfigStore) -> None:
    done = invoke("whoami", "--json")
    found = described(done)
    assert done.code == 1 and found["state"] == "needs-login" and found["name"] is None and "cld login" in done.err
    assert invoke("whoami").out == ""


# -- --verify


def test_verify_makes_one_call(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    assert described(cld("-C", "box", "whoami", "--json"))["verified"] is None and box.requests("/v1_1") == []
    found = described(cld("-C", "box", "whoami", "--json", "--verify"))
    assert (found["verified"], found["state"]) == (True, "valid") and len(box.requests("/v1_1")) == 1


def test_verify_renews_a_stale_token_and_shows_the_new_time(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    found = described(cld("-C", "box", "whoami", "--json", "--verify"))
    assert found["state"] == "valid" and found["verified"] and found["expires_at"] > NOW
    assert found["expires_at"] == from_cloudinary_url(store.load_fresh()["box"]).expires_at


def test_verify_of_an_api_key(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    env = {"CLOUDINARY_URL": box.server.environment("x")["CLOUDINARY_URL"]}
    assert described(cld("whoami", "--json", "--verify", env=env))["state"] == "valid"
    bad = {"CLOUDINARY_URL": env["CLOUDINARY_URL"].replace("sandbox-secret", "wrong")}
    done = cld("whoami", "--json", "--verify", env=bad)
    found = described(done)
    assert done.code == 1 and (found["verified"], found["state"]) == (False, "invalid") and "wrong" not in done.text


def test_verify_of_a_login_that_was_revoked(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.fault(status=400, body={"error": "invalid_grant"})
    done = cld("-C", "box", "whoami", "--json", "--verify")
    found = described(done)
    assert done.code == 1 and (found["verified"], found["state"]) == (False, "needs-login")
    assert "cld login box" in done.err
    assert described(cld("-C", "box", "whoami", "--json"))["state"] == "needs-login", "remembered, also offline"


def test_user_wish_17_no_network_is_no_invalid_token(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False, upload_prefix="http://127.0.0.1:9")
    done = cld("-C", "box", "whoami", "--json", "--verify")
    found = described(done)
    assert done.code == 1 and (found["verified"], found["state"]) == (None, "valid") and "error: " in done.err


# -- CLOUDINARY_CONFIG_NAME


def test_the_variable_selects_for_every_command(invoke: Cld, saved: ConfigStore) -> None:
    rows = json.loads(invoke("config", "-ls", "--json", env={"CLOUDINARY_CONFIG_NAME": "key"}).out)
    assert [(row["name"], row["default"], row["active"]) for row in rows] == [
        ("key", False, True),
        ("work", True, False),
    ]
    assert "/kcloud/" in invoke("url", "x", env={"CLOUDINARY_CONFIG_NAME": "key"}).out
    assert "/acme/" in invoke("-C", "work", "url", "x", env={"CLOUDINARY_CONFIG_NAME": "key"}).out
    assert "/kcloud/" in invoke("url", "x", env={"CLOUDINARY_CONFIG_NAME": "key", **ENV}).out


@pytest.mark.parametrize("name", ["nope", "__default__", "a\x1b[31mb"])
def test_an_unknown_name_is_an_error_that_names_the_variable(invoke: Cld, saved: ConfigStore, name: str) -> None:
    env = {"CLOUDINARY_CONFIG_NAME": name}
    done = invoke("url", "x", env=env)
    assert done.code == 1 and "CLOUDINARY_CONFIG_NAME" in done.err and "cld config -ls" in done.err
    assert done.out == "" and "\x1b" not in done.err
    listing = invoke("config", "-ls", env=env)
    assert listing.code == 0 and "CLOUDINARY_CONFIG_NAME" in listing.err and "work" in listing.out
    assert invoke("whoami", env=env).code == 1
    assert invoke("-C", "key", "url", "x", env=env).code == 0, "the flag wins"


def test_a_login_can_make_the_name_known(cld: Cld, box: SandboxClient, home: Any, store: ConfigStore) -> None:
    env = {**box.server.environment(home), "CLOUDINARY_CONFIG_NAME": "new", "CLOUDINARY_URL": ""}
    assert cld("login", "new", "--device", env=env).code == 0
    assert described(cld("whoami", "--json", env=env))["name"] == "new"


# -- token


def test_token_is_alone_on_stdout(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    for args in (["token", "box"], ["-C", "box", "token"]):
        done = cld(*args)
        assert (done.code, done.out, done.err) == (0, session.access_token + "\n", "")
    found = json.loads(cld("token", "box", "--json").out)
    assert list(found) == [
        "schema_version", "name", "cloud_name", "access_token", "token_type", "expires_at", "expires_at_utc",
    ]  # fmt: skip
    assert found["access_token"] == session.access_token and found["expires_at"] == session.expires_at
    assert box.stats["refresh_exchanges"] == 0


def test_a_stale_token_is_renewed_first(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    old = box.save_login(store)
    done = cld("token", "box")
    assert done.code == 0 and done.out.strip() not in ("", old.access_token) and box.stats["refresh_exchanges"] == 1
    assert done.out.strip() == from_cloudinary_url(store.load_fresh()["box"]).access_token


@pytest.mark.parametrize("fault", [{"status": 400, "body": {"error": "invalid_grant"}}, {"status": 500}])
def test_an_expired_token_that_cannot_be_renewed_is_not_printed(
    cld: Cld, box: SandboxClient, store: ConfigStore, fault: Dict[str, Any]
) -> None:
    box.save_login(store)
    box.fault(times=None, **fault)
    done = cld("token", "box")
    assert done.code == 1 and done.out == "" and "cld login box" in done.err


def test_token_needs_a_login(invoke: Cld, saved: ConfigStore) -> None:
    for args in (["token", "key"], ["-C", "key", "token"], ["-c", KEY, "token"]):
        done = invoke(*args)
        assert done.code == 1 and done.out == "" and "API key" in done.err and "secret" not in done.err
    assert "config -ls" in invoke("token", "nope").err
    assert "not both" in invoke("-C", "work", "token", "work").err
    expired = invoke("-c", login(NOW - 10, refresh=None), "token")
    assert expired.code == 1 and expired.out == "" and "expired" in expired.err
    assert invoke("-c", "cloudinary://acme?oauth_token=given", "token").out == "given\n"
