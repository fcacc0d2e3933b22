"""The request of a refresh: what fails before it, a response that is lost, and entries that share a token."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any, Callable, List

import pytest

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from cloudinary_cli.errors import TokenEndpointError
from test.conftest import Result
from test.support.sandbox_client import SandboxClient
from test.support.tls import TinyServer, reply

Run = Callable[..., Result]


def entry(store: ConfigStore, name: str = "box") -> str:
    return str(store.load_fresh()[name])


def record(store: ConfigStore, name: str = "box") -> Any:
    return refresh_state.parse(parse(entry(store, name)).get(refresh_state.KEY))


def posts(box: SandboxClient) -> int:
    return len(box.requests("/oauth2/token")) - box.stats["code_exchanges"]


# -- before the request


def test_settings_of_the_login_page_do_not_concern_a_refresh(box: SandboxClient, store: ConfigStore, cld: Run) -> None:
    box.save_login(store)
    env = {"CLOUDINARY_OAUTH_REDIRECT_HOST": "localhost", "CLOUDINARY_OAUTH_REDIRECT_PORT": "none"}
    result = cld("-C", "box", "ping", env={**env, "CLOUDINARY_OAUTH_BASE_URL": "not a URL"})
    assert result.code == 0, result.err
    assert record(store) is None and posts(box) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, OSError])
def test_what_fails_before_the_token_is_sent_leaves_no_record(
    error: Any, box: SandboxClient, store: ConfigStore
) -> None:
    box.save_login(store)

    def failing(*args: Any, **options: Any) -> Any:
        assert record(store) is not None
        raise error

    with pytest.raises(error):
        Refresher(store, refresh=failing).refresh("box", entry(store))
    assert record(store) is None
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "HTTPS_PROXY"])
def test_a_setting_that_breaks_the_connection_leaves_no_record(
    name: str, store: ConfigStore, box: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.save_login(store, oauth_base_url="https://127.0.0.1:9")
    monkeypatch.setenv(name, "/no/such/file" if name.startswith("REQ") else "http://127.0.0.1:9")
    result = Refresher(store).refresh("box", entry(store))
    assert isinstance(result.error, TokenEndpointError) and record(store) is None


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to one process")
def test_ctrl_c_while_connecting_ends_at_once_and_leaves_no_record(box: SandboxClient, store: ConfigStore) -> None:
    import socket

    # A server that accepts nothing: its queue is full, so the connection of the client stays half open.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        box.save_login(store, oauth_base_url=f"http://127.0.0.1:{full.getsockname()[1]}")
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "-C", "box", "ping"], stderr=subprocess.PIPE, text=True
        )
        deadline = threading.Event()
        while record(store) is None and not deadline.wait(0.05):
            assert process.poll() is None
        deadline.wait(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=8)  # the connection has a timeout of 10 s
    assert process.returncode == 130 and "Interrupted." in err
    assert record(store) is None


# -- a lost response


def test_a_lost_response_is_asked_for_once_more_at_once(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.fault(mode="reset")
    result = Refresher(store).refresh("box", entry(store))
    assert result.outcome is RefreshOutcome.REFRESHED and posts(box) == 2
    assert record(store) is None


def test_the_second_request_is_under_a_record_that_allows_no_third(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    seen: List[Any] = []

    def look(handler: Any) -> None:
        seen.append(record(store).kind)
        if len(seen) == 1:
            handler.connection.shutdown(2)
        else:
            reply(handler, body=json.dumps({"access_token": "opaque", "refresh_token": "rt_2", "expires_in": 300}))

    with TinyServer(look) as server:
        box.save_login(store, oauth_base_url=server.url)
        assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED
    assert seen == [refresh_state.Kind.STARTED, refresh_state.Kind.RETRIED]


def test_two_lost_responses_fail_and_leave_one_attempt_to_the_next_command(
    box: SandboxClient, store: ConfigStore
) -> None:
    box.save_login(store)
    box.fault(mode="reset", times=2)
    result = Refresher(store).refresh("box", entry(store))
    assert result.outcome is RefreshOutcome.FAILED and posts(box) == 2
    assert record(store).kind is refresh_state.Kind.STARTED
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED


def test_a_response_that_was_lost_stays_lost_when_the_next_one_is_an_error(
    box: SandboxClient, store: ConfigStore
) -> None:
    responses: List[Callable[[Any], None]] = [lambda handler: handler.connection.shutdown(2), lambda h: reply(h, 500)]
    with TinyServer(lambda handler: responses.pop(0)(handler)) as server:
        box.save_login(store, oauth_base_url=server.url)
        assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.FAILED
    assert record(store).kind is refresh_state.Kind.STARTED


def test_the_retry_after_a_crash_is_not_repeated(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store)
    with store.transaction() as cfg:
        mark = refresh_state.fingerprint(session.refresh_token or "")
        cfg["box"] += f"&{refresh_state.KEY}=started.{mark}.1.1"
    box.fault(mode="reset", times=2)
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.FAILED
    assert posts(box) == 1


def test_a_reset_connection_does_not_fail_the_command(box: SandboxClient, store: ConfigStore, cld: Run) -> None:
    box.save_login(store)
    box.fault(mode="reset")
    result = cld("-C", "box", "ping")
    assert (result.code, result.err) == (0, "")


# -- entries that share a token


def copy(store: ConfigStore, *names: str) -> None:
    with store.transaction() as cfg:
        cfg.update((name, cfg["box"]) for name in names)


def test_a_copy_of_a_login_is_renewed_with_it(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    copy(store, "copy", "a copy")
    assert Refresher(store).refresh("copy", entry(store, "copy")).outcome is RefreshOutcome.REFRESHED
    assert posts(box) == 1
    tokens = {from_cloudinary_url(entry(store, name)).refresh_token for name in ("box", "copy", "a copy")}
    assert len(tokens) == 1 and record(store) is None and record(store, "copy") is None
    assert box.is_refresh_token_alive(tokens.pop())


def test_refresh_all_of_copies_makes_one_exchange(box: SandboxClient, store: ConfigStore, cld: Run) -> None:
    box.save_login(store)
    copy(store, "copy", "third")
    result = cld("config", "-ra")
    assert result.code == 0, result.err
    assert box.stats["refresh_exchanges"] == 1 and box.stats["refresh_replays"] == 0
    for name in ("box", "copy", "third"):
        assert cld("-C", name, "ping").code == 0


def test_processes_that_use_copies_make_one_exchange(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    names = ["box", "copy", "third", "fourth"]
    copy(store, *names[1:])
    started = [
        subprocess.Popen([sys.executable, "-m", "cloudinary_cli", "-C", name, "ping"], stdout=subprocess.DEVNULL)
        for name in names * 2
    ]
    assert [process.wait(60) for process in started] == [0] * len(started)
    assert box.stats["refresh_exchanges"] == 1 and box.stats["refresh_replays"] == 0


def test_another_login_of_the_same_cloud_is_left_alone(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, "other")
    box.save_login(store)
    before = entry(store, "other")
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED
    assert entry(store, "other") == before
