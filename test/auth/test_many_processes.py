"""Many processes, one stale login: one exchange, no replay, everybody succeeds."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Callable, List

from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.processes import start
from test.support.sandbox_client import SandboxClient

PROCESSES = 32


def finish(processes: "List[subprocess.Popen[str]]") -> None:
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out) == {"status": "ok"} and err == ""


def test_thirty_two_processes_with_a_stale_token_make_one_exchange(box: SandboxClient, store: ConfigStore) -> None:
    old = box.save_login(store)
    finish([start("-C", "box", "admin", "ping") for _ in range(PROCESSES)])
    stats = box.stats
    assert (stats["refresh_exchanges"], stats["refresh_replays"], stats["refused_grants"]) == (1, 0, 0)
    new = from_cloudinary_url(store.load_fresh()["box"])
    assert new.refresh_token != old.refresh_token
    assert box.is_refresh_token_alive(new.refresh_token)


def test_processes_with_a_revoked_access_token_make_one_exchange(box: SandboxClient, store: ConfigStore) -> None:
    """Fresh by the clock, refused by the API: 401, and the rejected token is the key to adopt or rotate."""
    box.save_login(store, stale=False)
    box.call("POST", "clock", {"offset": 1000})
    finish([start("-C", "box", "admin", "ping") for _ in range(8)])
    assert (box.stats["refresh_exchanges"], box.stats["refresh_replays"]) == (1, 0)


def test_refreshes_of_two_logins_do_not_disturb_each_other(box: SandboxClient, store: ConfigStore) -> None:
    """T7."""
    box.save_login(store, "f")
    box.save_login(store, "g")
    finish([start("-C", name, "admin", "ping") for name in ("f", "g") * 4])
    assert (box.stats["refresh_exchanges"], box.stats["refresh_replays"]) == (2, 0)


def test_refresh_beside_a_writer(box: SandboxClient, store: ConfigStore, cld: Callable[..., Any]) -> None:
    """T6: another command's write to config.json is no reason to rotate."""
    box.save_login(store, stale=False)
    processes = [start("-C", "box", "admin", "ping") for _ in range(4)]
    for number in range(10):
        store.save_named(f"n{number}", "cloudinary://k:s@c", False, True)
    finish(processes)
    assert box.stats["refresh_exchanges"] == 0
    assert len(store.load_fresh()) == 11
