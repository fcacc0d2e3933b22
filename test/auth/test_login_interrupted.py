"""Interrupted logins: a grant that was not saved is revoked, and a saved one is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Dict, Tuple

import pytest

from cloudinary_cli.auth.refresh import refresh_lock
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.sandbox_client import SandboxClient
from test.support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

SIGNALS = [(1, 129), (2, 130), (15, 143)]


def start(env: Dict[str, str], *args: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "cloudinary_cli", "login", *args]
    return subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.PIPE, text=True)


def ended(process: "subprocess.Popen[str]") -> Tuple[int, str]:
    err = process.communicate(timeout=60)[1]
    return process.returncode, err


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("name", ["new", "old"])
def test_an_interruption_during_the_code_exchange_revokes_the_grant(
    box: SandboxClient, store: ConfigStore, login_env: Dict[str, str], number: int, code: int, name: str
) -> None:
    old = box.save_login(store, "old")
    before = store.load_fresh()
    box.reset()
    box.fault(mode="after", delay=60)
    process = start(login_env, name)
    wait_until(lambda: box.stats["code_exchanges"])
    process.send_signal(number)
    box.clear_faults()
    status, err = ended(process)
    assert status == code and "Traceback" not in err
    assert store.load_fresh() == before
    assert len(box.requests("/oauth2/revoke")) == 1
    assert box.is_refresh_token_alive(old.refresh_token)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_an_interruption_before_the_session_is_saved_revokes_the_grant(
    box: SandboxClient, store: ConfigStore, login_env: Dict[str, str], number: int, code: int
) -> None:
    old = box.save_login(store, "old")
    before = store.load_fresh()
    box.reset()
    with refresh_lock(store, "old"):
        process = start(login_env, "old", "-v", "DEBUG")
        assert process.stderr
        while "Waiting for the login 'old'" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        status, err = ended(process)
    assert status == code and "Traceback" not in err
    assert store.load_fresh() == before and len(box.requests("/oauth2/revoke")) == 1
    assert box.is_refresh_token_alive(old.refresh_token)


def test_an_interruption_after_the_save_keeps_the_new_session_and_revokes_the_old_one(
    box: SandboxClient, store: ConfigStore, login_env: Dict[str, str]
) -> None:
    old = box.save_login(store, "old")
    box.reset()
    box.fault("/oauth2/revoke", mode="after", delay=60)
    process = start(login_env, "old")
    wait_until(lambda: from_cloudinary_url(store.load_fresh()["old"]).refresh_token != old.refresh_token)
    process.send_signal(2)
    box.clear_faults()
    assert ended(process)[0] == 130
    saved = from_cloudinary_url(store.load_fresh()["old"])
    assert box.is_refresh_token_alive(saved.refresh_token) and not box.is_refresh_token_alive(old.refresh_token)


# The signal falls between two instructions, right after the write, which no delay of the server can reach.
SIGNAL_AFTER_THE_WRITE = """
import os, sys
from cloudinary_cli.auth import login_entry
result = login_entry.LoginResult
def interrupted(*args, **kwargs):
    os.kill(os.getpid(), 2)
    return result(*args, **kwargs)
login_entry.LoginResult = interrupted
from cloudinary_cli.cli import main
sys.argv = ["cld", "login", "old"]
main()
"""


def test_an_interruption_right_after_the_save_revokes_the_old_session(
    box: SandboxClient, store: ConfigStore, login_env: Dict[str, str]
) -> None:
    old = box.save_login(store, "old")
    command = [sys.executable, "-c", SIGNAL_AFTER_THE_WRITE]
    done = subprocess.run(command, env={**os.environ, **login_env}, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 130, done.stderr
    saved = from_cloudinary_url(store.load_fresh()["old"])
    assert box.is_refresh_token_alive(saved.refresh_token) and not box.is_refresh_token_alive(old.refresh_token)


def test_an_interruption_of_a_device_login_revokes_the_grant(
    box: SandboxClient, store: ConfigStore, login_env: Dict[str, str]
) -> None:
    box.reset()
    box.fault(mode="after", delay=60)
    process = start(login_env, "tv", "--device")
    wait_until(lambda: box.stats["device_exchanges"], 30)
    process.send_signal(2)
    box.clear_faults()
    assert ended(process)[0] == 130
    assert "tv" not in store.load_fresh() and len(box.requests("/oauth2/revoke")) == 1
