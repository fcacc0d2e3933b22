"""New tokens that cannot be saved when they arrive: saved later, or called lost."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from cloudinary_cli import auth
from cloudinary_cli.auth import flow
from cloudinary_cli.auth.oauth_config import LiveLogin
from cloudinary_cli.auth.refresh import Refresher
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.processes import start
from test.support.sandbox_client import SandboxClient
from test.support.tls import TinyServer, reply
from test.support.waiting import wait_until

COMMANDS = [["config", "-r", "box"], ["config", "-ra"], ["config", "-ra", "--json"]]
TOKENS = json.dumps({"access_token": "new", "refresh_token": "rt_new_0123456789", "expires_in": 300})


class Disk:
    """A config.json that cannot be replaced while a directory stands in its place, which is what a test can make."""

    def __init__(self, path: str) -> None:
        self.path, self.moved = path, f"{path}.moved"

    def fill(self) -> None:
        os.rename(self.path, self.moved)
        os.mkdir(self.path)

    def is_full(self) -> bool:
        return os.path.isdir(self.path)

    def free(self) -> None:
        os.rmdir(self.path)
        os.rename(self.moved, self.path)

    def refresh(self, *args: Any, **options: Any) -> Any:
        """As flow.refresh(); the disk gets full during the response."""
        response = flow.refresh(*args, **options)
        self.fill()
        return response


@pytest.fixture
def disk(store: ConfigStore) -> Disk:
    return Disk(store.path)


@pytest.fixture
def filling(disk: Disk) -> Iterator[TinyServer]:
    """A token endpoint during whose response the disk gets full; revocations succeed."""

    def respond(handler: Any) -> None:
        if handler.path == "/oauth2/token":
            disk.fill()
        reply(handler, body=TOKENS)

    with TinyServer(respond) as server:
        yield server


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_disk_that_is_full_for_a_moment_loses_no_tokens(
    box: SandboxClient, store: ConfigStore, disk: Disk, filling: TinyServer, command: List[str]
) -> None:
    box.save_login(store, oauth_base_url=filling.url)
    process = start(*command)
    wait_until(disk.is_full)
    with pytest.raises(Exception, match="timed out"):
        process.wait(0.4)  # it has failed to save once, and tries again
    disk.free()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert ("refreshed" in err) != ("--json" in command) and "lost" not in err
    assert "--json" not in command or [row["outcome"] for row in json.loads(out)] == ["refreshed"]
    assert from_cloudinary_url(store.load_fresh()["box"]).refresh_token == "rt_new_0123456789"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_disk_that_stays_full_says_that_the_tokens_are_lost(
    box: SandboxClient, store: ConfigStore, disk: Disk, filling: TinyServer, command: List[str]
) -> None:
    box.save_login(store, oauth_base_url=filling.url)
    process = start(*command)
    out, err = process.communicate(timeout=60)
    disk.free()
    assert process.returncode == 1 and "The new tokens of 'box' are lost" in err and "cld login box" in err
    assert store.path in err and "Traceback" not in err and "rt_new" not in out + err
    assert "--json" not in command or [row["outcome"] for row in json.loads(out)] == ["failed"]


@pytest.mark.parametrize("command", [["admin", "ping"], ["token"]], ids=" ".join)
def test_a_command_whose_new_tokens_cannot_be_saved_says_so_and_fails(
    box: SandboxClient, store: ConfigStore, disk: Disk, filling: TinyServer, command: List[str]
) -> None:
    box.save_login(store, oauth_base_url=filling.url)
    process = start("-C", "box", *command)
    out, err = process.communicate(timeout=60)
    disk.free()
    assert process.returncode == 1 and err.count("The new tokens of 'box' are lost") == 1 and "cld login box" in err
    assert "Traceback" not in err and "rt_new" not in out + err


def test_the_error_of_a_command_is_shown_besides_lost_tokens(
    box: SandboxClient, store: ConfigStore, disk: Disk, filling: TinyServer
) -> None:
    box.save_login(store, oauth_base_url=filling.url)
    process = start("-C", "box", "admin", "resource", "missing")
    _, err = process.communicate(timeout=60)
    disk.free()
    errors = [line for line in err.splitlines() if "are lost" in line or "401" in line or "Invalid" in line]
    assert process.returncode == 1 and len(errors) == 2, err


def test_one_login_that_cannot_be_saved_does_not_hide_the_others(
    box: SandboxClient, store: ConfigStore, disk: Disk, filling: TinyServer
) -> None:
    box.save_login(store, "fresh", stale=False)
    box.save_login(store, oauth_base_url=filling.url)
    process = start("config", "-ra", "--json")
    out, err = process.communicate(timeout=60)
    disk.free()
    assert process.returncode == 1
    assert {row["name"]: row["outcome"] for row in json.loads(out)} == {"fresh": "fresh", "box": "failed"}
    assert "1 of 2 not refreshed" in err


def test_tokens_of_a_login_that_was_removed_meanwhile_are_revoked_and_called_lost(
    box: SandboxClient, store: ConfigStore, disk: Disk, filling: TinyServer
) -> None:
    box.save_login(store, oauth_base_url=filling.url)
    process = start("config", "-r", "box")
    wait_until(disk.is_full)
    Path(disk.moved).write_text("{}")
    disk.free()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "removed" in err and "cld login box" in err
    assert [seen.path for seen in filling.seen] == ["/oauth2/token", "/oauth2/revoke"]
    assert "rt_new_0123456789" in filling.seen[1].body and store.load_fresh() == {}


def test_refresh_url_if_stale_saves_late_as_well(
    box: SandboxClient, disk: Disk, filling: TinyServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = ConfigStore()
    box.save_login(store, oauth_base_url=filling.url)
    results: List[str] = []
    call: Callable[[], None] = lambda: results.append(auth.refresh_url_if_stale("box", store.load()["box"]))  # noqa: E731
    worker = threading.Thread(target=call)
    worker.start()
    wait_until(disk.is_full)
    disk.free()
    worker.join(60)
    assert from_cloudinary_url(results[0]).refresh_token == "rt_new_0123456789"
    assert store.load_fresh()["box"] == results[0] and not caplog.records


def test_a_long_command_saves_the_tokens_before_it_renews_them_again(
    box: SandboxClient, store: ConfigStore, disk: Disk
) -> None:
    box.save_login(store)
    now = [time.time()]
    refresher = Refresher(store, clock=lambda: now[0], refresh=disk.refresh)
    live = LiveLogin("box", store.load()["box"], refresher)
    first = live.token()
    disk.free()
    now[0] += 400
    assert live.token() != first, "the token that was replaced first would be refused, and end the session"
    disk.free()
    live.flush()
    saved = from_cloudinary_url(store.load_fresh()["box"])
    assert saved.access_token == live.token() and box.is_refresh_token_alive(saved.refresh_token)
    assert box.stats["refresh_exchanges"] == 3


def test_a_disk_that_stays_full_costs_no_token_of_a_long_command(
    box: SandboxClient, store: ConfigStore, disk: Disk
) -> None:
    box.save_login(store)
    live = LiveLogin("box", store.load()["box"], Refresher(store, refresh=disk.refresh))
    first = live.token()
    live.invalidate(first)
    assert live.token() == first and box.stats["refresh_exchanges"] == 1
    disk.free()
    live.flush()
    assert box.is_refresh_token_alive(from_cloudinary_url(store.load_fresh()["box"]).refresh_token)


def test_tokens_that_replace_those_of_another_process_are_saved_later(
    box: SandboxClient, store: ConfigStore, disk: Disk
) -> None:
    box.save_login(store)
    known = store.load()["box"]
    assert auth.refresh_config("box").value == "refreshed"  # the other process
    now = time.time() + 400
    live = LiveLogin("box", known, Refresher(store, clock=lambda: now, refresh=disk.refresh))
    token = live.token()
    disk.free()
    live.flush()
    saved = from_cloudinary_url(store.load_fresh()["box"])
    assert saved.access_token == token and box.is_refresh_token_alive(saved.refresh_token)


@pytest.fixture
def lenient(tmp_path: Path) -> Iterator[SandboxClient]:
    """A server that accepts a replaced refresh token for 30 seconds, as Ory Hydra can."""
    from cloudinary_cli.sandbox.sandbox_server import SandboxServer
    from cloudinary_cli.sandbox.settings import SandboxSettings

    settings = SandboxSettings(data_dir=tmp_path / "sandbox", auto_approve=True, rotation_grace=30)
    with SandboxServer(settings) as server:
        yield SandboxClient(server)


def test_unsaved_tokens_do_not_end_the_session_that_another_process_has_renewed(
    lenient: SandboxClient, store: ConfigStore, disk: Disk
) -> None:
    lenient.save_login(store)
    live = LiveLogin("box", store.load()["box"], Refresher(store, refresh=disk.refresh))
    live.token()
    disk.free()
    assert auth.refresh_config("box").value == "refreshed"  # the other process
    live.flush()
    assert lenient.is_refresh_token_alive(from_cloudinary_url(store.load_fresh()["box"]).refresh_token)
