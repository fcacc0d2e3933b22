"""Fixtures of the bulk commands' tests. Each test works in its own folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Iterator
from urllib.parse import urlsplit

import pytest

from test.support.clone_accounts import Source, Target
from test.support.cloudinary_server import CloudinaryServer
from test.support.commands import Run
from test.support.migrate_requests import TEMPLATE
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import Account
from test.support.upload_requests import accepted


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """`invoke` runs in this process, whose stdin pytest replaces with an object that cannot be read."""
    monkeypatch.setattr("sys.stdin", open(os.devnull))


@pytest.fixture
def env(box: SandboxClient, home: Path) -> Dict[str, str]:
    """The environment of the sandbox, with a short timeout for stalled requests."""
    found: Dict[str, str] = box.server.environment(home)
    return {**found, "CLOUDINARY_URL": found["CLOUDINARY_URL"] + "&timeout=4"}


@pytest.fixture(scope="module", params=["fixed", "dynamic"])
def server_of_mode(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A sandbox, once in each folder mode."""
    from cloudinary_cli.sandbox.sandbox_server import SandboxServer
    from cloudinary_cli.sandbox.settings import SandboxSettings

    settings = SandboxSettings(data_dir=tmp_path_factory.mktemp("box"), auto_approve=True, folder_mode=request.param)
    with SandboxServer(settings, threads=40) as server:
        yield server


@pytest.fixture
def there(tmp_path: Path) -> Iterator[SandboxClient]:
    """Another sandbox with the cloud `other` on another host: the target of a clone."""
    from cloudinary_cli.sandbox.sandbox_server import SandboxServer
    from cloudinary_cli.sandbox.settings import SandboxSettings

    settings = SandboxSettings(
        data_dir=tmp_path / "there", cloud_name="other", api_secret="other-secret", auto_approve=True
    )
    with SandboxServer(settings, threads=40) as server:
        yield SandboxClient(server)


@pytest.fixture
def account(server: CloudinaryServer) -> Account:
    return Account(server)


@pytest.fixture
def sync(account: Account, invoke: Run) -> Run:
    """Run `cld sync d f ARGS` in this process against the scripted account; stdin is empty."""
    return lambda *args, **kw: invoke("-c", account.config_url(), "sync", "d", "f", *args, **kw)


@pytest.fixture
def check(account: Account, invoke: Run) -> Run:
    """Run `cld check d f ARGS` in this process against the scripted account."""
    return lambda *args, **kw: invoke("-c", account.config_url(), "check", "d", "f", *args, **kw)


@pytest.fixture
def source(server: CloudinaryServer) -> Source:
    return Source(server)


@pytest.fixture
def target() -> Iterator[Target]:
    with CloudinaryServer() as other:
        yield Target(other)


@pytest.fixture
def clone(source: Source, target: Target, invoke: Run) -> Run:
    """Run `cld clone TARGET ARGS` from an account with a key to another with a key."""

    def run(*args: str, **params: str) -> Any:
        there = target.server.config_url("dst", "tkey:tsecret")
        return invoke("-c", source.server.config_url("src", "skey:ssecret", **params), "clone", there, *args)

    return run


@pytest.fixture
def up(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld upload_dir ARGS` with the scripted server in dynamic folder mode."""
    server.on("GET", "/config", {"settings": {"folder_mode": "dynamic"}})
    server.on("POST", "/upload", accepted)
    return lambda *args, **kw: invoke("-c", server.config_url(), "upload_dir", *args, **kw)


@pytest.fixture
def mapping_url(server: CloudinaryServer) -> str:
    """The CLOUDINARY_URL of the scripted server, which has the upload mapping `m` and every asset."""
    server.on("GET", "/upload_mappings", {"folder": "m", "template": TEMPLATE})
    return server.config_url(secure="false", cname=urlsplit(server.url).netloc)


@pytest.fixture
def migrate(mapping_url: str, invoke: Run) -> Run:
    """Run `cld migrate ARGS` with the scripted server."""
    return lambda *args: invoke("-c", mapping_url, "migrate", *args)


@pytest.fixture
def boxed(server_of_mode: Any, invoke: Run, home: Path) -> Run:
    """Run `cld sync ARGS` against a sandbox, once in each folder mode."""
    SandboxClient(server_of_mode).reset()
    env = server_of_mode.environment(home)
    return lambda *args: invoke("sync", *args, env=env)
