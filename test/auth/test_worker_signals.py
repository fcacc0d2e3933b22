"""Signals that arrive while a worker thread refreshes a login: the new tokens are saved before the process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Sequence

import pytest

from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from test.support.sandbox_client import SandboxClient
from test.support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

SIGNALS = [
    pytest.param((1,), 129, id="SIGHUP"),
    pytest.param((2, 2), 130, id="SIGINT twice"),
    pytest.param((2, 2, 2, 2), 130, id="SIGINT four times"),
    pytest.param((15, 15), 143, id="SIGTERM twice"),
]


def check_saved(store: ConfigStore, box: SandboxClient, old_token: object) -> None:
    saved = from_cloudinary_url(store.load_fresh()["box"])
    assert saved.refresh_token != old_token and not parse(store.load()["box"]).has(refresh_state.KEY)
    assert box.is_refresh_token_alive(saved.refresh_token)


def start(*args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-m", "cloudinary_cli", *args], stderr=subprocess.PIPE, text=True)


def send(process: "subprocess.Popen[str]", numbers: Sequence[int], box: SandboxClient) -> str:
    """Send the signals one after the other, then the response, and return what stderr shows until the end."""
    for number in numbers:
        process.send_signal(number)
        # Two equal signals that arrive together are one.
        try:
            process.wait(0.15)
        except subprocess.TimeoutExpired:
            continue
    box.clear_faults()
    return process.communicate(timeout=60)[1]


@pytest.mark.parametrize(("numbers", "code"), SIGNALS)
def test_refresh_all_saves_new_tokens_before_a_signal_ends_it(
    box: SandboxClient, store: ConfigStore, numbers: Sequence[int], code: int
) -> None:
    old = box.save_login(store)
    box.fault(mode="after", delay=60)
    process = start("config", "-ra", "-f")
    wait_until(lambda: box.stats["refresh_exchanges"])
    err = send(process, numbers, box)
    check_saved(store, box, old.refresh_token)
    assert process.returncode == code and "Traceback" not in err


@pytest.mark.parametrize(("numbers", "code"), SIGNALS)
def test_an_upload_saves_new_tokens_before_a_signal_ends_it(
    box: SandboxClient, store: ConfigStore, tmp_path: "os.PathLike[str]", numbers: Sequence[int], code: int
) -> None:
    folder = os.path.join(tmp_path, "photos")
    os.mkdir(folder)
    for number in range(6):
        with open(os.path.join(folder, f"{number}.txt"), "w") as file:
            file.write(str(number))
    old = box.save_login(store)
    box.fault(mode="after", delay=60)
    process = start("-C", "box", "upload_dir", folder, "-w", "3")
    wait_until(lambda: box.stats["refresh_exchanges"])
    err = send(process, numbers, box)
    check_saved(store, box, old.refresh_token)
    assert process.returncode == code and "Traceback" not in err


def test_nohup_keeps_ignoring_sighup(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.fault(mode="after", delay=60)
    process = subprocess.Popen(
        [
            "sh",
            "-c",
            'trap "" HUP; exec "$@"',
            "sh",
            sys.executable,
            "-m",
            "cloudinary_cli",
            "-C",
            "box",
            "config",
            "-ra",
            "-f",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: box.stats["refresh_exchanges"])
    err = send(process, [signal.SIGHUP], box)
    assert process.returncode == 0, err
