"""The HTTP server of the redirect: which requests it accepts, what it refuses, and what happens while it stops."""

from __future__ import annotations

import socket
import threading
from http import HTTPStatus
from itertools import count
from typing import Iterator, List

import pytest

from cloudinary_cli.auth.callback_http import MAX_REQUEST_LINE, CallbackRequest, PageResponse, RedirectHTTPServer
from test.support.redirect_client import HttpResponse, parse_response, read_all

HOST = b"Host: 127.0.0.1:{port}\r\n"


class Server(RedirectHTTPServer):
    """Listens on any port and records the requests that it accepts."""

    def __init__(self) -> None:
        self.requests: List[CallbackRequest] = []
        super().__init__("127.0.0.1", 0, self.record)

    def record(self, request: CallbackRequest) -> PageResponse:
        self.requests.append(request)
        return PageResponse(HTTPStatus.OK, "é\udce9")

    def exchange(self, sent: bytes) -> HttpResponse:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            client.sendall(sent.replace(b"{port}", str(self.port).encode()))
            return parse_response(read_all(client))


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            b"GET /callback?code=a&state=b HTTP/1.1\r\n" + HOST + b"\r\n",
            CallbackRequest("GET", "/callback", "code=a&state=b"),
        ),
        (b"GET / HTTP/1.0\r\nhOST:127.0.0.1:{port}  \r\n\r\n", CallbackRequest("GET", "/", "")),
        (b"POST /c?a?b HTTP/1.1\r\nX: \xe9\r\nE:\r\n" + HOST + b"\r\nbody", CallbackRequest("POST", "/c", "a?b")),
        (b"GET /%2e%2e/callback HTTP/1.1\r\n" + HOST + b"\r\n", CallbackRequest("GET", "/%2e%2e/callback", "")),
        (b"GET //callback HTTP/1.1\r\n" + HOST + b"\r\n", CallbackRequest("GET", "//callback", "")),
        (b"GET / HTTP/1.1\r\nExpect: 100-continue\r\n" + HOST + b"\r\n", CallbackRequest("GET", "/", "")),
    ],
    ids=count(),
)
def test_an_accepted_request_is_not_decoded(server: Server, sent: bytes, expected: CallbackRequest) -> None:
    response = server.exchange(sent)
    assert response.status == 200 and server.requests == [expected]
    assert response.body == "é?", "what is not Unicode does not prevent the response"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /callback\r\n\r\n", 400),  # HTTP/0.9
        (b"GET /callback HTTP/2.0\r\n" + HOST + b"\r\n", 400),
        (b"GET /callback HTTP/1.1 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/x\r\n" + HOST + b"\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # the start of a TLS handshake
        (b"\r\n", 400),
        # Host: RFC 8252 section 8.10 and DNS rebinding
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\nHost: evil\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}.evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: u@127.0.0.1:{port}\r\n\r\n", 421),
        # limits
        (b"GET /" + b"a" * MAX_REQUEST_LINE + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"A" * (MAX_REQUEST_LINE + 1), 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 100 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 65_536 + b"\r\n\r\n", 431),
    ],
    ids=count(),
)
def test_a_bad_request_is_refused(server: Server, sent: bytes, status: int) -> None:
    assert server.exchange(sent).status == status
    assert server.requests == []


def test_a_response_to_head_has_the_length_and_no_body(server: Server) -> None:
    response = server.exchange(b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert response.header("Content-Length") == "3" and response.body == ""


def test_a_response_in_progress_is_sent_while_the_server_stops() -> None:
    entered, gate = threading.Event(), threading.Event()

    def respond(request: CallbackRequest) -> PageResponse:
        entered.set()
        assert gate.wait(10)
        return PageResponse(HTTPStatus.OK, "late")

    server = RedirectHTTPServer("127.0.0.1", 0, respond)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
        assert entered.wait(10)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        gate.set()
        assert parse_response(read_all(client)).body == "late"
    stopping.join()
    assert server.socket.fileno() == -1
