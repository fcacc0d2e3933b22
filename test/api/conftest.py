"""Fixtures of the tests of `cld admin`."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


@pytest.fixture
def admin(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld admin ARGS` in this process, with the scripted server as the API."""
    return lambda *args, **kw: invoke("-c", server.config_url(), "admin", *args, **kw)
