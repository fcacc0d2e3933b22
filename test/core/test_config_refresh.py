"""`cld config -r` and `-ra`: refreshing saved logins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.cld_config import A, B, Run, saved
from test.support.sandbox_client import SandboxClient

# -- refreshing


def test_refresh_of_the_active_login(cld: Run, store: ConfigStore, box: SandboxClient) -> None:
    box.save_login(store, "f")
    store.set_default("f")
    before = saved(store)["f"]
    done = cld("config", "-r")
    assert (done.code, done.out, done.err) == (0, "", "The token of 'f' was refreshed.\n")
    assert saved(store)["f"] != before
    done = cld("config", "-r", "f")
    assert done.code == 0 and "still fresh" in done.err and "--force" in done.err
    row = json.loads(cld("config", "-r", "f", "-f", "--json").out)
    assert (row["name"], row["outcome"], row["state"], row["reason"]) == ("f", "refreshed", "valid", None)
    assert row["expires_at"] == from_cloudinary_url(saved(store)["f"]).expires_at
    assert box.stats["refresh_exchanges"] == 2


def test_refresh_without_a_saved_active_one_is_a_usage_error(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": A})
    for extra in ((), ("-c", B)):
        done = invoke(*extra, "config", "-r")
        assert done.code == 1 and "cld config -r NAME" in done.err


@pytest.mark.parametrize("entry", [A, "garbage", 1])
def test_refresh_of_what_is_no_login(invoke: Run, store: ConfigStore, entry: Any) -> None:
    store.save({"a": entry})
    done = invoke("config", "-r", "a", "-j")
    row = json.loads(done.out)
    assert done.code == 0 and (row.pop("name"), row.pop("outcome")) == ("a", "not_oauth")
    assert set(row.values()) == {None}


def test_a_failed_refresh_says_how_to_log_in_again(invoke: Run, store: ConfigStore, box: SandboxClient) -> None:
    session = box.save_login(store, "f", region="api-eu")
    assert not box.is_refresh_token_alive("nonsense") and session.refresh_token
    box.fault(status=400, body={"error": "invalid_grant"}, times=None)
    done = invoke("config", "-r", "f")
    assert done.code == 1 and done.out == "" and done.err.startswith("error: ")
    assert done.err.count("cld login f --region api-eu") == 1
    assert session.refresh_token not in done.text


def test_a_login_without_refresh_token_fails(invoke: Run, store: ConfigStore) -> None:
    store.save({"f": "cloudinary://c?oauth_token=t&refresh_token=&expires_at=1&region=api"})
    done = invoke("config", "-r", "f", "--json")
    row = json.loads(done.out)
    assert done.code == 1 and "cld login f" in done.err
    assert (row["outcome"], row["code"], row["retryable"], row["state"]) == ("failed", 4, False, "needs-login")
    assert row["next_command"] == "cld login f" and "cld login f" in row["reason"]


def test_refresh_all(cld: Run, store: ConfigStore, box: SandboxClient) -> None:
    store.save({"z": A, "dead": "cloudinary://c?oauth_token=t&refresh_token=&expires_at=1&region=api-eu"})
    box.save_login(store, "stale")
    box.save_login(store, "fresh", stale=False)
    done = cld("config", "-ra", "--json")
    assert done.code == 1 and "cld login dead --region api-eu" in done.err
    rows = json.loads(done.out)
    assert [(row["name"], row["outcome"], row["state"]) for row in rows] == [
        ("dead", "failed", "needs-login"),
        ("stale", "refreshed", "valid"),
        ("fresh", "fresh", "valid"),
    ]
    assert cld("config", "-rm", "dead").code == 0
    done = cld("config", "-ra", "--force")
    assert (done.code, done.out, done.err) == (0, "", "stale: refreshed\nfresh: refreshed\n")


def test_refresh_all_with_no_login(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": A})
    done = invoke("config", "-ra")
    assert done.code == 0 and "cld login" in done.err
    assert invoke("config", "-ra", "-j").out == "[]\n"
