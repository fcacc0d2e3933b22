"""Fixtures for all tests: an isolated home, `cld` as a real process, `invoke` in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional

import pytest

from test.support.fork_server import ForkServer
from test.support.sdk_state import reset_sdk

pytest_plugins = [
    "test.support.cloudinary_server",
    "test.support.sandbox_fixtures",
    "test.support.keychain",
    "test.support.case_insensitive_disk",
]

REPO = Path(__file__).resolve().parent.parent

# A shell starts background jobs with SIGINT ignored, and nohup ignores SIGHUP. Every process that a test starts would
# inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Result:
    """What one run of `cld` did."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the real home or the real account: HOME, CLOUDINARY_* and proxies are replaced."""
    for name in list(os.environ):
        if name.startswith("CLOUDINARY_") or name.lower().endswith("_proxy") or name in ("BROWSER", "NO_COLOR"):
            monkeypatch.delenv(name)
    user_home = tmp_path / "user"
    user_home.mkdir()
    monkeypatch.setenv("HOME", str(user_home))
    monkeypatch.setenv("USERPROFILE", str(user_home))
    monkeypatch.setenv("CLOUDINARY_HOME", str(tmp_path / "home"))
    # A test that opens a browser by mistake must fail, not open one.
    monkeypatch.setenv("BROWSER", "false")
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def forget_the_active_config() -> Iterator[None]:
    """A test that installs a configuration in the SDK leaves none to the next test."""
    yield
    reset_sdk()


@pytest.fixture(autouse=True)
def forget_the_log_settings() -> Iterator[None]:
    """main() routes the program's logger to its own console, where caplog of a later test would not see it."""
    yield
    from cloudinary_cli.defaults import logger

    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel("NOTSET")


@pytest.fixture
def config_json(home: Path) -> Path:
    """The path of config.json; its directory exists."""
    home.mkdir(mode=0o700, exist_ok=True)
    return home / "config.json"


@pytest.fixture(scope="session")
def fork_server() -> Iterator[Optional[ForkServer]]:
    """Starts processes of `cld` quickly; None where there is no fork()."""
    if not hasattr(os, "fork"):
        yield None
        return
    server = ForkServer()
    yield server
    server.close()


# Their effect is over when main() begins.
START_UP_VARIABLES = ("PYTHON", "LC_", "LANG", "LD_")


@pytest.fixture
def cld(tmp_path: Path, fork_server: Optional[ForkServer]) -> Callable[..., Result]:
    """Run `cld ARGS` as a process: `cld("config", "-ls", env={...}, input="y\\n")`. stdin is empty by default."""

    def run(
        *args: str, env: Optional[Dict[str, str]] = None, input: str = "", timeout: float = 60, **kw: Any
    ) -> Result:
        cwd, full = kw.pop("cwd", str(tmp_path)), {**os.environ, **(env or {})}
        if fork_server is not None and not kw and not any(name.startswith(START_UP_VARIABLES) for name in env or {}):
            code, out, err = fork_server.run(args, full, str(cwd), input.encode(), timeout)
        else:
            command = [sys.executable, "-m", "cloudinary_cli", *args]
            done = subprocess.run(
                command, env=full, input=input.encode(), capture_output=True, timeout=timeout, cwd=cwd, **kw
            )
            code, out, err = done.returncode, done.stdout, done.stderr
        return Result(code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    return run


@pytest.fixture
def invoke(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run main(ARGS) in this process, with the real streams captured: quicker than `cld`, same program."""

    def run(*args: str, env: Optional[Dict[str, str]] = None) -> Result:
        from cloudinary_cli.cli import main

        with monkeypatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            capfd.readouterr()
            code = main(list(args))
            captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run
