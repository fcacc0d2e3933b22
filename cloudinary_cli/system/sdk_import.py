"""Imports the SDK while the CLOUDINARY_* variables are hidden from it."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import contextmanager
from typing import Any, Iterator

from cloudinary_cli.version import __version__


@contextmanager
def hidden_environment() -> Iterator[None]:
    """Remove CLOUDINARY_* from os.environ for the block. The SDK reads them on import and raises for invalid ones."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith("CLOUDINARY_")}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def import_sdk(module: str = "cloudinary") -> Any:
    """Import a module of the SDK, and add the CLI's name to the User-Agent of its requests."""
    if module not in sys.modules:
        with hidden_environment():
            importlib.import_module(module)
    # Not sys.modules: it also has modules that another thread is still importing, and import_module waits for those.
    importlib.import_module("cloudinary").USER_PLATFORM = f"CloudinaryCLI/{__version__}"  # type: ignore[attr-defined]
    return importlib.import_module(module)
