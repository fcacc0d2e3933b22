"""Proxies and CA files from the environment: credentials, a missing scheme, SOCKS, NO_PROXY."""

from __future__ import annotations

import base64
import socket
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest
from urllib3.exceptions import ProxySchemeUnknown, SSLError

from cloudinary_cli.net.pool import environment_proxy, new_pool
from test.support.tls import TinyServer, make_certificate, reply


def get(url: str, proxy: str) -> int:
    with new_pool(url.partition(":")[0], proxy) as pool:
        return pool.request("GET", url, retries=False, timeout=5).status


def test_credentials_of_a_proxy_are_decoded_and_the_scheme_may_be_missing() -> None:
    with TinyServer(reply) as proxy:
        assert get("http://api.example.invalid/x", f"user:p%40ss@127.0.0.1:{proxy.port}") == 200
    assert proxy.seen[0].path == "http://api.example.invalid/x"
    assert proxy.seen[0].headers["Proxy-Authorization"] == "Basic " + base64.b64encode(b"user:p@ss").decode()


def test_the_environment_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    assert environment_proxy("https://api.example/x") == "http://proxy.example:3128"
    assert environment_proxy("https://internal.example/x") is None
    monkeypatch.delenv("HTTPS_PROXY")
    assert environment_proxy("https://api.example/x") is None


class _Socks(socketserver.BaseRequestHandler):
    """SOCKS 5 without authentication (RFC 1928), for one request and its response."""

    asked: List[Tuple[str, int]] = []

    def handle(self) -> None:
        client: socket.socket = self.request
        client.recv(2 + 255)
        client.sendall(b"\x05\x00")
        head = client.recv(4 + 4 + 2)  # CONNECT to an IPv4 address
        host, port = socket.inet_ntoa(head[4:8]), int.from_bytes(head[8:10], "big")
        self.asked.append((host, port))
        client.sendall(b"\x05\x00\x00\x01" + head[4:10])
        with socket.create_connection((host, port)) as server:
            server.sendall(client.recv(65536))
            for block in iter(lambda: server.recv(65536), b""):
                client.sendall(block)


@pytest.fixture
def socks() -> Iterator[int]:
    _Socks.asked = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Socks) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_socks_proxy_carries_the_request(socks: int) -> None:
    with TinyServer(reply) as server:
        assert get(f"{server.url}/x", f"socks5://127.0.0.1:{socks}") == 200
        assert _Socks.asked == [("127.0.0.1", server.port)] and server.seen[0].path == "/x"


def test_a_socks_proxy_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    # The package is installed when tests run. None in sys.modules makes its import fail.
    monkeypatch.setitem(sys.modules, "socks", None)
    with pytest.raises(ProxySchemeUnknown, match="pip install PySocks"):
        new_pool("https", "socks5h://127.0.0.1:1")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("address, responds", [("127.0.0.1", True), ("127.0.0.2", False)])
def test_a_trusted_certificate_of_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, responds: bool
) -> None:
    context, ca_file = make_certificate(tmp_path, address)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    with TinyServer(reply, context) as server, new_pool("https") as pool:
        try:
            assert pool.request("GET", server.url, retries=False, timeout=5).status == 200 and responds
        except SSLError:
            assert not responds
        assert bool(server.seen) is responds
