"""Processes that tests start, and waiting for what they do."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any, Callable


def start(*args: str) -> "subprocess.Popen[str]":
    """Run `cld ARGS` as a process with pipes for its output."""
    return subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Wait until the condition is true, and fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.02)
