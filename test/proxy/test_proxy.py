"""The proxy of `cld exec` itself: which requests it forwards, how it streams, and what it refuses."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Iterator, List, Optional, Tuple
from urllib.parse import quote, urlsplit

import pytest

from cloudinary_cli.proxy.forward import Forwarder
from cloudinary_cli.proxy.server import ProxyServer
from test.support.proxied_config import Config

MEGABYTE = 1 << 20


class Api(BaseHTTPRequestHandler):
    """An API host: counts what it receives, and returns it."""

    protocol_version = "HTTP/1.1"
    seen: List[Tuple[str, str, Dict[str, str], int]] = []
    refused_tokens: List[str] = []

    def do_POST(self) -> None:
        size = 0
        if self.headers.get("Transfer-Encoding") == "chunked":
            while True:
                line = self.rfile.readline()
                if not line:  # the proxy has closed the connection, because its client sent a malformed chunk
                    self.close_connection = True
                    return
                count = int(line, 16)
                size += len(self.rfile.read(count))
                self.rfile.readline()
                if not count:
                    break
        else:
            left = int(self.headers.get("Content-Length") or 0)
            while left:
                block = self.rfile.read(min(left, MEGABYTE))
                size += len(block)
                left -= len(block)
        self.seen.append((self.command, self.path, dict(self.headers.items()), size))
        status = 401 if self.headers["Authorization"].partition(" ")[2] in self.refused_tokens else 200
        body = json.dumps({"size": size}).encode()
        self.send_response(status)
        if "cookies" in self.path:
            self.send_header("Set-Cookie", "a=1")
            self.send_header("Set-Cookie", "b=2")
        if "stream" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for _ in range(3):
                self.wfile.write(b"5\r\nhello\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[ProxyServer]:
    Api.seen, Api.refused_tokens = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        server = ProxyServer()
        config = Config(f"http://127.0.0.1:{api.server_address[1]}")
        server.start(Forwarder(config, server.nonce, 8))
        yield server
        server.close()
        api.shutdown()


def ask(proxy: ProxyServer, path: str, method: str = "GET", body: Any = None, **headers: str) -> Tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=30)
    connection.request(method, path, body, {"Authorization": "Bearer proxied", **headers})
    response = connection.getresponse()
    result = response.status, response.read()
    connection.close()
    return result


def below(proxy: ProxyServer, path: str) -> str:
    return urlsplit(proxy.url).path + path


def test_the_callers_credential_is_replaced(proxy: ProxyServer) -> None:
    assert ask(proxy, below(proxy, "/v1_1/demo/ping?a=b%20c"), Cookie="a=1")[0] == 200
    method, path, headers, _ = Api.seen[0]
    assert (method, path, headers["Authorization"]) == ("GET", "/v1_1/demo/ping?a=b%20c", "Bearer t1")
    assert proxy.nonce not in json.dumps(Api.seen)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_every_method_of_the_api_passes(proxy: ProxyServer, method: str) -> None:
    status, body = ask(proxy, below(proxy, "/v1_1/demo/x"), method)
    assert status == 200 and Api.seen[0][0] == method
    assert body == (b"" if method == "HEAD" else b'{"size": 0}')


def test_a_repeated_header_of_the_response_is_kept(proxy: ProxyServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=30)
    connection.request("GET", below(proxy, "/v1_1/demo/cookies"))
    assert connection.getresponse().headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    connection.close()


@pytest.mark.parametrize("size", [b"-5", b"x", b"", b"0x5"])
def test_a_malformed_chunk_closes_the_connection(proxy: ProxyServer, size: bytes) -> None:
    with socket.create_connection(("127.0.0.1", proxy.server_port), timeout=30) as connection:
        head = f"POST {below(proxy, '/v1_1/demo/x')} HTTP/1.1\r\nHost: 127.0.0.1:{proxy.server_port}\r\n"
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n")
        assert connection.recv(1) == b""


def test_a_response_without_a_length_is_streamed(proxy: ProxyServer) -> None:
    assert ask(proxy, below(proxy, "/v1_1/demo/stream")) == (200, b"hello" * 3)


@pytest.mark.parametrize("size", [0, 10, MEGABYTE, MEGABYTE + 1, 5 * MEGABYTE])
def test_bodies_arrive_whole(proxy: ProxyServer, size: int) -> None:
    assert ask(proxy, below(proxy, "/v1_1/demo/x"), "POST", bytes(size)) == (200, json.dumps({"size": size}).encode())


def test_a_chunked_body_arrives_whole(proxy: ProxyServer) -> None:
    blocks = iter([b"a" * 70_000, b"b" * 10])
    assert ask(proxy, below(proxy, "/v1_1/demo/x"), "POST", blocks) == (200, b'{"size": 70010}')


def test_after_a_401_the_request_is_repeated_once_with_another_token_where_the_body_can_be_sent_again(
    proxy: ProxyServer,
) -> None:
    Api.refused_tokens = ["t1"]
    assert ask(proxy, below(proxy, "/v1_1/demo/x"), "POST", b"abc")[0] == 200
    assert [seen[2]["Authorization"] for seen in Api.seen] == ["Bearer t1", "Bearer t2"]
    assert [seen[3] for seen in Api.seen] == [3, 3]


def test_a_401_is_passed_on_where_the_body_is_gone(proxy: ProxyServer) -> None:
    Api.refused_tokens = ["t1"]
    assert ask(proxy, below(proxy, "/v1_1/demo/x"), "POST", bytes(2 * MEGABYTE))[0] == 401
    assert len(Api.seen) == 1


def test_a_401_without_another_token_says_how_to_log_in(proxy: ProxyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "has_more", False)  # a value of the test's own class
    Api.refused_tokens = ["t1"]
    status, body = ask(proxy, below(proxy, "/v1_1/demo/x"))
    assert status == 401 and json.loads(body)["error"]["message"].endswith("Run: cld login box")


def test_a_second_401_is_passed_on(proxy: ProxyServer) -> None:
    Api.refused_tokens = ["t1", "t2"]
    assert ask(proxy, below(proxy, "/v1_1/demo/x"))[0] == 401
    assert len(Api.seen) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/v1_1/other/ping",
        "/v1_1/demo2/ping",
        "/v1_1/provisioning/accounts/x/sub_accounts",
        "/v1_1/demo/../other/ping",
        "/v1_1/demo/%2e%2e/other/ping",
        "/v1_1/demo/..%2fother/ping",
        "/demo/image/upload/x.jpg",
        "/",
        "",
    ],
)
def test_paths_outside_the_cloud_are_refused(proxy: ProxyServer, path: str) -> None:
    status, body = ask(proxy, below(proxy, path))
    assert status == 403 and "message" in json.loads(body)["error"]
    assert not Api.seen


@pytest.mark.parametrize("path", ["/v1_1/demo/ping", "/x/v1_1/demo/ping", "//v1_1/demo/ping", "*"])
def test_a_request_without_the_nonce_is_refused(proxy: ProxyServer, path: str) -> None:
    assert ask(proxy, path)[0] == 403
    assert not Api.seen


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1"])
def test_a_foreign_host_is_refused(proxy: ProxyServer, host: str) -> None:
    """A page of a foreign site could reach the port through a name that leads to 127.0.0.1 (DNS rebinding)."""
    assert ask(proxy, below(proxy, "/v1_1/demo/ping"), Host=host)[0] == 403
    assert not Api.seen


def test_an_address_of_another_host_is_not_a_path(proxy: ProxyServer) -> None:
    assert ask(proxy, f"http://evil.example{below(proxy, '/v1_1/demo/ping')}")[0] == 403
    assert not Api.seen


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: -3\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
    ],
)
def test_a_body_of_unclear_length_is_refused(proxy: ProxyServer, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", proxy.server_port), timeout=30) as connection:
        host = f"Host: 127.0.0.1:{proxy.server_port}\r\n".encode()
        connection.sendall(
            b"POST " + below(proxy, "/v1_1/demo/x").encode() + b" HTTP/1.1\r\n" + host + head + b"\r\nabc"
        )
        assert b" 400 " in connection.makefile("rb").readline()
    assert not Api.seen


@pytest.mark.parametrize(
    ("api_proxy", "problem"),
    [(None, "Cannot connect to 127.0.0.1:{port}: "), ("http://127.0.0.1:{port}", "Check api_proxy in the")],
)
def test_an_api_that_cannot_be_reached_is_a_502(proxy: ProxyServer, api_proxy: Optional[str], problem: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        config = Config(f"http://127.0.0.1:{port}")
        config.api_proxy = api_proxy and api_proxy.format(port=port)
        proxy.forwarder = Forwarder(config, proxy.nonce, 8)
        status, body = ask(proxy, below(proxy, "/v1_1/demo/ping"))
    assert status == 502 and problem.format(port=port) in json.loads(body)["error"]["message"]


# The child sends a body of many MiB block by block, then prints the peak memory of its parent in MiB.
SENDER = """
import http.client, os, sys
from urllib.parse import parse_qs, urlsplit
prefix = parse_qs(urlsplit(os.environ["CLOUDINARY_URL"]).query)["upload_prefix"][0]
url, size = urlsplit(prefix), int(sys.argv[1]) << 20
connection = http.client.HTTPConnection(url.netloc, timeout=300)
blocks = (bytes(1 << 20) for _ in range(size >> 20))
connection.request("POST", url.path + "/v1_1/demo/x", blocks, {"Content-Length": str(size)})
assert connection.getresponse().read() == b'{"size": %d}' % size
status = open(f"/proc/{os.getppid()}/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_the_memory_does_not_grow_with_the_body(proxy: ProxyServer) -> None:
    """`CLD_TEST_UPLOAD_MIB=2048` measures an upload of 2 GiB."""
    assert proxy.forwarder is not None
    config = f"cloudinary://demo?oauth_token=t1&upload_prefix={quote(proxy.forwarder.api_url, safe='')}"
    size = os.environ.get("CLD_TEST_UPLOAD_MIB", "200")
    command = [sys.executable, "-m", "cloudinary_cli", "-c", config, "exec", "--", sys.executable, "-c", SENDER, size]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 40
