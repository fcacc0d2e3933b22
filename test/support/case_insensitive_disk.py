"""A directory where `IMG.png` and `img.png` are one file, for processes that a test starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, NamedTuple

import pytest

from cloudinary_cli.transfer.sync.disk_names import is_one_name
from test.support.preloaded import compiled

_SOURCE = Path(__file__).with_suffix(".c")
_PROBE = "import sys; from cloudinary_cli.transfer.sync.disk_names import is_one_name as f; sys.exit(not f(sys.argv[1], 'a', 'A'))"


class CaseInsensitiveDisk(NamedTuple):
    """The directory, and variables for the environment of processes that use it."""

    path: Path
    env: Dict[str, str]


@pytest.fixture
def case_insensitive_disk(tmp_path: Path) -> CaseInsensitiveDisk:
    """A case-insensitive directory: the default on macOS and Windows, and on Linux a compiled library that imitates one."""
    root = (tmp_path / "disk").resolve()
    root.mkdir()
    if is_one_name(str(root), "a", "A"):
        return CaseInsensitiveDisk(root, {})
    if not sys.platform.startswith("linux"):
        pytest.skip("this disk is case-sensitive")
    env = {"LD_PRELOAD": str(compiled(_SOURCE, tmp_path)), "CASE_INSENSITIVE_ROOT": str(root)}
    if subprocess.run([sys.executable, "-c", _PROBE, str(root)], env={**os.environ, **env}).returncode:
        pytest.skip("this C library does not use the functions that are replaced")
    return CaseInsensitiveDisk(root, env)
