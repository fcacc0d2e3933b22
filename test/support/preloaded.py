"""Compiles the C libraries that tests preload with LD_PRELOAD."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def compiled(source: Path, directory: Path) -> Path:
    """The shared library of a C file, made in `directory`. Without a C compiler, the test is skipped."""
    library = directory / source.with_suffix(".so").name
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no C compiler for {source.name}: {error}")
    return library
