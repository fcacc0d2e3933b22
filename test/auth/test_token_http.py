"""The HTTP client of the token endpoint: redirects, TLS, CA files, proxies, .netrc, time-outs, sizes."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from cloudinary_cli.auth import flow, token_http
from cloudinary_cli.errors import Delivery, TokenEndpointError
from cloudinary_cli.net import pool as http_pool
from test.support.tls import TinyServer, make_certificate, reply


def test_redirects_are_not_followed_and_the_body_stays_home() -> None:
    with TinyServer(reply) as thief:
        with TinyServer(lambda handler: reply(handler, 307, Location=f"{thief.url}/steal")) as server:
            with pytest.raises(TokenEndpointError) as caught:
                flow.refresh("SECRET", base_url=server.url)
        assert thief.seen == []
    assert caught.value.status == 307 and "SECRET" not in str(caught.value)


def test_tls_is_verified_and_the_ca_variable_is_named(tmp_path: Path) -> None:
    context, _ = make_certificate(tmp_path)
    with TinyServer(reply, context) as server:
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh("r", base_url=server.url)
        assert server.seen == []
    assert "REQUESTS_CA_BUNDLE" in str(caught.value) and caught.value.delivery is Delivery.NEVER_SENT


def test_ca_file_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, ca_file = make_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    with TinyServer(lambda handler: reply(handler, body='{"a": 1}'), context) as server:
        assert flow.refresh("r", base_url=server.url) == {"a": 1}


def test_a_ca_file_that_is_missing_or_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, _ = make_certificate(tmp_path)
    (tmp_path / "empty.pem").write_text("no certificate")
    with TinyServer(reply, context) as server:
        for name in ("missing.pem", "empty.pem"):
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / name))
            with pytest.raises(TokenEndpointError) as caught:
                flow.refresh("r", base_url=server.url)
            assert name in str(caught.value) and caught.value.delivery is Delivery.NEVER_SENT
        assert server.seen == []


def test_connections_share_one_tls_context_that_still_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CA bundle is read once for many calls; another bundle is another context."""
    context, ca_file = make_certificate(tmp_path)
    http_pool.tls_context.cache_clear()
    with TinyServer(lambda handler: reply(handler, body="{}"), context) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
        for _ in range(3):
            assert token_http.send("POST", server.url + "/x").status == 200
        assert http_pool.tls_context.cache_info().misses == 1
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with pytest.raises(TokenEndpointError):
            token_http.send("POST", server.url + "/x")
        assert len(server.seen) == 3


def test_proxy_is_used_and_a_refusal_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with TinyServer(lambda handler: reply(handler, 403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh("SECRET", base_url="https://oauth.example.invalid")
    assert [seen.method for seen in proxy.seen] == ["CONNECT"]
    assert "SECRET" not in proxy.seen[0].body
    assert "HTTPS_PROXY" in str(caught.value) and caught.value.delivery is Delivery.NEVER_SENT


def test_netrc_adds_no_authorization_header(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with TinyServer(reply) as server:
        flow.refresh("r", base_url=server.url)
    assert server.seen[0].headers["Authorization"] is None


def test_silent_server_is_given_up_and_the_delivery_is_unknown() -> None:
    stop = threading.Event()
    with TinyServer(lambda handler: stop.wait(5) and None) as server:
        with pytest.raises(TokenEndpointError) as caught:
            token_http.send("POST", server.url + "/x", {"a": "b"}, timeout=0.3)
        stop.set()
    assert caught.value.delivery is Delivery.UNKNOWN


def test_dripping_server_is_given_up_at_the_deadline() -> None:
    stop = threading.Event()

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.05):
            handler.wfile.write(b" " * 70000)

    with TinyServer(drip) as server:
        with pytest.raises(TokenEndpointError) as caught:
            token_http.send("POST", server.url + "/x", {"a": "b"}, timeout=0.5)
        stop.set()
    assert caught.value.delivery is Delivery.UNKNOWN


def test_refused_connection_was_never_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TokenEndpointError) as caught:
        flow.refresh("r", base_url=f"http://127.0.0.1:{port}")
    assert caught.value.delivery is Delivery.NEVER_SENT and caught.value.is_retryable


def test_connection_broken_after_sending_is_unknown() -> None:
    def hang_up(handler: Any) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)

    with TinyServer(hang_up) as server:
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh("r", base_url=server.url)
    assert caught.value.delivery is Delivery.UNKNOWN and not caught.value.is_retryable


def test_tls_that_fails_before_the_form_is_sent_and_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are TLS errors; only the first one says that the refresh token was not presented."""
    with TinyServer(reply) as plain:
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh("r", base_url=plain.url.replace("http:", "https:"))
    assert caught.value.delivery is Delivery.NEVER_SENT and "TLS" in str(caught.value)
    context, ca_file = make_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)

    def garbage(handler: Any) -> None:
        with socket.socket(fileno=os.dup(handler.connection.fileno())) as raw:
            raw.sendall(b"no TLS record at all")

    with TinyServer(garbage, context) as server:
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh("r", base_url=server.url)
        assert "refresh_token=r" in server.seen[0].body
    assert caught.value.delivery is Delivery.UNKNOWN and not caught.value.is_retryable


def test_one_answer_is_read_whatever_its_pieces() -> None:
    """Chunked, in small pieces, and cut off: the last is no answer."""

    def pieces(handler: Any) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in ('{"a"', ": ", "1}"):
            handler.wfile.write(f"{len(piece):x}\r\n{piece}\r\n".encode())
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    def cut_off(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"a": 1}')

    with TinyServer(pieces) as server:
        assert flow.refresh("r", base_url=server.url) == {"a": 1}
    with TinyServer(cut_off) as server:
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh("r", base_url=server.url)
    assert caught.value.delivery is Delivery.UNKNOWN


def test_retry_after_is_read() -> None:
    with TinyServer(lambda handler: reply(handler, 503, Retry_After="7")) as server:
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh("r", base_url=server.url)
    assert caught.value.retry_after == 7.0
