"""Serves many short connections from one thread, none of which can hold up another. Knows no OAuth and no page.

One thread with a selector instead of a thread per connection: a silent or dripping client costs a few bytes and a
deadline, and nothing has to be interrupted or joined one by one when the port must close at once.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from queue import SimpleQueue
from typing import Callable, List, Optional

from cloudinary_cli.auth.callback_http import is_answerable

# A browser sends its request in one go; what takes longer is a preconnect, or somebody who wants to keep us busy.
REQUEST_SECONDS = 5.0
# How long a client may take to hang up after its answer. Closing while it still sends would reset the connection, and
# the answer with it.
_LINGER_SECONDS = 0.3
MAX_CONNECTIONS = 32
_CHUNK = 8192

# Gets the head of a request; returns the whole answer, or None to hold this client until answer_held().
Handler = Callable[[bytes], Optional[bytes]]


class _Connection:
    """One client. `deadline` is a monotonic time; None for the held one, which waits for the program."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.deadline: Optional[float] = time.monotonic() + REQUEST_SECONDS
        self.received = bytearray()
        self.is_answered = False
        self.unsent = memoryview(b"")


class ConnectionLoop:
    """Answers the clients of a listening socket in a background thread, until stop(). At most one client is held."""

    def __init__(self, listener: socket.socket, handle: Handler) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._handle = handle
        self._selector = selectors.DefaultSelector()
        self._connections: List[_Connection] = []
        self._held: Optional[_Connection] = None
        self._stopping = threading.Event()
        self._held_answers: "SimpleQueue[bytes]" = SimpleQueue()
        self._wakeup, self._alarm = socket.socketpair()
        self._alarm.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="login-redirect", daemon=True)

    def start(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._wake)
        self._thread.start()

    def answer_held(self, answer: bytes) -> None:
        """Answer the held client; without one nothing happens. Returns at once."""
        self._held_answers.put(answer)
        self._ring()

    def stop(self, farewell: bytes, timeout: float = 3.0) -> None:
        """Close the port at once, then every connection; a client still held gets `farewell`.

        :param timeout: seconds; clients that do not take their answer are left behind then.
        """
        self._held_answers.put(farewell)
        self._stopping.set()
        self._ring()
        self._thread.join(timeout)

    def _ring(self) -> None:
        try:
            self._alarm.send(b"!")
        except OSError:  # full: it rings already; closed: the thread has ended
            pass

    # -- everything below runs in the thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._turn()
        self._selector.unregister(self._listener)
        self._listener.close()
        self._answer_held()
        for connection in [one for one in self._connections if not one.is_answered]:
            self._drop(connection)
        while self._connections:
            self._turn()
        self._selector.close()
        self._wakeup.close()
        self._alarm.close()

    def _turn(self) -> None:
        """Wait for something to happen and do it."""
        deadlines = [one.deadline for one in self._connections if one.deadline is not None]
        timeout = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, _Connection):
                self._serve(key.data)
            else:
                key.data()
        now = time.monotonic()
        for connection in list(self._connections):
            if connection.deadline is not None and connection.deadline <= now:
                self._drop(connection)

    def _wake(self) -> None:
        self._wakeup.recv(_CHUNK)
        self._answer_held()

    def _answer_held(self) -> None:
        while not self._held_answers.empty():
            answer = self._held_answers.get()
            if self._held is not None:
                connection, self._held = self._held, None
                self._answer(connection, answer)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # the client has gone already, or no file descriptor is left
            return
        sock.setblocking(False)
        if len(self._connections) >= MAX_CONNECTIONS:
            # The oldest goes, not the new one: whoever fills the table must not keep the genuine redirect out.
            self._drop(next(one for one in self._connections if one is not self._held))
        connection = _Connection(sock)
        self._connections.append(connection)
        self._selector.register(sock, selectors.EVENT_READ, connection)
        self._serve(connection)

    def _serve(self, connection: _Connection) -> None:
        if connection not in self._connections:  # dropped by an earlier event of the same turn
            return
        try:
            if connection.unsent:
                self._send(connection)
            else:
                self._receive(connection)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(connection)

    def _receive(self, connection: _Connection) -> None:
        data = connection.sock.recv(_CHUNK)
        if not data:
            self._drop(connection)
        elif not connection.is_answered:  # after the answer nothing matters but the end
            connection.received += data
            if is_answerable(connection.received):
                self._take(connection)

    def _take(self, connection: _Connection) -> None:
        answer = self._handle(bytes(connection.received))
        if answer is None:
            self._held = connection
            connection.deadline = None
            self._selector.unregister(connection.sock)
        else:
            self._answer(connection, answer)

    def _answer(self, connection: _Connection, answer: bytes) -> None:
        if connection.deadline is None:
            self._selector.register(connection.sock, selectors.EVENT_READ, connection)
        connection.is_answered, connection.unsent = True, memoryview(answer)
        connection.deadline = time.monotonic() + REQUEST_SECONDS
        self._selector.modify(connection.sock, selectors.EVENT_WRITE, connection)

    def _send(self, connection: _Connection) -> None:
        connection.unsent = connection.unsent[connection.sock.send(connection.unsent) :]
        if not connection.unsent:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.deadline = time.monotonic() + _LINGER_SECONDS
            self._selector.modify(connection.sock, selectors.EVENT_READ, connection)

    def _drop(self, connection: _Connection) -> None:
        if connection.deadline is not None:
            self._selector.unregister(connection.sock)
        connection.sock.close()
        self._connections.remove(connection)
