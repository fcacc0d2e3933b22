"""A TCP server without HTTP: each connection receives only what the test sends."""

from __future__ import annotations

import socket
import threading
from typing import Callable, List


class RawServer(threading.Thread):
    """Passes each connection to `respond`, one at a time. Connections that it leaves open are closed at the end."""

    def __init__(self, respond: Callable[[socket.socket], None]) -> None:
        super().__init__(daemon=True)
        self._respond = respond
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._peers: List[socket.socket] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "RawServer":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()
        for peer in self._peers:
            peer.close()

    def run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._peers.append(peer)
            self._respond(peer)
