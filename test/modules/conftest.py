"""Fixtures of the bulk commands' tests: each works in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from test.fakes.cloudinary_server import CloudinaryServer
from test.modules.sync_world import Account


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def account(server: CloudinaryServer) -> Account:
    return Account(server)
