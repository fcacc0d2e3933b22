"""The redirect's HTTP alone: what is a request to this server, and what every answer carries."""

from __future__ import annotations

import random
from http import HTTPStatus
from itertools import count

import pytest

from cloudinary_cli.auth.callback_http import (
    MAX_HEAD,
    MAX_REQUEST_LINE,
    BadRequest,
    Request,
    is_answerable,
    parse_request,
    response,
)

HERE = frozenset({"127.0.0.1:49421"})
HOST = b"Host: 127.0.0.1:49421\r\n"


def status_of(received: bytes) -> int:
    with pytest.raises(BadRequest) as caught:
        parse_request(received, HERE)
    return caught.value.status.value


@pytest.mark.parametrize(
    ("received", "request_"),
    [
        (b"GET /callback?code=a&state=b HTTP/1.1\r\n" + HOST + b"\r\n", Request("GET", "/callback", "code=a&state=b")),
        (b"GET / HTTP/1.0\r\nhOST:127.0.0.1:49421  \r\n\r\n", Request("GET", "/", "")),
        (b"POST /c?a?b HTTP/1.1\r\nX: \xe9\r\nE:\r\n" + HOST + b"\r\nbody", Request("POST", "/c", "a?b")),
        (b"GET /%2e%2e/callback HTTP/1.1\r\n" + HOST + b"\r\n", Request("GET", "/%2e%2e/callback", "")),
    ],
)
def test_request(received: bytes, request_: Request) -> None:
    assert is_answerable(received) and parse_request(received, HERE) == request_


@pytest.mark.parametrize(
    "received",
    [
        b"P",
        b"G",
        b"GET /callback HTTP/1.1\r\n" + HOST,
        b"GET / HTTP/1.1\r\n\r",
        b"GET /" + b"a" * (MAX_REQUEST_LINE - 5),
    ],
    ids=count(),
)
def test_a_head_that_may_still_come_is_waited_for(received: bytes) -> None:
    assert not is_answerable(received)


@pytest.mark.parametrize(
    ("received", "status"),
    [
        (b"GET /callback\r\n\r\n", 400),  # HTTP/0.9
        (b"GET  /callback HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /callback HTTP/1.1 \r\n" + HOST + b"\r\n", 400),
        (b"GET /callback HTTP/2.0\r\n" + HOST + b"\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET http://127.0.0.1:49421/callback HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /call\x00back HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b" folded: 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Bad Name: 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\nHost: evil\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # the start of a TLS handshake
        # Host: RFC 8252 8.10 and DNS rebinding
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: localhost:49421\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:49421.evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: u@127.0.0.1:49421\r\n\r\n", 421),
        # limits
        (b"GET /" + b"a" * MAX_REQUEST_LINE + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"A" * (MAX_REQUEST_LINE + 1), 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 100 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * MAX_HEAD, 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * MAX_HEAD + b"\r\n\r\n", 431),
    ],
    ids=count(),
)
def test_bad_request(received: bytes, status: int) -> None:
    assert is_answerable(received)
    assert status_of(received) == status


def test_fuzz_bytes_are_a_request_or_a_bad_request() -> None:
    random_ = random.Random(7230)
    good = b"GET /callback?code=a&state=b HTTP/1.1\r\n" + HOST + b"Accept: */*\r\n\r\n"
    parsed = 0
    for _ in range(5000):
        received = bytearray(good)
        for _ in range(random_.randint(1, 6)):
            received[random_.randrange(len(received))] = random_.randrange(256)
        try:
            assert isinstance(parse_request(bytes(received), HERE), Request)
            parsed += 1
        except BadRequest as error:
            assert 400 <= error.status < 500
    assert 0 < parsed < 5000


def test_response_without_a_body_for_head_keeps_its_length() -> None:
    whole = response(HTTPStatus.NOT_FOUND, "é")
    assert whole.startswith(b"HTTP/1.1 404 Not Found\r\n") and whole.endswith("\r\n\r\né".encode())
    assert b"\r\nContent-Length: 2\r\n" in whole
    assert response(HTTPStatus.NOT_FOUND, "é", with_body=False) + "é".encode() == whole


def test_text_that_is_no_unicode_is_sent_all_the_same() -> None:
    assert response(HTTPStatus.OK, "a\udce9").endswith(b"\r\n\r\na?")
