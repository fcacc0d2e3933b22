"""Fixtures of the tests of `cld search`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def search(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld search ARGS` in this process, with the scripted server as the API."""
    return lambda *args, **kw: invoke("-c", server.config_url(), "search", *args, **kw)
