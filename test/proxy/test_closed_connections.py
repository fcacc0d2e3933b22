"""The proxy of `cld exec` and a program that closes its connection within a response."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cloudinary_cli.proxy.forward import Forwarder
from cloudinary_cli.proxy.server import ProxyServer
from test.support.proxied_config import Config

BLOCK = bytes(64 * 1024)  # of the size in which the proxy passes responses on


class Api(BaseHTTPRequestHandler):
    """An API host whose response to `/long` goes on after the program has left."""

    protocol_version = "HTTP/1.1"
    has_left = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(3 * len(BLOCK)))
        self.end_headers()
        self.wfile.write(BLOCK)
        if self.path.endswith("/long"):
            self.has_left.wait(30)
        self.wfile.write(BLOCK)
        if self.path.endswith("/long"):
            time.sleep(1)
        self.wfile.write(BLOCK)

    def log_message(self, *args: Any) -> None:
        pass


def test_the_next_request_does_not_get_the_rest_of_an_abandoned_response() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        server = ProxyServer()
        config = Config(f"http://127.0.0.1:{api.server_address[1]}")
        server.start(Forwarder(config, server.nonce, 1))
        path = f"/{server.nonce}/v1_1/demo"
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as program:
            program.sendall(f"GET {path}/long HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
            assert b" 200 " in program.recv(1000)
        Api.has_left.set()
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        connection.request("GET", f"{path}/short")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, 3 * BLOCK)
        connection.close()
        server.close()
        api.shutdown()
