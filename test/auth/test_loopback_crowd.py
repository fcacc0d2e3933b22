"""The redirect endpoint with silent, slow, many and random clients, none of which may block the genuine redirect."""

from __future__ import annotations

import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator, List

import pytest

from cloudinary_cli.auth import callback_http
from cloudinary_cli.auth.callback_http import MAX_CONNECTIONS
from cloudinary_cli.auth.loopback_server import CallbackServer
from cloudinary_cli.errors import LoginTimeout
from test.support.redirect_client import GENUINE, RESPONSE, STATE, Tab, address, get, new_server, still_waiting


@pytest.fixture
def server() -> Iterator[CallbackServer]:
    with new_server() as running:
        yield running


def test_a_silent_connection_does_not_block(server: CallbackServer) -> None:
    with Tab(server).socket:
        still_waiting(server)


def test_many_idle_and_slow_connections_do_not_block(server: CallbackServer) -> None:
    """More connections than the server keeps open: the genuine redirect must still be accepted."""
    crowd = [Tab(server).socket for _ in range(3 * MAX_CONNECTIONS)]
    done = threading.Event()

    def drip() -> None:
        while not done.is_set():
            for sock in crowd[::2]:
                try:
                    sock.send(b"G")
                except OSError:
                    pass
            time.sleep(0.01)

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        tab = Tab(server, GENUINE)
        # Less than the 5 s after which an idle connection is closed, so none had to time out first.
        assert server.wait(4) == RESPONSE
        server.reply(True)
        assert "<h1>Logged in</h1>" in tab.response().body
    finally:
        done.set()
        dripping.join()
        for sock in crowd:
            sock.close()


def test_many_connections_do_not_close_that_of_the_waiting_browser(server: CallbackServer) -> None:
    tab = Tab(server, GENUINE)
    assert server.wait(5) == RESPONSE
    crowd = [Tab(server).socket for _ in range(2 * MAX_CONNECTIONS)]
    assert get(server, "/").status == 404
    server.reply(True)
    assert "<h1>Logged in</h1>" in tab.response().body
    for sock in crowd:
        sock.close()


def test_idle_and_slow_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched: the real limit of 5 s is the length of a test suite.
    monkeypatch.setattr(callback_http, "REQUEST_SECONDS", 0.3)
    with new_server() as server:
        idle, dripping = Tab(server), Tab(server)
        dripping.socket.sendall(b"G")
        ended = time.monotonic() + 10
        while not dripping.is_readable_within(0.02) and time.monotonic() < ended:
            dripping.socket.send(b"E")
        # A drip is not progress: the limit is for the whole request.
        assert idle.is_readable_within(2) and idle.response().status == 0
        assert dripping.is_readable_within(0) and dripping.response().status == 0
        still_waiting(server)


def test_endless_headers_are_refused(server: CallbackServer) -> None:
    tab = Tab(server)
    try:
        tab.socket.sendall(b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * 200_000)
    except ConnectionError:
        pass
    assert tab.response().status in (431, 0)
    still_waiting(server)


def test_one_hundred_foreign_requests_at_once(server: CallbackServer) -> None:
    targets = [f"/callback?code=EVIL&state={number}" if number % 2 else "/favicon.ico" for number in range(100)]
    with ThreadPoolExecutor(100) as pool:
        statuses = pool.map(lambda target: get(server, target).status, targets)
        still_waiting(server)
        # 0: closed to make room for a newer one
        assert set(statuses) <= {400, 404, 0}


def test_foreign_requests_do_not_extend_the_deadline(server: CallbackServer) -> None:
    done = threading.Event()
    statuses: List[int] = []

    def stray() -> None:
        while not done.is_set():
            statuses.append(get(server, "/callback?code=EVIL&state=bad").status)

    strays = threading.Thread(target=stray)
    strays.start()
    started = time.monotonic()
    try:
        with pytest.raises(LoginTimeout, match=r"within 1 s.*again"):
            server.wait(1)
    finally:
        elapsed = time.monotonic() - started
        done.set()
        strays.join()
    assert 1 <= elapsed < 10
    assert len(statuses) > 10 and set(statuses) == {400}


def test_random_requests_neither_crash_the_server_nor_end_the_wait(server: CallbackServer) -> None:
    random_ = random.Random(8252)
    port = address(server)[1]
    base = f"GET /callback?code=x&state={STATE[:-1]} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nA: b\r\n\r\n".encode()
    for number in range(2000):
        if number % 2:
            sent = bytearray(base)
            for _ in range(random_.randint(0, 4)):
                sent[random_.randrange(len(sent))] = random_.randrange(256)
            del sent[random_.randrange(len(sent) + 1) :]
        else:
            sent = bytearray(random_.randrange(256) for _ in range(random_.randint(0, 200)))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            try:
                sock.sendall(sent)
                sock.shutdown(socket.SHUT_WR)
                reply = sock.recv(12)
                assert reply == b"" or 400 <= int(reply[9:12]) < 500, bytes(sent)
            except ConnectionError:
                pass
    still_waiting(server)
