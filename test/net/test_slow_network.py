"""Sending a block may take as long as waiting for a response: a slow network is shared by many threads."""

from __future__ import annotations

import socket
import threading
import time
from typing import Iterator

import pytest

from cloudinary_cli.net import connector as connector_module
from cloudinary_cli.net.connector import Connector, Request, Response, checked

_SIZE = 32 << 20  # more than all buffers of two sockets
_BLOCK = b"x" * (64 << 10)


@pytest.fixture
def slow_url() -> Iterator[str]:
    """A server that reads nothing for a second, and then all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    time.sleep(1)
                    received = 0
                    while received < _SIZE:
                        data = connection.recv(1 << 20)
                        if not data:
                            break
                        received += len(data)
                    else:
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.close()


def test_a_block_may_take_longer_than_connecting(slow_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real value is 15 s, which no test should wait for.
    monkeypatch.setattr(connector_module, "CONNECT_TIMEOUT_SECONDS", 0.3)
    body = [_BLOCK] * (_SIZE // len(_BLOCK))
    request = Request("POST", slow_url, {"Content-Length": str(_SIZE)}, lambda: iter(body), repeatable=False)
    response: Response = Connector(timeout=60).send(request, checked)
    assert response.status == 200
