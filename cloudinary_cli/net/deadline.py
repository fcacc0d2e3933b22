"""A deadline for whole connections: one thread shuts their sockets down when their time is up."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any, List


class Deadline:
    """Shuts the watched sockets down after `seconds`; a context manager.

    The timeout of a socket restarts with each byte that arrives. A server or proxy that sends its TLS handshake or its
    headers byte by byte never reaches it.
    """

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds
        self.has_passed = False
        self._sockets: List[socket.socket] = []
        self._lock = threading.Lock()

    def watch(self, connection: Any) -> None:
        """Shut this socket down, too. A duplicate is kept, because TLS takes over the descriptor of the original."""
        with self._lock:
            self._sockets.append(connection.dup())
            if self.has_passed:
                _shut_down(self._sockets[-1])

    def expire(self) -> None:
        """Shut the connections down."""
        with self._lock:
            self.has_passed = True
            for connection in self._sockets:
                _shut_down(connection)

    def __enter__(self) -> "Deadline":
        _WATCHDOG.add(self)
        return self

    def __exit__(self, *error: object) -> None:
        _WATCHDOG.remove(self)
        with self._lock:
            for connection in self._sockets:
                connection.close()


class _Watchdog:
    """One thread that expires deadlines. It runs while there is a deadline to watch.

    `cld config --refresh-all` sends up to 64 requests at a time. A timer thread for each took 10 % of its CPU time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watched: List[Deadline] = []
        self._is_running = False

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            self._watched.append(deadline)
            if not self._is_running:
                threading.Thread(target=self._run, name="token-deadline", daemon=True).start()
                self._is_running = True
            elif deadline is min(self._watched, key=_time_of):
                self._changed.notify()

    def remove(self, deadline: Deadline) -> None:
        with self._changed:
            if deadline in self._watched:
                self._watched.remove(deadline)
            if not self._watched:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._watched:
                    self._is_running = False
                    return
                first = min(self._watched, key=_time_of)
                rest = first.at - time.monotonic()
                if rest > 0:
                    self._changed.wait(rest)
                    continue
                self._watched.remove(first)
            first.expire()


def _time_of(deadline: Deadline) -> float:
    return deadline.at


# One for the process, because its thread is shared by all requests of all threads.
_WATCHDOG = _Watchdog()


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        connection.shutdown(socket.SHUT_RDWR)
