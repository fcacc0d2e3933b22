"""Fixtures of the tests of commands."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Optional

import pytest

from test.support.cld_config import KEYS
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Any]


@pytest.fixture
def who(invoke: Run) -> Callable[..., Dict[str, Any]]:
    """The JSON of `cld ARGS whoami --json`, with `code` and `err` added; nothing that it prints is a secret."""

    def run(*args: str, env: Optional[Dict[str, str]] = None, more: "tuple[str, ...]" = ()) -> Dict[str, Any]:
        done = invoke(*args, "whoami", "--json", *more, env=env)
        assert "SECRET" not in done.text and "Traceback" not in done.text
        return {**json.loads(done.out), "code": done.code, "err": done.err}

    return run


@pytest.fixture
def url(box: SandboxClient) -> str:
    """A URL whose ping succeeds."""
    return f"cloudinary://{KEYS}@sandbox?upload_prefix={box.url}"
