"""A ConfigStore in the test's own home, its file, and other processes that use it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict

import pytest

from cloudinary_cli.config.store import ConfigStore

A, B, C = "cloudinary://k:s@a", "cloudinary://k:s@b", "cloudinary://k:s@c"
posix = pytest.mark.skipif(os.name != "posix", reason="file modes, links and signals of POSIX")


def content_of(store: ConfigStore) -> Dict[str, Any]:
    result: Dict[str, Any] = json.loads(Path(store.path).read_text(encoding="utf-8"))
    return result


def write(store: ConfigStore, data: Any) -> Path:
    path = Path(store.path)
    path.parent.mkdir(exist_ok=True)
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        path.write_text(json.dumps(data), encoding="utf-8")
    return path


def mode_of(path: Any) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def python(code: str, *args: str, **kw: Any) -> "subprocess.Popen[str]":
    """Another process, in the isolated home of the test."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *args],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **kw,
    )
