"""What the actions of one run share: the connector, the request to stop, and the files that are being written."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import Any, Iterator, Optional, Set

from cloudinary_cli.context import AppContext
from cloudinary_cli.net.retry import TRANSFER_BUDGET, StopFlag, Stopped
from cloudinary_cli.sdk import activation


class Stop:
    """The request to end a run: first no new work, then nothing at all.

    `reason` says why the run itself decided so; empty when the user did.
    """

    def __init__(self) -> None:
        self.requested = StopFlag()
        self.reason = ""
        self._files: Set[str] = set()
        self._aborted = False
        self._lock = threading.Lock()
        self._unsaid: Optional[str] = None

    def request(self, notice: Optional[str] = None) -> None:
        """Begin nothing more; what is under way may finish. Safe in a signal handler.

        :param notice: for take_notice(), because a handler must not print.
        """
        self._unsaid = notice
        self.requested.set()

    def take_notice(self) -> Optional[str]:
        """What is to be said about the request, once."""
        notice, self._unsaid = self._unsaid, None
        return notice

    def halt(self, reason: str) -> None:
        """Begin nothing more, because the rest cannot succeed. The first reason is kept."""
        if not self.requested.is_set():
            self.reason = reason
            self.request()

    @contextmanager
    def temporary(self, path: str) -> Iterator[str]:
        """Own a temporary file for the block: it is gone after it, also when the run is aborted meanwhile.

        :raises Stopped: the run was aborted.
        """
        with self._lock:
            if self._aborted:
                raise Stopped
            self._files.add(path)
        try:
            yield path
        finally:
            _remove(path)
            with self._lock:
                self._files.discard(path)

    def abort(self) -> None:
        """End at once: the threads are left to die with the process, so their files are removed here."""
        self.request()
        with self._lock:
            self._aborted = True
            for path in self._files:
                _remove(path)


class TransferSession:
    """One connector for everything that a command sends: at most `workers` connections to a host."""

    def __init__(self, connector: Any, workers: int, stop: Optional[Stop] = None) -> None:
        self.connector = connector
        self.workers = workers
        self.stop = stop or Stop()


def open_session(app: AppContext, workers: int) -> TransferSession:
    """Install the active configuration in the SDK, with a connector for `workers` threads.

    :raises ConfigError: nothing usable is selected.
    """
    config = app.sdk_config
    stop = Stop()
    connector = activation.install_transport(
        config.api_proxy, config.timeout, pool_size=workers, budget=TRANSFER_BUDGET, stop=stop.requested
    )
    return TransferSession(connector, workers, stop)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # never made, or renamed into its place
