"""Runs a program where a file is a mount point, which not even root can delete or replace."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def run_with_mount(source: Path, target: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run `command` in the directory of `target`, onto which the file `source` is mounted. Skip where that is impossible."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces (Linux)")
    script = 'mount --bind "$1" "$2" || exit 77; shift 2; exec "$@"'
    words = ["unshare", "-rm", "sh", "-c", script, "sh", str(source), str(target), *command]
    done = subprocess.run(words, cwd=target.parent, capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("needs to mount a file")
    return done
