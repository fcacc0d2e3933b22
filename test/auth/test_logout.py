"""`cld logout` as a process against the sandbox."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.commands import Cld
from test.support.sandbox_client import SandboxClient
from test.support.waiting import wait_until


def test_an_unknown_name_fails(cld: Cld) -> None:
    done = cld("logout", "nope")
    assert done.code == 1 and "nope" in done.err and done.out == ""


def test_logout_of_an_api_key_entry_is_refused(cld: Cld, store: ConfigStore) -> None:
    store.save({"k": "cloudinary://a:b@c", "__default__": "k"})
    for name in ("k", "__default__"):
        done = cld("logout", name)
        assert done.code == 1 and f"config -rm {name}" in done.err
    assert store.load_fresh()["k"] == "cloudinary://a:b@c"


def test_failed_revocation_is_reported_and_the_entry_still_removed(
    cld: Cld, box: SandboxClient, store: ConfigStore
) -> None:
    box.save_login(store)
    box.fault("/oauth2/revoke", times=None, status=500)
    done = cld("logout", "box")
    assert done.code == 1 and "HTTP 500" in done.err and "may stay valid" in done.err
    assert "box" not in store.load_fresh()


def test_logout_during_a_refresh_revokes_the_newest_token(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    old = box.save_login(store)
    alive = box.stats["live_grants"]
    box.fault(mode="after", delay=3)
    ping = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "-C", "box", "admin", "ping"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: box.stats["refresh_exchanges"])
    done = cld("logout", "box")
    ping.wait(30)
    assert done.code == 0, done.err
    assert box.stats["live_grants"] == alive - 1 and "box" not in store.load_fresh()
    # The sandbox ends the whole grant for any of its tokens; another server may only end the token it is given.
    (revoked,) = box.requests("/oauth2/revoke")
    assert revoked["form"]["token"] not in ("", old.refresh_token)


@pytest.mark.parametrize(
    "typed, code, left",
    [("2\n", 0, ["a"]), ("\n", 0, ["a", "b"]), ("3\n", 1, ["a", "b"]), ("x\n", 1, ["a", "b"]), ("", 1, ["a", "b"])],
)
def test_logout_without_a_name_asks_which_login(
    cld: Cld, box: SandboxClient, store: ConfigStore, typed: str, code: int, left: "list[str]"
) -> None:
    box.save_login(store, "a")
    box.save_login(store, "b")
    done = cld("logout", input=typed)
    assert done.code == code and done.out == "", done.err
    assert list(store.load_fresh()) == left
    assert "1. a" in done.err and "2. b" in done.err
    if not typed:
        assert "cld logout <name>" in done.err


@pytest.mark.parametrize("typed, code, left", [("y\n", 0, 0), ("n\n", 0, 1), ("\n", 0, 1), ("", 1, 1)])
def test_logout_of_the_only_login_asks_for_confirmation(
    cld: Cld, box: SandboxClient, store: ConfigStore, typed: str, code: int, left: int
) -> None:
    box.save_login(store, "a")
    done = cld("logout", input=typed)
    assert done.code == code and len(store.load_fresh()) == left, done.err


def test_logout_with_nothing_saved(cld: Cld) -> None:
    assert cld("logout").code == 0
