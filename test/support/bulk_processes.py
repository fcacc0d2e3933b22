"""Starts real `cld` processes, and interrupts them while they work."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable


def start(*args: str, stdin: Any = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start `cld ARGS` with its streams in the files `out` and `err` of the current directory."""
    with open("out", "wb") as out, open("err", "wb") as err:
        command = [sys.executable, "-m", "cloudinary_cli", *args]
        return subprocess.Popen(command, stdin=stdin, stdout=out, stderr=err)


def wait_until(condition: Callable[[], Any], process: "subprocess.Popen[bytes]") -> None:
    """Wait until the running process has made a condition true."""
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, Path("err").read_text()
        assert time.monotonic() < deadline, Path("err").read_text()
        time.sleep(0.01)


def interrupt(process: "subprocess.Popen[bytes]", number: int = signal.SIGINT) -> None:
    """Send the signal, and wait until the process says that it finishes the requests in progress."""
    process.send_signal(number)
    wait_until(lambda: "Stopping" in Path("err").read_text(), process)


def abort(process: "subprocess.Popen[bytes]") -> None:
    """Ctrl-C twice: the process ends at once, with requests in progress."""
    interrupt(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 130
    shown = Path("err").read_text()
    assert "Traceback" not in shown, shown
