"""kill -9 at every stage of a refresh: config.json always parses, no entry is lost, the next command knows what to do."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.sandbox_client import SandboxClient

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

OTHERS = {"first": "cloudinary://k:s@first", "odd/ name?": "cloudinary://k:s@odd?x=1"}
KILLS = 96
PARTS = 4


@pytest.fixture
def killer() -> Iterator[Callable[[Dict[str, Any]], Dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("kill_server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    stdin, stdout = process.stdin, process.stdout

    def ask(request: Dict[str, Any]) -> Dict[str, Any]:
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        result: Dict[str, Any] = json.loads(stdout.readline())
        return result

    yield ask
    stdin.close()
    process.wait(30)


def check_file(store: ConfigStore) -> None:
    content = json.loads(Path(store.path).read_bytes())
    assert {name: content[name] for name in OTHERS} == OTHERS
    assert content["box"].startswith("cloudinary://sandbox?oauth_token=")


def check_next_command(result: Dict[str, Any]) -> str:
    """ "works" or "relogin"; anything else fails."""
    if result["code"] == 0:
        assert json.loads(result["out"]) == {"status": "ok"}, result
        return "works"
    assert result["code"] == 1 and "cld login box" in result["err"], result
    assert "Traceback" not in result["err"], result
    return "relogin"


@pytest.mark.parametrize("part", range(PARTS))  # so that several workers share the time
def test_kill_at_every_stage(
    box: SandboxClient, store: ConfigStore, killer: Callable[[Dict[str, Any]], Dict[str, Any]], part: int
) -> None:
    store.save(OTHERS)
    box.save_login(store)
    total = int(killer({"refresh": "box", "kill_at": 0})["out"])
    assert total > KILLS, "fewer lines than stages to kill at"
    results = {"works": 0, "relogin": 0}
    for number in range(part, KILLS, PARTS):
        store.save(OTHERS)
        box.save_login(store)
        # Evenly over the whole refresh; the count varies a little from run to run, so the last ones may finish.
        killed = killer({"refresh": "box", "kill_at": 1 + number * (total - 1) // KILLS})
        check_file(store)
        results[check_next_command(killer({"run": ["-C", "box", "admin", "ping"]}))] += 1
        check_file(store)
        assert killed["killed"] or number > KILLS * 0.9
    assert results["works"] and results["relogin"], results
    leftovers = [name for name in os.listdir(os.path.dirname(store.path)) if name.startswith(".tmp-")]
    assert len(leftovers) <= 2, leftovers


def test_kill_real_processes_at_random_moments(box: SandboxClient, store: ConfigStore, cld: Callable[..., Any]) -> None:
    chance = random.Random(8252)
    box.fault(mode="after", delay=0.1, times=None)  # widens the window between the spending and the saving
    store.save(OTHERS)
    for _ in range(8):
        box.save_login(store)
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "-C", "box", "admin", "ping"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.15, 0.6))
        process.send_signal(signal.SIGKILL)
        process.wait()
        check_file(store)
        done = cld("-C", "box", "admin", "ping")
        check_next_command({"code": done.code, "out": done.out, "err": done.err})
        check_file(store)
