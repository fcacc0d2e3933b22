"""Imports the SDK without its reading of the environment, and says what is wrong with a CLOUDINARY_* URL variable."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import contextmanager
from typing import Any, Iterator

from cloudinary_cli.version import __version__


@contextmanager
def hidden_environment() -> Iterator[None]:
    """Take CLOUDINARY_* out of os.environ for the block: the SDK reads them when imported and raises on a bad one."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith("CLOUDINARY_")}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def import_sdk(module: str = "cloudinary") -> Any:
    """A module of the SDK; requests made through it carry the CLI's name in their User-Agent."""
    if module not in sys.modules:
        with hidden_environment():
            importlib.import_module(module)
    # Not sys.modules: it also has modules that another thread is still importing, and import_module waits for those.
    importlib.import_module("cloudinary").USER_PLATFORM = f"CloudinaryCLI/{__version__}"  # type: ignore[attr-defined]
    return importlib.import_module(module)
