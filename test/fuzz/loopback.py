"""Fuzzes the redirect endpoint of a login with random bytes, requests and timing, and many connections at once.

    python -m test.fuzz.loopback [--seconds 60] [--seed 1]

Each round starts a new server and sends generated traffic, and then the genuine redirect. It checks that each response is
empty or a 4xx and repeats nothing of the request, that only the genuine redirect ends the wait, and that no thread and no
file descriptor is left. The traffic depends on the seed only. A failure names the seed of its round, which can be repeated
with --seed N --seconds 0.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence

import pytest

from cloudinary_cli.auth.loopback_server import CallbackServer
from cloudinary_cli.errors import LoginTimeout
from test.support.redirect_client import GENUINE, RESPONSE, STATE, Tab, address, new_server

CASES_PER_ROUND = 60
# It is in every request, so that a response that repeats a part of the request is noticed.
MARK = "m4rk<\"'&>"
_WRONG_STATE = STATE[:-1]
_PARTS = [
    b"GET", b"POST", b"HEAD", b"OPTIONS", b"CONNECT", b" ", b"/", b"/callback", b"?", b"&", b"=", b"code=", b"state=",
    b"iss=", b"error=access_denied", b"%", b"%00", b"%0d%0a", b"%c0%af", b"\r\n", b"\n", b"\r", b"\0", b":", b"Host: ",
    b"Transfer-Encoding: chunked", b"Content-Length: 5", b"HTTP/1.1", b"HTTP/2.0", b"\x16\x03\x01\x02", b"\xff\xfe",
    b"..//", b"#", b"[::1]", b"@evil.example", b"Cookie: " + b"c" * 900,
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What one client sends, in pieces, and how it ends: "read", "half" (half-close), "reset" or "idle"."""

    pieces: Sequence[bytes]
    ending: str


def request(host: str, state: str = _WRONG_STATE, extra: bytes = b"") -> bytes:
    """A well-formed redirect of another login."""
    query = f"code={MARK}&state={state}&x={MARK}".replace(" ", "").replace('"', "%22").replace("<", "%3C")
    head = f"GET /callback?{query} HTTP/1.1\r\nHost: {host}\r\nReferer: http://{MARK}/\r\n"
    return head.encode() + extra + b"\r\n"


def _random_bytes(chance: random.Random, host: str) -> bytes:
    return bytes(chance.randrange(256) for _ in range(chance.randrange(300)))


def _mutated(chance: random.Random, host: str) -> bytes:
    data = bytearray(request(host))
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            data[place : place + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del data[place : place + chance.randrange(30)]
        elif kind == 2:
            data[place:place] = chance.choice(_PARTS)
        else:
            data[place:place] = data[place : place + chance.randrange(40)]
    return bytes(data)


def _assembled(chance: random.Random, host: str) -> bytes:
    return b"".join(chance.choice(_PARTS) for _ in range(chance.randint(1, 40))) + b"\r\n\r\n"


def _pipelined(chance: random.Random, host: str) -> bytes:
    # The genuine one in second place: only the first request of a connection counts.
    return request(host) * chance.randint(1, 3) + request(host, STATE)


def _large(chance: random.Random, host: str) -> bytes:
    kind = chance.randrange(3)
    if kind == 0:
        return (
            b"GET /callback?"
            + b"a" * chance.randint(7000, 20000)
            + b" HTTP/1.1\r\nHost: "
            + host.encode()
            + b"\r\n\r\n"
        )
    if kind == 1:
        return request(host, extra=b"".join(b"X-%d: y\r\n" % number for number in range(chance.randint(90, 200))))
    return request(host, extra=b"X: " + b"z" * chance.randint(60_000, 80_000) + b"\r\n")


def _wrong_host(chance: random.Random, host: str) -> bytes:
    other = chance.choice(
        ["evil.example", "localhost:1", f"{host}.evil.example", "", f"{host}\r\nHost: {host}", "[::1]"]
    )
    return request(other, STATE)


GENERATORS: List[Callable[[random.Random, str], bytes]] = [
    _random_bytes, _mutated, _mutated, _mutated, _assembled, _pipelined, _large, _wrong_host,
]  # fmt: skip


def make_case(chance: random.Random, host: str) -> Case:
    data = chance.choice(GENERATORS)(chance, host)
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice([0, 0, 1, 3, 12])))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)])]
    return Case(pieces, chance.choice(["read", "read", "half", "half", "reset", "idle"]))


