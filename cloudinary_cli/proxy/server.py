"""The loopback server of `cld exec`: passes requests to a Forwarder, and streams the responses back."""

from __future__ import annotations

import json
import re
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator, Optional

from cloudinary_cli.defaults import logger
from cloudinary_cli.proxy.forward import Forwarder, ProxiedRequest, Refused, forwarded_headers

HOST = "127.0.0.1"
_BLOCK_BYTES = 64 * 1024
# A body up to this size is kept, so that it can be sent again after a 401.
_KEPT_BODY_BYTES = 1024 * 1024
_IDLE_SECONDS = 600
_LONGEST_CHUNK_LINE = 1024


class ProxyServer(ThreadingHTTPServer):
    """Serves one child process until close()."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__((HOST, 0), _ProxyHandler)
        # 128 bits: other users of the machine can connect to the port, and must not guess it.
        self.nonce = secrets.token_urlsafe(16)
        self.forwarder: Optional[Forwarder] = None

    @property
    def url(self) -> str:
        """The `upload_prefix` of the child."""
        return f"http://{HOST}:{self.server_port}/{self.nonce}"

    def start(self, forwarder: Forwarder) -> None:
        """Serve in threads of this process."""
        self.forwarder = forwarder
        threading.Thread(target=self.serve_forever, name="proxy", daemon=True).start()

    def close(self) -> None:
        """Stop serving. Requests in progress are cut off, because the child has ended."""
        if self.forwarder is not None:
            self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log only: a child may close its connection at any time."""
        logger.debug("A connection to the proxy failed.", exc_info=True)


class _BrokenRequest(Exception):
    """The client's request ends too early or is malformed. Not an OSError, which would count as one of the API's."""


class _ProxyHandler(BaseHTTPRequestHandler):
    """One connection of the child; it may carry many requests."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    # Headers and body are written separately; without this, the body would wait for an acknowledgment (RFC 896).
    disable_nagle_algorithm = True
    server: ProxyServer

    def _serve(self) -> None:
        from urllib3.exceptions import HTTPError

        try:
            response = self._forwarder().send(self._request())
        except _BrokenRequest as error:
            logger.debug("A request to the proxy broke: %s.", error)
            self.close_connection = True
        except Refused as refused:
            self._reply(refused.status, str(refused))
        except HTTPError as error:
            self._reply(502, self._forwarder().describe_failure(error))
        else:
            try:
                self._relay(response)
            except BaseException:
                # The remainder would be taken for the response to the next request on this connection to the API.
                response.close()
                raise
            finally:
                response.release_conn()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _forwarder(self) -> Forwarder:
        if self.headers.get_all("Host") != [f"{HOST}:{self.server.server_port}"] or self.server.forwarder is None:
            raise Refused(403, "This proxy serves only the command that cld exec has started.")
        return self.server.forwarder

    def _request(self) -> ProxiedRequest:
        """:raises Refused: a body whose length is unclear (RFC 9112 section 6.3)."""
        lengths, codings = self.headers.get_all("Content-Length", []), self.headers.get_all("Transfer-Encoding", [])
        # What is refused here is left unread, so the connection cannot carry another request.
        if codings:
            if lengths or [coding.lower() for coding in codings] != ["chunked"]:
                self.close_connection = True
                raise Refused(400, "The length of the request's body is unclear.")
            return ProxiedRequest(self.command, self.path, self.headers.items(), self._chunks(), None)
        if len(lengths) > 1 or not all(length.isascii() and length.isdigit() for length in lengths):
            self.close_connection = True
            raise Refused(400, "The length of the request's body is unclear.")
        length = int(lengths[0]) if lengths else 0
        body = self._blocks(length) if length > _KEPT_BODY_BYTES else b"".join(self._blocks(length))
        return ProxiedRequest(self.command, self.path, self.headers.items(), body, length)

    def _blocks(self, length: int) -> Iterator[bytes]:
        while length:
            block = self.rfile.read1(min(_BLOCK_BYTES, length))
            if not block:
                raise _BrokenRequest("the client closed the connection within a request")
            length -= len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        """The chunked transfer coding (RFC 9112 section 7.1)."""
        while True:
            digits = self.rfile.readline(_LONGEST_CHUNK_LINE).split(b";")[0].strip()
            if not re.fullmatch(b"[0-9A-Fa-f]{1,15}", digits):
                raise _BrokenRequest("the client sent a malformed chunk")
            size = int(digits, 16)
            if not size:
                while self.rfile.readline(_LONGEST_CHUNK_LINE).strip():
                    pass  # trailer fields
                return
            yield from self._blocks(size)
            self.rfile.readline(_LONGEST_CHUNK_LINE)

    def _relay(self, response: Any) -> None:
        self.send_response_only(response.status, response.reason)
        has_body = self.command != "HEAD" and response.status not in (204, 304)
        length = response.headers.get("Content-Length")
        for name, value in forwarded_headers(response.headers.items()):
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", length)
        elif has_body:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if not has_body:
            return
        for block in response.stream(_BLOCK_BYTES, decode_content=False):
            self.wfile.write(block if length is not None else b"%x\r\n%s\r\n" % (len(block), block))
        if length is None:
            self.wfile.write(b"0\r\n\r\n")

    def _reply(self, status: int, message: str) -> None:
        """Send an error in the format of the API, so that the SDK of the child shows the message."""
        self.close_connection = True  # a body may be left unread
        data = json.dumps({"error": {"message": message}}).encode("ascii")
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the path contains the nonce."""
