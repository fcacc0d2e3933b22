"""Fixtures: running sandboxes on free ports, and clients of the first one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings

from .helpers import Control, OAuthClient


@pytest.fixture
def make_sandbox(tmp_path: Path) -> Iterator[Callable[..., SandboxServer]]:
    """Start a sandbox with the given settings; all are stopped afterwards."""
    running: List[SandboxServer] = []

    def make(**settings: Any) -> SandboxServer:
        settings.setdefault("data_dir", tmp_path / f"sandbox{len(running)}")
        server = SandboxServer(SandboxSettings(**settings))
        server.start()
        running.append(server)
        return server

    yield make
    for server in running:
        server.stop()


@pytest.fixture
def sandbox(make_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    """A running sandbox in dynamic folder mode."""
    return make_sandbox()


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """One sandbox for all tests that work with the data of other tests in it."""
    with SandboxServer(SandboxSettings(tmp_path_factory.mktemp("shared"))) as server:
        yield server


@pytest.fixture
def shared_oauth(shared_sandbox: SandboxServer) -> OAuthClient:
    """An OAuth client of the shared sandbox."""
    return OAuthClient(shared_sandbox)


@pytest.fixture
def shared_options(shared_sandbox: SandboxServer) -> Dict[str, Any]:
    """SDK options for the shared sandbox."""
    return sdk_options(shared_sandbox)


@pytest.fixture
def oauth(sandbox: SandboxServer) -> OAuthClient:
    """An OAuth client of the sandbox."""
    return OAuthClient(sandbox)


@pytest.fixture
def control(sandbox: SandboxServer) -> Control:
    """The sandbox's control endpoints."""
    return Control(sandbox)


def sdk_options(server: SandboxServer) -> Dict[str, Any]:
    """Options that direct the SDK's functions to a sandbox."""
    settings = server.settings
    return {
        "cloud_name": settings.cloud_name,
        "api_key": settings.api_key,
        "api_secret": settings.api_secret,
        "upload_prefix": server.base_url,
    }


@pytest.fixture
def options(sandbox: SandboxServer) -> Dict[str, Any]:
    """SDK options for the sandbox."""
    return sdk_options(sandbox)