class Client:
    """One connection that sends a case piece by piece, so that many can be interleaved."""

    def __init__(self, server: CallbackServer, case: Case) -> None:
        self.case = case
        self.socket = socket.create_connection(address(server), timeout=10)
        self.left = list(case.pieces)

    def step(self) -> bool:
        """Send the next piece; False when there is none left or the connection is closed."""
        try:
            if self.left:
                self.socket.sendall(self.left.pop(0))
                return bool(self.left)
        except OSError:  # the server has closed it
            pass
        return False

    def end(self) -> bytes:
        """End the connection as in the case; returns the response."""
        with self.socket:
            try:
                if self.case.ending == "reset":
                    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return b""
                if self.case.ending == "half":
                    self.socket.shutdown(socket.SHUT_WR)
                elif not select.select([self.socket], [], [], 0.05)[0]:
                    return b""  # an unfinished request: the server waits for more
                return self._read()
            except OSError:
                return b""

    def _read(self) -> bytes:
        data = b""
        while True:
            chunk = self.socket.recv(65536)
            if not chunk:
                return data
            data += chunk


def check_response(response: bytes, case: Case) -> None:
    sent = b"".join(case.pieces)[:300]
    status = int(response[9:12]) if response else 400
    assert 400 <= status < 500, (status, sent)
    for secret in (MARK, STATE, _WRONG_STATE, "m4rk", "evil.example"):
        assert secret.encode() not in response, (secret, sent)


def open_descriptors() -> Optional[int]:
    """The number of file descriptors of this process; None where the system does not list them."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None


def play(seed: int, cases: int = CASES_PER_ROUND) -> int:
    """Play one round; returns the number of responses that were checked.

    :raises AssertionError: a check failed.
    """
    chance = random.Random(seed)
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    checked = 0
    with new_server() as server:
        host = "{}:{}".format(*address(server))
        left = [make_case(chance, host) for _ in range(cases)]
        while left:
            # Sometimes more than the server keeps open.
            crowd = [Client(server, left.pop()) for _ in range(min(len(left), chance.choice([1, 4, 16, 45])))]
            moving = list(crowd)
            while moving:
                chance.shuffle(moving)
                moving = [client for client in moving if client.step()]
            idle = [client for client in crowd if client.case.ending == "idle"]
            for client in crowd:
                if client not in idle:
                    response = client.end()
                    check_response(response, client.case)
                    checked += bool(response)
            with pytest.raises(LoginTimeout):
                server.wait(0)
            for client in idle[::2]:
                client.socket.close()
            del idle[::2]
            if not left:
                tab = Tab(server, GENUINE)
                assert server.wait(5) == RESPONSE, "the genuine redirect arrives, whatever else is connected"
                server.reply(True)
                assert tab.response().status == 200
            for client in idle:
                client.socket.close()
    # Threads are compared, not counted: a server of an earlier test may end a thread at the same time.
    assert set(threading.enumerate()) <= threads, threading.enumerate()
    left_open = open_descriptors()
    assert left_open is None or descriptors is None or left_open <= descriptors
    return checked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the others count up")
    options = parser.parse_args()
    until = time.monotonic() + options.seconds
    seed, checked = options.seed, 0
    while True:
        try:
            checked += play(seed)
        except BaseException:
            print(f"failed: python -m test.fuzz.loopback --seed {seed} --seconds 0")
            raise
        seed += 1
        if time.monotonic() >= until:
            break
    rounds = seed - options.seed
    print(f"{rounds} rounds, {rounds * CASES_PER_ROUND} connections, {checked} responses checked: no failure")


if __name__ == "__main__":
    main()
