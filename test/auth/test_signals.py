"""Signals during a refresh (contract 3), locks across logins (contract 8), and a busy revocation endpoint (RFC 7009)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from cloudinary_cli import auth
from cloudinary_cli.auth.refresh import refresh_lock
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.auth.use_cases import LogoutOutcome, logout
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from cloudinary_cli.system.signals import deferred_signals
from test.support.sandbox_client import SandboxClient
from test.support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_between_the_post_and_the_rename_waits(
    box: SandboxClient, store: ConfigStore, number: int, code: int
) -> None:
    old = box.save_login(store)
    box.fault(mode="after", delay=60)
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "-C", "box", "admin", "ping"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: box.stats["refresh_exchanges"])
    process.send_signal(number)
    box.clear_faults()
    out, err = process.communicate(timeout=30)
    assert process.returncode == code and "Traceback" not in err and out == ""
    saved = from_cloudinary_url(store.load_fresh()["box"])
    assert saved.refresh_token != old.refresh_token and not parse(store.load()["box"]).has(refresh_state.KEY)
    assert box.is_refresh_token_alive(saved.refresh_token)


def test_a_second_signal_waits_too_and_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    done = []
    with pytest.raises(KeyboardInterrupt):
        with deferred_signals():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            done.append("section")
    assert done == ["section"] and signal.getsignal(signal.SIGINT) is before


def test_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with deferred_signals():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_sigterm_during_a_lock_wait_leaves_no_lock(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    with refresh_lock(store, "box"):
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "-v", "DEBUG", "-C", "box", "admin", "ping"],
            stderr=subprocess.PIPE,
            text=True,
        )
        # Its debug line tells that the interpreter is up; what follows is the wait for the lock.
        assert process.stderr and "Waiting for the login 'box'" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
    assert box.stats["refresh_exchanges"] == 0


def test_refresh_all_holds_no_lock_across_logins(box: SandboxClient, home: Any) -> None:
    store = ConfigStore()
    for name in ("a", "b", "c"):
        box.save_login(store, name)
    before = store.load_fresh()
    outcomes: "dict[str, Any]" = {}
    with refresh_lock(store, "a"):
        worker = threading.Thread(target=lambda: outcomes.update(auth.refresh_configs()))
        worker.start()
        wait_until(lambda: all(store.load_fresh()[name] != before[name] for name in ("b", "c")))
        assert store.load_fresh()["a"] == before["a"] and not outcomes
    worker.join(30)
    assert {name: outcome.value for name, outcome in outcomes.items()} == dict.fromkeys("abc", "refreshed")
    assert list(outcomes) == ["a", "b", "c"]


def test_busy_revocation_endpoint_is_asked_once_more(box: SandboxClient, store: ConfigStore) -> None:
    """RFC 7009 section 2.2.1."""
    session = box.save_login(store)
    box.fault("/oauth2/revoke", status=503, headers={"Retry-After": "0"})
    assert logout(store, "box", {}) is LogoutOutcome.REMOVED
    assert not box.is_refresh_token_alive(session.refresh_token)


def test_logout_of_a_token_the_server_does_not_know_succeeds(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, refresh_token="never-issued")
    assert logout(store, "box", {}) is LogoutOutcome.REMOVED
