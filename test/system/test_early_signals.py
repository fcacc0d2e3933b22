"""A signal that arrives just before a system call that waits: it does not interrupt the call, so it is sent again."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from test.support.early_signal import early_signal

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD")


@pytest.mark.parametrize("number, message", [(signal.SIGINT, "Interrupted."), (signal.SIGTERM, "Terminated.")])
def test_a_signal_just_before_cld_waits_for_a_response_ends_it(tmp_path: Path, number: int, message: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"cloudinary://k:s@c?upload_prefix=http://127.0.0.1:{silent.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "cloudinary_cli", "-c", url, "admin", "ping"],
            env={**os.environ, **early_signal(tmp_path, "poll", number)},
            stderr=subprocess.PIPE,
            text=True,
            timeout=20,
        )
    assert (done.returncode, done.stderr) == (128 + number, f"{message}\n")


def test_a_signal_just_before_cld_waits_for_a_program_is_passed_on_once(tmp_path: Path) -> None:
    program = "trap 'echo signal' TERM; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done"
    child = f"env -u LD_PRELOAD sh -c {shlex.quote(program)}"
    done = subprocess.run(
        [sys.executable, "-m", "cloudinary_cli", "-c", "cloudinary://k:s@c", "exec", "--", *shlex.split(child)],
        env={**os.environ, **early_signal(tmp_path, "waitpid", signal.SIGTERM)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (0, "signal\n")
