"""Fixtures of a sandbox: one server per test module, reset for each test."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.ports import free_port
from test.support.sandbox_client import SandboxClient


@pytest.fixture(scope="module")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from cloudinary_cli.sandbox.sandbox_server import SandboxServer
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
def login_env(box: SandboxClient, home: Path) -> Dict[str, str]:
    """The variables of `cld sandbox start` without the API key, and with a free port for the redirect."""
    variables = box.server.environment(home)
    variables = {name: value for name, value in variables.items() if name not in ("CLOUDINARY_URL", "PYTHONPATH")}
    return {**variables, "CLOUDINARY_OAUTH_REDIRECT_PORT": str(free_port())}


@pytest.fixture
def store(config_json: Path) -> ConfigStore:
    return ConfigStore(str(config_json))
