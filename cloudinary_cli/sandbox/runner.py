"""What `cld sandbox start` and `cld sandbox run` do: start a server, set up an environment, run a command in it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError

from .server import HOST, SandboxServer
from .settings import DEFAULT_TTL, SandboxSettings

COMMAND_NOT_FOUND = 127
COMMAND_NOT_RUNNABLE = 126
CREDENTIALS = ("CLOUDINARY_URL",)
# Settings of the caller that lead to no account.
HARMLESS = ("CLOUDINARY_OAUTH_REDIRECT_", "CLOUDINARY_CLI_")


@dataclass(frozen=True)
class SandboxOptions:
    """The options of `start` and `run`."""

    port: int = 0
    data: Optional[Path] = None
    ttl: int = DEFAULT_TTL
    folder_mode: str = "dynamic"
    auto_approve: bool = False
    oauth_only: bool = False

    def settings(self, data_dir: Path) -> SandboxSettings:
        return SandboxSettings(
            data_dir=data_dir, ttl=self.ttl, folder_mode=self.folder_mode, auto_approve=self.auto_approve
        )


@contextmanager
def running_server(options: SandboxOptions) -> Iterator[SandboxServer]:
    """A server on the wanted port; without a data directory its data is gone afterwards.

    :raises CliError: when the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="cld-sandbox-") as temporary:
        server = SandboxServer(options.settings(options.data or Path(temporary)), options.port)
        try:
            server.start()
        except OSError as error:
            raise CliError(f"Cannot listen on {HOST}:{options.port}: {error.strerror or error}") from error
        try:
            yield server
        finally:
            server.stop()


def serve(options: SandboxOptions, console: Console) -> None:
    """Run until Ctrl-C or SIGTERM: both reach the caller as exceptions, after the server was stopped."""
    with running_server(options) as server:
        home = server.settings.data_dir / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [f"export {name}={shlex.quote(value)}" for name, value in server.environment(home).items()]
        kept = f"in {server.settings.data_dir}" if options.data else "until it stops"
        console.notice(f"Cloudinary sandbox on {server.base_url}, data is kept {kept}. Ctrl-C stops it.")
        # Last and in one piece, so that who reads the first line can count on the last.
        console.data("\n".join(lines))
        threading.Event().wait()


def run_in_sandbox(command: Sequence[str], options: SandboxOptions, console: Console) -> int:
    """Run a command against a fresh sandbox; the command's exit status."""
    options = replace(options, data=None, auto_approve=True)
    with running_server(options) as server, tempfile.TemporaryDirectory(prefix="cld-home-") as home:
        return run_command(list(command), sandbox_environment(server, Path(home), options.oauth_only), console)


def sandbox_environment(server: SandboxServer, home: Path, oauth_only: bool) -> Dict[str, str]:
    """This process's environment without its own Cloudinary settings, pointed at the sandbox."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("CLOUDINARY_") or name.upper().startswith(HARMLESS)
    }
    added = server.environment(home)
    if oauth_only:
        added = {name: value for name, value in added.items() if name not in CREDENTIALS}
    return {**kept, **added}


def run_command(command: List[str], environment: Dict[str, str], console: Console) -> int:
    """Run a command, pass signals on to it, return its exit status as a shell would (128 + signal)."""
    try:
        process = subprocess.Popen(command, env=environment)
    except FileNotFoundError:
        console.error(f"Command not found: {command[0]}")
        return COMMAND_NOT_FOUND
    except OSError as error:
        console.error(f"Cannot run {command[0]}: {error.strerror or error}")
        return COMMAND_NOT_RUNNABLE
    with _forwarded_signals(process):
        status = process.wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _forwarded_signals(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """While inside, termination signals go to the child, whose end then ends this process too."""

    def forward(number: int, frame: Any) -> None:
        # Ctrl-C at a terminal reaches the whole process group: the child has it already.
        if number != signal.SIGINT or not _is_foreground():
            process.send_signal(number)

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), forward) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _is_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except (AttributeError, OSError):
        return False
