"""A directory where `IMG.png` and `img.png` are one file, for processes that a test starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, NamedTuple

import pytest

from cloudinary_cli.transfer.sync.disk_names import is_one_name

_SOURCE = Path(__file__).with_suffix(".c")
_PROBE = "import sys; from cloudinary_cli.transfer.sync.disk_names import is_one_name as f; sys.exit(not f(sys.argv[1], 'a', 'A'))"


class BlindDisk(NamedTuple):
    """The directory, and what the environment of a process needs that works in it."""

    path: Path
    env: Dict[str, str]


@pytest.fixture
def blind_disk(tmp_path: Path) -> BlindDisk:
    """The usual disk on macOS and Windows. On Linux a library that is compiled here, because few kernels have one."""
    root = (tmp_path / "blind").resolve()
    root.mkdir()
    if is_one_name(str(root), "a", "A"):
        return BlindDisk(root, {})
    if not sys.platform.startswith("linux"):
        pytest.skip("this disk is not blind to case")
    library = tmp_path / "blind_disk.so"
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no C compiler to make this disk blind to case: {error}")
    env = {"LD_PRELOAD": str(library), "BLIND_ROOT": str(root)}
    if subprocess.run([sys.executable, "-c", _PROBE, str(root)], env={**os.environ, **env}).returncode:
        pytest.skip("this C library has other functions than those that are replaced")
    return BlindDisk(root, env)
