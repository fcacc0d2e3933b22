"""Runs the sandbox on 127.0.0.1 in a background thread and tells programs how to reach it."""

from __future__ import annotations

import logging
import os
import shlex
import socket
import sqlite3
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Optional, Type
from urllib.parse import quote

import waitress
from waitress import wasyncore

from .app import create_app
from .settings import SandboxSettings
from .state import EXTENSION, SandboxState

HOST = "127.0.0.1"
MAX_UPLOAD = 16 * 1024**3  # bytes


class SandboxServer:
    """A running sandbox; leaving the context stops it and frees the port."""

    def __init__(self, settings: SandboxSettings, port: int = 0, threads: int = 32) -> None:
        self.settings = settings
        self._wanted_port = port
        self._threads = threads
        self._stop = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._channels: Dict[int, Any] = {}
        self.port = 0

    @property
    def base_url(self) -> str:
        """The address of the server, without a trailing slash."""
        return f"http://{HOST}:{self.port}"

    @property
    def state(self) -> SandboxState:
        """The state of the application, for tests in the same process."""
        found: SandboxState = self.app.extensions[EXTENSION]
        return found

    def __enter__(self) -> SandboxServer:
        self.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Bind the port and serve.

        :raises OSError: when the port is taken, or the data directory cannot be used.
        :raises sqlite3.Error: when the database in the data directory cannot be used.
        """
        # waitress only warns about queued requests, which a user of the sandbox need not see.
        logging.getLogger("waitress").addHandler(logging.NullHandler())
        logging.getLogger("waitress").propagate = False
        listener = socket.create_server((HOST, self._wanted_port))
        self.port = listener.getsockname()[1]
        self._stop.clear()
        try:
            self.app = create_app(self.settings, self.base_url)
        except (OSError, sqlite3.Error):
            listener.close()
            raise
        self._server = waitress.create_server(
            self.app,
            map=self._channels,
            sockets=[listener],
            threads=self._threads,
            connection_limit=2000,
            backlog=1024,
            channel_timeout=600,
            # waitress notices a client that disconnects only if it reads ahead while it serves a request.
            channel_request_lookahead=1,
            max_request_body_size=MAX_UPLOAD,
            asyncore_use_poll=True,
            ident="cloudinary-sandbox",
        )
        self._thread = threading.Thread(target=self._serve, name=f"sandbox-{self.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests in progress, and close all connections and the port. A second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.state.stopping.set()
        self._stop.set()
        self._server.pull_trigger()
        thread.join()
        # The trigger is closed last: a thread that uses it later could write to another file that got its descriptor.
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
        self._poll(0.0)
        wasyncore.close_all(self._channels, ignore_all=True)
        self.state.storage.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._poll(1.0)

    def _poll(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._channels, count=1)

    def environment(self, home: Path) -> Dict[str, str]:
        """Environment variables that point `cld` and the SDK at this sandbox; `home` is the CLI's home directory."""
        settings, address = self.settings, f"{HOST}:{self.port}"
        environment = {
            "CLOUDINARY_HOME": str(home),
            "CLOUDINARY_OAUTH_BASE_URL": self.base_url,
            "CLOUDINARY_UPLOAD_PREFIX": self.base_url,
            "CLOUDINARY_URL": f"cloudinary://{settings.api_key}:{settings.api_secret}@{settings.cloud_name}"
            f"?upload_prefix={quote(self.base_url, safe='')}&secure=false&cname={address}",
            "CLOUDINARY_ACCOUNT_URL": f"account://{settings.provisioning_key}:{settings.provisioning_secret}"
            f"@{settings.account_id}",
            "BROWSER": browser_command(),
            **_python_path(),
        }
        no_proxy = _with_loopback(os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or "")
        return {**environment, "NO_PROXY": no_proxy, "no_proxy": no_proxy}


def browser_command() -> str:
    """A BROWSER value. It runs in the background, because the callback responds only after the code exchange."""
    return f"{shlex.quote(sys.executable)} -m cloudinary_cli.sandbox.consent_client %s &"


def _with_loopback(value: str) -> str:
    hosts = [host for host in value.split(",") if host]
    return ",".join(hosts + [host for host in ("127.0.0.1", "localhost") if host not in hosts])


def _python_path() -> Dict[str, str]:
    """In a source checkout, make this package importable for the stand-in browser in any directory."""
    root, rest = str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH")
    if os.path.basename(root) in ("site-packages", "dist-packages"):
        return {}
    paths = rest.split(os.pathsep) if rest else []
    return {"PYTHONPATH": os.pathsep.join(paths if root in paths else [root, *paths])}
