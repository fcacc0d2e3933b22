"""Implements `cld sandbox start`, `run` and `shell`: starts a server, and runs a command that uses it."""

from __future__ import annotations

import os
import shlex
import sqlite3
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence, Tuple

from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError, LockTimeout
from cloudinary_cli.system.child import run_command
from cloudinary_cli.system.lock import file_lock

from .sandbox_server import HOST, SandboxServer
from .settings import DEFAULT_TTL, SandboxSettings

# Prefixes of settings of the caller that name no account.
KEPT = ("CLOUDINARY_OAUTH_REDIRECT_", "CLOUDINARY_CLI_")


@dataclass(frozen=True)
class SandboxOptions:
    """The options of `start`, `run` and `shell`."""

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
    """A server on the given port; without a data directory, its data is deleted afterwards.

    :raises CliError: when the port is taken, or the data directory cannot be used or is in use.
    """
    with tempfile.TemporaryDirectory(prefix="cld-sandbox-") as temporary:
        server = SandboxServer(options.settings(options.data or Path(temporary)), options.port)
        try:
            server.start()
        except sqlite3.Error as error:
            raise CliError(f"Cannot use the data directory {server.settings.data_dir}: {error}") from error
        except OSError as error:
            # Errors of files have the name of the file, those of sockets have none.
            what = f"use {error.filename}" if error.filename else f"listen on {HOST}:{options.port}"
            raise CliError(f"Cannot {what}: {os.strerror(error.errno) if error.errno else error}") from error
        try:
            with _exclusive_use(server.settings.data_dir):
                yield server
        finally:
            server.stop()


@contextmanager
def _exclusive_use(data_dir: Path) -> Iterator[None]:
    """Lock a data directory. A server keeps its state in memory, so it would not see the changes of a second one.

    :raises LockTimeout: another server uses the directory.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(str(data_dir / "sandbox.lock"), 0, str(data_dir)))
        except LockTimeout as error:
            what_to_do = "Stop it, or choose another directory with --data."
            raise LockTimeout(f"Another sandbox uses the data directory {data_dir}. {what_to_do}") from error
        yield


def serve(options: SandboxOptions, console: Console) -> None:
    """Run until Ctrl-C or SIGTERM. Both reach the caller as exceptions, after the server has stopped."""
    with running_server(options) as server:
        # Absolute, because the variables are also used in other directories.
        home = server.settings.data_dir.resolve() / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [f"export {name}={shlex.quote(value)}" for name, value in server.environment(home).items()]
        kept = f"in {server.settings.data_dir}" if options.data else "until it stops"
        console.notice(f"Cloudinary sandbox on {server.base_url}, data is kept {kept}. Ctrl-C stops it.")
        # In one write, so that a reader who sees the first line can read all of them. The server is ready by then.
        console.data("\n".join(lines))
        threading.Event().wait()


def run_in_sandbox(command: Sequence[str], options: SandboxOptions, console: Console) -> int:
    """Run a command against a fresh sandbox. Returns the command's exit status."""
    with _fresh_sandbox(options) as (_, environment):
        return run_command(list(command), environment, console.error)


def shell_in_sandbox(options: SandboxOptions, console: Console) -> int:
    """Run the user's shell against a fresh sandbox. Returns the shell's exit status."""
    with _fresh_sandbox(options) as (server, environment):
        where = f'Cloudinary sandbox on {server.base_url}, cloud "{server.settings.cloud_name}".'
        console.notice(f"{where} `exit` ends it and deletes its data.")
        on_windows = os.name == "nt"
        shell = os.environ.get("COMSPEC" if on_windows else "SHELL") or ("cmd.exe" if on_windows else "/bin/sh")
        # An interactive shell ignores SIGTERM and ends on SIGHUP (bash(1), "Signals").
        return run_command([shell], environment, console.error, {"SIGTERM": "SIGHUP"})


@contextmanager
def _fresh_sandbox(options: SandboxOptions) -> Iterator[Tuple[SandboxServer, Dict[str, str]]]:
    """Yield a sandbox that approves logins automatically, and the environment of programs that use it."""
    options = replace(options, data=None, auto_approve=True)
    with running_server(options) as server, tempfile.TemporaryDirectory(prefix="cld-home-") as home:
        yield server, sandbox_environment(server, Path(home), options.oauth_only)


def sandbox_environment(server: SandboxServer, home: Path, oauth_only: bool) -> Dict[str, str]:
    """This process's environment, with its Cloudinary settings replaced by those of the sandbox."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("CLOUDINARY_") or name.upper().startswith(KEPT)
    }
    added = server.environment(home)
    if oauth_only:
        del added["CLOUDINARY_URL"]
    return {**kept, **added}
