"""`cld logout --all` as a process against the sandbox."""

from __future__ import annotations

from typing import List

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.commands import Cld
from test.support.sandbox_client import SandboxClient

KEY = "cloudinary://k:s@c"


@pytest.fixture
def two(box: SandboxClient, store: ConfigStore) -> ConfigStore:
    store.save({"key": KEY, "__default__": "key"})
    box.save_login(store, "a")
    box.save_login(store, "b c")
    return store


def test_all_logins_are_revoked_and_keys_stay(cld: Cld, two: ConfigStore, box: SandboxClient) -> None:
    alive = box.stats["live_grants"]
    done = cld("logout", "--all", "-F")
    assert done.code == 0 and done.out == "", done.err
    assert "'a' was revoked and removed" in done.err and "'b c' was revoked and removed" in done.err
    assert two.load_fresh() == {"key": KEY, "__default__": "key"}
    assert box.stats["live_grants"] == alive - 2


@pytest.mark.parametrize("typed, code, left", [("y\n", 0, 0), ("n\n", 1, 2), ("\n", 1, 2), ("", 1, 2)])
def test_it_asks_first(cld: Cld, two: ConfigStore, typed: str, code: int, left: int) -> None:
    done = cld("logout", "--all", input=typed)
    assert done.code == code and "Saved logins: a, b c" in done.err, done.err
    assert len(two.load_fresh().keys() & {"a", "b c"}) == left


def test_one_that_cannot_be_revoked_is_reported_and_the_others_end(
    cld: Cld, two: ConfigStore, box: SandboxClient
) -> None:
    box.fault("/oauth2/revoke", times=1, status=500)
    done = cld("logout", "--all", "-F")
    assert done.code == 1 and "'a' was removed here, but not revoked" in done.err
    assert "'b c' was revoked and removed" in done.err
    assert list(two.load_fresh()) == ["key", "__default__"]


def test_a_login_whose_url_repeats_a_setting_ends_too(cld: Cld, two: ConfigStore) -> None:
    with two.transaction() as cfg:
        cfg["b c"] += "&refresh_token=another"
    done = cld("logout", "--all", "-F")
    assert done.code == 1 and "'b c' was removed here, but not revoked" in done.err
    assert list(two.load_fresh()) == ["key", "__default__"]


def test_copies_of_a_login_end_with_it(cld: Cld, two: ConfigStore) -> None:
    with two.transaction() as cfg:
        cfg["copy"] = cfg["a"]
    assert cld("logout", "--all", "-F").code == 0
    assert list(two.load_fresh()) == ["key", "__default__"]


@pytest.mark.parametrize("args", [["--all", "a"], ["-F"], ["-F", "a"]])
def test_a_wrong_command_line_ends_no_login(cld: Cld, two: ConfigStore, args: List[str]) -> None:
    assert cld("logout", *args).code == 1
    assert {"a", "b c"} <= set(two.load_fresh())


def test_without_a_login_there_is_nothing_to_do(cld: Cld, store: ConfigStore) -> None:
    store.save({"key": KEY})
    done = cld("logout", "--all")
    assert done.code == 0 and "Nothing to log out of" in done.err
