"""The total deadline of a call to the authorization server, and the masking of its errors."""

from __future__ import annotations

import html
import json
import logging
import socket
import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest

from cloudinary_cli.auth import flow, token_http
from cloudinary_cli.errors import Delivery, TokenEndpointError
from test.conftest import Result
from test.support.sandbox_client import SandboxClient
from test.support.tls import TinyServer, reply

SECRET = "rt_a+b/c<d>&e=%f.0123456789"


@contextmanager
def dripping(first: bytes) -> Iterator[str]:
    """The address of a server that sends `first`, and then one byte after another without end."""
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(first)
                while not stop.wait(0.05):
                    connection.sendall(b"x")
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join(10)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["nothing", "status", "header", "body", "body without a length"],
)
def test_a_response_that_arrives_byte_by_byte_ends_at_the_deadline(first: bytes) -> None:
    with dripping(first) as address:
        with pytest.raises(TokenEndpointError) as caught:
            token_http.send("POST", f"http://{address}/oauth2/token", {"refresh_token": "r"}, timeout=0.5)
    assert caught.value.delivery is Delivery.UNKNOWN
    # A line that begins with no HTTP version is refused before the deadline.
    assert not first or str(caught.value) == f"No response from {address} within 0.5 s."


def test_a_tls_handshake_that_arrives_byte_by_byte_ends_at_the_deadline() -> None:
    # The head of a TLS record of 16 KiB: the client waits for the rest of it.
    with dripping(b"\x16\x03\x03\x40\x00") as address:
        with pytest.raises(TokenEndpointError) as caught:
            token_http.send("POST", f"https://{address}/oauth2/token", {"refresh_token": "r"}, timeout=0.5)
    assert caught.value.delivery is Delivery.NEVER_SENT
    assert str(caught.value) == f"No response from {address} within 0.5 s."


def test_a_proxy_that_responds_byte_by_byte_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping(b"HTTP/1.1 200 Conn") as address:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        with pytest.raises(TokenEndpointError) as caught:
            token_http.send("POST", "https://oauth.example.invalid/x", {"refresh_token": "r"}, timeout=0.5)
    assert caught.value.delivery is Delivery.NEVER_SENT and "within 0.5 s" in str(caught.value)


def test_before_send_is_called_right_before_the_form_is_sent() -> None:
    seen: list = []
    with TinyServer(lambda handler: (seen.append("request"), reply(handler))[1]) as server:
        token_http.send("POST", server.url + "/x", {"a": "b"}, before_send=lambda: seen.append("before"))
        with pytest.raises(TokenEndpointError):
            token_http.send("POST", "http://127.0.0.1:9/x", {"a": "b"}, before_send=lambda: seen.append("never"))
    assert seen == ["before", "request"]


# -- what is shown of an error


def spellings() -> list:
    bodies = [SECRET, quote(SECRET, safe=""), quote_plus(SECRET), html.escape(SECRET), SECRET[:20], SECRET[4:]]
    as_escapes = "".join(f"\\u{ord(letter):04x}" for letter in SECRET)
    shapes = [
        lambda text: json.dumps({"error": "invalid_request", "error_description": f"bad {text}"}),
        lambda text: json.dumps({"error": text}),
        lambda text: json.dumps({"error": "x", "error_uri": f"https://a.b/?t={text}"}),
        lambda text: json.dumps({"detail": [{"input": text}]}),
        lambda text: f"<html><p>{text}</p></html>",
    ]
    found = [shape(body) for shape in shapes for body in bodies]
    return [*found, '{"error": "' + as_escapes + '"}', '{"error": "x", "error_description": "' + as_escapes + '"}']


CALLS = [
    lambda url: flow.refresh(SECRET, base_url=url),
    lambda url: flow.exchange_code(SECRET, "verifier-0123456789", "http://127.0.0.1:9/callback", base_url=url),
    lambda url: flow.exchange_code("code-0123", SECRET, "http://127.0.0.1:9/callback", base_url=url),
    lambda url: flow.revoke(SECRET, base_url=url),
    lambda url: flow.request_tokens(url, {"grant_type": "grant", "device_code": SECRET}),
]


@pytest.mark.parametrize("call", CALLS, ids=["refresh", "code", "verifier", "revocation", "device code"])
def test_a_secret_that_the_server_repeats_is_in_no_part_of_the_error(call: Any) -> None:
    bodies = spellings()
    waiting = list(bodies)
    with TinyServer(lambda handler: reply(handler, 400, waiting.pop(0), Location=quote(SECRET))) as server:
        for body in bodies:
            with pytest.raises(TokenEndpointError) as caught:
                call(server.url)
            error = caught.value
            shown = " ".join(
                str(part) for part in (error, error.error, error.description, flow.oauth_error_body(error))
            )
            for part in (SECRET, quote(SECRET), quote_plus(SECRET), html.escape(SECRET), SECRET[6:18], "\\u0072"):
                assert part not in shown, body
            assert "0123456789" not in shown, body


def test_a_token_that_the_server_repeats_reaches_no_log(
    box: SandboxClient, store: Any, cld: Callable[..., Result], caplog: pytest.LogCaptureFixture
) -> None:
    session = box.save_login(store)
    caplog.set_level(logging.DEBUG)
    token = str(session.refresh_token)
    box.fault(status=400, body={"error": "invalid_grant", "error_description": f"unknown {token}"})
    result = cld("-v", "DEBUG", "-C", "box", "ping")
    assert result.code == 1 and token not in result.text and token[:16] not in result.text


@pytest.mark.parametrize("letter", ["a", "é", " ", "eyJ", "a:", "//x:y@", "\x1b"])
def test_a_huge_description_is_truncated(letter: str) -> None:
    body = json.dumps({"error": "invalid_request", "error_description": letter * 80_000})
    with TinyServer(lambda handler: reply(handler, 400, body)) as server:
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh(SECRET, base_url=server.url)
    error = caught.value
    assert str(error) == "HTTP 400 from /oauth2/token: invalid_request."
    assert len(error.description or "") <= 200 and len(flow.oauth_error_body(error) or "") <= 1000
