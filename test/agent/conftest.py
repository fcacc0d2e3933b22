"""Fixtures of the tests of `cld agent`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


@pytest.fixture
def agent(server: CloudinaryServer, invoke: Run) -> Iterator[Run]:
    """Run `cld agent ARGS` in this process, with the scripted server as the API."""
    yield lambda *args, **kw: invoke("agent", *args, env={"CLOUDINARY_UPLOAD_PREFIX": server.url, **kw.pop("env", {})})


@pytest.fixture
def save(config_json: Path) -> Callable[..., None]:
    """Write config.json: save(name="cloudinary://...", ...)."""
    return lambda **entries: config_json.write_text(json.dumps(entries)) and None
