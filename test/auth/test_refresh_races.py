"""A refresh while other threads and processes change, remove or lock the login."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Callable, ContextManager, Dict, Iterator, List

import pytest

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome, refresh_lock
from cloudinary_cli.auth.session import from_cloudinary_url, to_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from cloudinary_cli.errors import LockTimeout, ReloginRequired
from test.support.logins import entry, exchanges, posts
from test.support.sandbox_client import SandboxClient
from test.support.waiting import wait_until


def test_a_removed_entry_is_not_resurrected(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    url = entry(store)
    store.save({})
    result = Refresher(store).refresh("box", url)
    assert result.outcome is RefreshOutcome.NOT_FOUND and isinstance(result.error, ReloginRequired)
    assert store.load_fresh() == {} and posts(box) == 0


def test_removal_during_the_request_revokes_what_was_minted(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    url = entry(store)

    def removing(*args: Any, **options: Any) -> Any:
        from cloudinary_cli.auth import flow

        response = flow.refresh(*args)
        store.save({})
        removing.minted = response["refresh_token"]  # type: ignore[attr-defined]
        return response

    result = Refresher(store, refresh=removing).refresh("box", url)
    assert result.outcome is RefreshOutcome.NOT_FOUND and store.load_fresh() == {}
    assert not box.is_refresh_token_alive(removing.minted)  # type: ignore[attr-defined]


def test_relogin_during_the_request_wins(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    url = entry(store)

    def relogging(*args: Any, **options: Any) -> Any:
        from cloudinary_cli.auth import flow

        response = flow.refresh(*args)
        relogging.newer = box.save_login(store, stale=False)  # type: ignore[attr-defined]
        return response

    result = Refresher(store, refresh=relogging).refresh("box", url)
    newer = relogging.newer  # type: ignore[attr-defined]
    assert from_cloudinary_url(result.url).access_token == newer.access_token
    assert from_cloudinary_url(entry(store)).refresh_token == newer.refresh_token


def test_unrelated_writes_during_the_request_are_kept(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)

    def writing(*args: Any, **options: Any) -> Any:
        from cloudinary_cli.auth import flow

        response = flow.refresh(*args)
        store.save_named("other", "cloudinary://k:s@c", True, False)
        return response

    assert Refresher(store, refresh=writing).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED
    assert store.load_fresh()["other"] == "cloudinary://k:s@c"


@pytest.mark.parametrize("change", [{"cloud_name": "other"}, {"issuer": "https://elsewhere.example/"}])
def test_another_account_is_not_adopted(box: SandboxClient, store: ConfigStore, change: Dict[str, str]) -> None:
    session = box.save_login(store)
    mine = entry(store)
    stranger = replace(session, access_token="stranger", expires_at=int(time.time()) + 300, **change)  # type: ignore[arg-type]
    store.save({"box": to_cloudinary_url(stranger)})
    result = Refresher(store).refresh("box", mine)
    assert isinstance(result.error, ReloginRequired) and "another account" in str(result.error)
    assert result.url == mine


def test_the_file_lock_is_free_during_the_request(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.fault(mode="after", delay=60)
    worker = threading.Thread(target=lambda: Refresher(store).refresh("box", entry(store)))
    worker.start()
    wait_until(lambda: parse(entry(store)).has(refresh_state.KEY))
    assert worker.is_alive()
    ConfigStore(store.path, lock_timeout=1).save_named("other", "cloudinary://k:s@c", False, False)
    assert worker.is_alive(), "the writer did not wait for the token endpoint"
    box.clear_faults()
    worker.join()
    assert set(store.load_fresh()) == {"box", "other"}


@contextmanager
def held_elsewhere(lock: Callable[[], ContextManager[Any]]) -> Iterator[None]:
    """Let another thread hold a lock during the block."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with lock():
            held.set()
            release.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        yield
    finally:
        release.set()
        holder.join()


def test_lock_timeout_is_retryable_and_changes_nothing(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    with held_elsewhere(lambda: refresh_lock(store, "box")):
        result = Refresher(store, lock_timeout=0.2).refresh("box", entry(store))
    assert isinstance(result.error, LockTimeout) and result.error.exit_code == 75 and posts(box) == 0


def test_a_lock_on_the_file_that_another_program_keeps_is_waited_for_once(
    box: SandboxClient, store: ConfigStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    box.save_login(store)
    with held_elsewhere(store.lock):
        result = Refresher(ConfigStore(store.path, lock_timeout=0.2)).refresh("box", entry(store))
    assert isinstance(result.error, LockTimeout) and posts(box) == 0
    assert "journal could not be written" not in caplog.text, "no record was written, so none has to be restored"


def test_thirty_two_threads_make_one_exchange(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    from cloudinary_cli.auth.oauth_config import LiveLogin

    live = LiveLogin("box", entry(store), Refresher(store))
    separate = [LiveLogin("box", entry(store), Refresher(store)) for _ in range(16)]
    tokens: List[str] = []
    start = threading.Barrier(32)

    def read(login: LiveLogin) -> None:
        start.wait()
        tokens.append(login.token())

    threads = [threading.Thread(target=read, args=(login,)) for login in [live] * 16 + separate]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 32 and len(set(tokens)) == 1
    assert exchanges(box) == 1 and box.stats["refresh_replays"] == 0
