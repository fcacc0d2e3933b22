"""A signal that arrives in a finalizer: Python discards the exception of its handler, so it is delivered again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

SCRIPT = """
import sys, time
from cloudinary_cli import cli
from cloudinary_cli.errors import Terminated
from cloudinary_cli.system.signals import SIGNALS

class Slow:
    def __del__(self):
        print("in the finalizer", flush=True)
        time.sleep(30)

SIGNALS.install(owns_process=True)
sys.unraisablehook = cli._repeat_lost_signal
try:
    slow = Slow()
    del slow
    time.sleep(30)
except Terminated as error:
    print("ended by", error.signum)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_finalizer_ends_the_command_without_a_traceback(number: int) -> None:
    command = [sys.executable, "-c", SCRIPT]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "in the finalizer\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, f"ended by {int(number)}\n", "")
