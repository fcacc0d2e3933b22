"""Fixtures shared by tests that talk to a sandbox: one server per module of tests, reset for each test."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from cloudinary_cli.utils.config_utils import ConfigStore
from test.fakes.sandbox_client import SandboxClient


@pytest.fixture(scope="module")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from cloudinary_cli.sandbox.server import SandboxServer
    from cloudinary_cli.sandbox.settings import SandboxSettings

    settings = SandboxSettings(data_dir=tmp_path_factory.mktemp("sandbox"), auto_approve=True)
    with SandboxServer(settings, threads=40) as server:
        yield server


@pytest.fixture
def box(sandbox_server: Any) -> SandboxClient:
    client = SandboxClient(sandbox_server)
    client.reset()
    return client


@pytest.fixture
def store(config_json: Path) -> ConfigStore:
    return ConfigStore(str(config_json))
