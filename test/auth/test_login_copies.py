"""Entries that hold one refresh token, such as a copy under another name: logout, a new login, journal and removal."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Callable

import pytest

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome, refresh_lock
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse, replace_query
from cloudinary_cli.errors import LockTimeout, ReloginRequired
from test.conftest import Result
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Result]


def copied(box: SandboxClient, store: ConfigStore, stale: bool = False) -> Any:
    """A login 'box' with a copy 'twin'; returns its session."""
    session = box.save_login(store, stale=stale)
    with store.transaction() as cfg:
        cfg["twin"] = cfg["box"]
    return session


def record(store: ConfigStore, name: str) -> Any:
    return refresh_state.parse(parse(store.load_fresh()[name]).get(refresh_state.KEY))


@pytest.mark.parametrize("command", [["logout", "box"], ["config", "-rm", "box"]], ids=lambda command: command[0])
def test_logout_warns_that_the_copy_no_longer_works(
    cld: Run, box: SandboxClient, store: ConfigStore, command: "list[str]"
) -> None:
    session = copied(box, store, stale=True)
    done = cld(*command)
    assert done.code == 0 and "cld login twin" in done.err and "'twin'" in done.err, done.err
    assert set(store.load_fresh()) - {"__default__"} == {"twin"}
    box.call("DELETE", "requests")
    done = cld("-C", "twin", "admin", "ping")
    assert done.code == 1 and "'twin' is no longer valid" in done.err and "cld login twin" in done.err
    assert not box.requests("/oauth2/token"), "a revoked token is not presented"
    assert cld("logout", "twin").code == 0 and not box.is_refresh_token_alive(session.refresh_token)


def test_a_logout_without_revocation_does_not_change_the_copy(cld: Run, box: SandboxClient, store: ConfigStore) -> None:
    copied(box, store, stale=True)
    box.fault("/oauth2/revoke", status=500)
    done = cld("logout", "box")
    assert done.code == 1 and "cld login twin" not in done.err
    assert cld("-C", "twin", "admin", "ping").code == 0


def test_replacing_a_login_by_a_key_warns_that_the_copy_no_longer_works(
    cld: Run, box: SandboxClient, store: ConfigStore
) -> None:
    session = copied(box, store)
    url = f"cloudinary://{box.server.settings.api_key}:{box.server.settings.api_secret}@sandbox?upload_prefix={box.url}"
    done = cld("config", "-n", "box", "-", "--force", input=url)
    assert done.code == 0 and "cld login twin" in done.err, done.err
    assert record(store, "twin").kind is refresh_state.Kind.REFUSED
    assert not box.is_refresh_token_alive(session.refresh_token)


def test_a_refresh_ends_before_a_logout_of_its_copy_begins(box: SandboxClient, store: ConfigStore) -> None:
    copied(box, store, stale=True)
    with refresh_lock(store, "twin"):
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "-v", "DEBUG", "logout", "box"], stderr=subprocess.PIPE, text=True
        )
        assert process.stderr and "Waiting for the login 'box'" in process.stderr.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    process.communicate(timeout=60)
    assert process.returncode == 0 and set(store.load_fresh()) - {"__default__"} == {"twin"}


def test_a_new_login_does_not_revoke_the_session_of_the_copy(
    cld: Run, box: SandboxClient, store: ConfigStore, login_env: "dict[str, str]"
) -> None:
    session = copied(box, store)
    done = cld("login", "box", env=login_env)
    assert done.code == 0, done.err
    entries = store.load_fresh()
    assert from_cloudinary_url(entries["box"]).refresh_token != session.refresh_token
    assert from_cloudinary_url(entries["twin"]).refresh_token == session.refresh_token
    assert box.is_refresh_token_alive(session.refresh_token)


@pytest.mark.parametrize("kind", ["refused", "retried"])
def test_the_journal_record_of_one_copy_applies_to_the_other(box: SandboxClient, store: ConfigStore, kind: str) -> None:
    session = copied(box, store, stale=True)
    mark = refresh_state.fingerprint(session.refresh_token)
    with store.transaction() as cfg:
        cfg["twin"] = replace_query(cfg["twin"], {refresh_state.KEY: f"{kind}.{mark}.1.1"})
    box.call("DELETE", "requests")
    result = Refresher(store).refresh("box", store.load()["box"])
    assert isinstance(result.error, ReloginRequired) and not box.requests("/oauth2/token")


@pytest.mark.parametrize("remaining", ["twin", None])
def test_a_login_removed_during_its_refresh_leaves_the_copy_usable(
    box: SandboxClient, store: ConfigStore, remaining: Any
) -> None:
    """A program without locks removes the entry. The new tokens are saved in the copy, or revoked if there is none."""
    copied(box, store, stale=True)
    minted = []

    def refresh(*args: Any, **options: Any) -> Any:
        from cloudinary_cli.auth import flow

        response = flow.refresh(*args, **options)
        minted.append(response["refresh_token"])
        store.save({name: url for name, url in store.load_fresh().items() if name == remaining})
        return response

    result = Refresher(store, refresh=refresh).refresh("box", store.load()["box"])
    assert result.outcome is RefreshOutcome.NOT_FOUND
    if remaining:
        assert from_cloudinary_url(store.load_fresh()["twin"]).refresh_token == minted[0]
    assert box.is_refresh_token_alive(minted[0]) is (remaining is not None)


def test_a_copy_made_while_another_process_waits_is_locked_too(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store)
    with refresh_lock(store, "box"):
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "-v", "DEBUG", "-C", "box", "admin", "ping"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr and "Waiting for the login 'box'" in process.stderr.readline()
        with store.transaction() as cfg:
            cfg["a copy"] = cfg["box"]
    out, err = process.communicate(timeout=60)
    assert json.loads(out) == {"status": "ok"} and "Waiting for the login 'a copy'" in err
    tokens = {from_cloudinary_url(store.load_fresh()[name]).refresh_token for name in ("box", "a copy")}
    assert len(tokens) == 1 and session.refresh_token not in tokens


def test_a_refresh_of_an_entry_that_keeps_changing_fails_and_can_be_repeated(
    box: SandboxClient, store: ConfigStore
) -> None:
    box.save_login(store)

    class Restless(ConfigStore):
        """Each time that a refresh is about to begin, another program saves another refresh token."""

        count = 0

        def reserve(self, name: str, extra: int = 16384) -> Any:
            self.count += 1
            entry = ConfigStore(self.path).load()["box"]
            ConfigStore(self.path).save({"box": replace_query(entry, {"refresh_token": f"other-{self.count}"})})
            return super().reserve(name, extra)

    result = Refresher(Restless(store.path)).refresh("box", store.load()["box"])
    assert isinstance(result.error, LockTimeout) and result.error.exit_code == 75
    assert not box.stats["refresh_exchanges"] and record(store, "box") is None
