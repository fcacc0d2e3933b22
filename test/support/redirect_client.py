"""A minimal browser: raw sockets that connect to a running CallbackServer."""

from __future__ import annotations

import select
import socket
from dataclasses import dataclass
from typing import List, Optional, Tuple
from urllib.parse import urlsplit

import pytest

from cloudinary_cli.auth.loopback_server import AuthorizationResponse, CallbackServer
from cloudinary_cli.errors import LoginTimeout

STATE = "s3cret-State_of-22chars"
GENUINE = f"/callback?code=C0de&state={STATE}"


@dataclass(frozen=True)
class HttpResponse:
    """One HTTP response. status 0: the connection was closed without one."""

    status: int
    headers: Tuple[Tuple[str, str], ...]
    body: str

    def header(self, name: str) -> Optional[str]:
        found: List[str] = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1
        return found[0] if found else None


def address(server: CallbackServer) -> Tuple[str, int]:
    parts = urlsplit(server.redirect_uri)
    assert parts.hostname and parts.port
    return parts.hostname, parts.port


class Tab:
    """One connection to the server. With `target`, its request is sent."""

    def __init__(
        self, server: CallbackServer, target: str = "", method: str = "GET", host: Optional[str] = None
    ) -> None:
        self.socket = socket.create_connection(address(server), timeout=10)
        if target:
            authority = urlsplit(server.redirect_uri).netloc if host is None else host
            request = f"{method} {target} HTTP/1.1\r\nHost: {authority}\r\nAccept: text/html\r\n\r\n"
            self.socket.sendall(request.encode("latin-1"))

    def is_readable_within(self, seconds: float) -> bool:
        """True when there is something to read, or the end of the stream."""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def response(self) -> HttpResponse:
        """The whole response, until the server closes the connection."""
        with self.socket:
            return parse_response(read_all(self.socket))


def read_all(sock: socket.socket) -> bytes:
    """Everything until the end of the stream, or until a reset."""
    data = b""
    try:
        while True:
            chunk = sock.recv(65536)
            if not chunk:
                return data
            data += chunk
    except ConnectionError:
        return data


def parse_response(data: bytes) -> HttpResponse:
    if not data:
        return HttpResponse(0, (), "")
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("ascii").split("\r\n")
    headers = tuple((name, value) for name, _, value in (field.partition(": ") for field in fields))
    return HttpResponse(int(line.split(" ")[1]), headers, body.decode("utf-8"))


def get(server: CallbackServer, target: str, method: str = "GET", host: Optional[str] = None) -> HttpResponse:
    return Tab(server, target, method, host).response()


ISSUERS = ["https://oauth.example", "https://oauth.example/"]
RESPONSE = AuthorizationResponse("C0de", STATE, None)


def new_server(host: str = "127.0.0.1", port: int = 0) -> CallbackServer:
    return CallbackServer(host, port, STATE, ISSUERS)


def still_waiting(server: CallbackServer) -> None:
    """Check that nothing has ended the wait, and that the genuine redirect still does."""
    with pytest.raises(LoginTimeout):
        server.wait(0)
    tab = Tab(server, GENUINE)
    assert server.wait(5) == RESPONSE
    server.reply(True)
    assert tab.response().status == 200
