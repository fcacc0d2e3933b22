"""The connection loop alone, for what happens in the middle of a turn and while it stops."""

from __future__ import annotations

import socket
import threading

from cloudinary_cli.auth.loopback_connections import MAX_CONNECTIONS, ConnectionLoop

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


def test_the_listener_is_closed_by_stop_itself() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    loop = ConnectionLoop(listener, lambda head: b"ok")
    loop.start()
    loop.stop(b"")
    assert listener.fileno() == -1
    loop.answer_held(b"heard by nobody")
    loop.stop(b"")


def test_a_client_dropped_for_a_newer_one_in_the_turn_of_its_own_request() -> None:
    gate, entered = threading.Event(), threading.Event()

    def handle(head: bytes) -> bytes:
        entered.set()
        assert gate.wait(10)
        return b"answer"

    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    where = listener.getsockname()
    loop = ConnectionLoop(listener, handle)
    loop.start()
    clients = [socket.create_connection(where, timeout=10) for _ in range(MAX_CONNECTIONS)]
    try:
        # While the loop is busy with the last one, a new client comes, and then the oldest speaks up.
        clients[-1].sendall(REQUEST)
        assert entered.wait(10)
        clients.append(socket.create_connection(where, timeout=10))
        clients[0].sendall(REQUEST)
        gate.set()
        assert clients[-2].recv(100) == b"answer"
        clients[-1].sendall(REQUEST)
        assert clients[-1].recv(100) == b"answer"
    finally:
        loop.stop(b"")
        for client in clients:
            client.close()
