"""Fixtures of the bulk commands' tests: each works in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from test.modules.sync_world import Account
from test.support.cloudinary_server import CloudinaryServer
from test.support.sandbox_client import SandboxClient


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def env(box: SandboxClient, home: Path) -> Dict[str, str]:
    """The environment of the sandbox, with a time-out that a stalled request runs into."""
    found: Dict[str, str] = box.server.environment(home)
    return {**found, "CLOUDINARY_URL": found["CLOUDINARY_URL"] + "&timeout=1"}


@pytest.fixture
def account(server: CloudinaryServer) -> Account:
    return Account(server)


@pytest.fixture
def sync(account: Account, invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Run `cld sync d f ARGS` in this process against the scripted account; stdin is empty."""
    return lambda *args, **kw: invoke("-c", account.config_url(), "sync", "d", "f", *args, **kw)
