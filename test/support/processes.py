"""Processes of `cld` that tests start."""

from __future__ import annotations

import subprocess
import sys


def start(*args: str) -> "subprocess.Popen[str]":
    """Run `cld ARGS` as a process with pipes for its output."""
    return subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
