"""HTTP server for the login's redirect: `http.server` with a cap on connections, total deadlines and a Host check."""

from __future__ import annotations

import ipaddress
import os
import socket
import socketserver
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, FrozenSet, List, Mapping, NamedTuple, Optional

from cloudinary_cli.auth.callback_page import Tone, render_page, style_hash
from cloudinary_cli.defaults import logger

MAX_CONNECTIONS = 32
MAX_REQUEST_LINE = 8 * 1024  # bytes
# A browser sends its request at once. A connection that takes longer is a preconnect or an attempt to block the port.
REQUEST_SECONDS = 5.0
# How long a client may take to close its side after the response.
_LINGER_SECONDS = 0.3
_CLOSE_SECONDS = 3.0
_POLL_SECONDS = 0.05
_SECURITY_HEADERS = {
    # no-store keeps the page out of the disk cache. no-referrer, the policy and a page without links keep its address
    # out of every other request. The browser's history does hold the address, but a code works only once, and only with
    # the PKCE verifier, which no browser ever sees.
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": f"default-src 'none'; style-src '{style_hash()}'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
}


class CallbackRequest(NamedTuple):
    """A request with a Host header of this server. `path` and `query` are as received, not decoded."""

    method: str
    path: str
    query: str


class PageResponse(NamedTuple):
    """A page; `headers` are added to those that every response has."""

    status: HTTPStatus
    html: str
    headers: Mapping[str, str] = {}


# Called in the thread of the connection. It may block, and the client then waits for its response.
Respond = Callable[[CallbackRequest], PageResponse]


def bracketed(host: str) -> str:
    """An IP literal as it is written in a URL."""
    return f"[{host}]" if ":" in host else host


def authorities(host: str, port: int) -> FrozenSet[str]:
    """The Host headers that a browser may send: the address as given or in its short form; port 80 may be omitted."""
    names = {bracketed(name) for name in (host.lower(), str(ipaddress.ip_address(host)))}
    return frozenset({f"{name}:{port}" for name in names} | (names if port == 80 else set()))


def neutral_page(status: HTTPStatus, message: str, **headers: str) -> PageResponse:
    """A response to a request that is not the expected redirect. It must not repeat any part of the request."""
    return PageResponse(status, render_page("Nothing to do here", message, Tone.NOTICE), headers)


class _Connection:
    """One client. `deadline` is a monotonic time; None while the response is being prepared."""

    def __init__(self, sock: socket.socket, thread: threading.Thread) -> None:
        self.sock = sock
        self.thread = thread
        self.deadline: Optional[float] = time.monotonic() + REQUEST_SECONDS
        self.has_request = self.is_shut_down = False

    def shut_down(self) -> None:
        """Make the thread's blocking calls return."""
        self.is_shut_down = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # closed already
            pass


class RedirectHTTPServer(ThreadingHTTPServer):
    """Serves `respond` in background threads from start() to stop().

    :raises OSError: the port cannot be bound.
    """

    # A port in TIME_WAIT after the last login can be bound; a port with a listener cannot. On Windows, SO_REUSEADDR
    # would let another program share the port and receive the code.
    allow_reuse_address = os.name != "nt"
    allow_reuse_port = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, respond: Respond) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.respond = respond
        self._connections: List[_Connection] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_SECONDS,), name="login-redirect", daemon=True
        )
        super().__init__((host, port), _Handler)
        self.port: int = self.socket.getsockname()[1]
        self.authorities = authorities(host, self.port)

    def server_bind(self) -> None:
        if os.name == "nt":
            self.socket.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009
        socketserver.TCPServer.server_bind(self)  # HTTPServer.server_bind() would look up the host name in the DNS

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port and the idle connections. Responses in progress get up to 3 seconds."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._lock:
            for each in self._connections:
                if not each.has_request:
                    each.deadline = 0.0
        deadline = time.monotonic() + _CLOSE_SECONDS
        for each in self._connections:
            while each.thread.is_alive() and time.monotonic() < deadline:
                self.service_actions()
                each.thread.join(_POLL_SECONDS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a new connection in a thread of its own."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._connections = [each for each in self._connections if each.thread.is_alive()]
            active = [each for each in self._connections if not each.is_shut_down]
            if len(active) >= MAX_CONNECTIONS:
                # Close the oldest one, not the new one, so that a full table does not lock out the genuine redirect.
                oldest = next((each for each in active if each.deadline is not None), None)
                if oldest is not None:
                    oldest.shut_down()
            thread.start()
            self._connections.append(_Connection(request, thread))

    def service_actions(self) -> None:
        """Close connections whose deadline has passed. A socket's own timeout restarts with each byte that arrives."""
        now = time.monotonic()
        with self._lock:
            for each in self._connections:
                if each.deadline is not None and each.deadline <= now and not each.is_shut_down:
                    each.shut_down()

    def set_deadline(self, sock: socket.socket, seconds: Optional[float]) -> None:
        """Replace the deadline of a connection whose request has arrived; None: no deadline."""
        with self._lock:
            for each in self._connections:
                if each.sock is sock:
                    each.has_request = True
                    each.deadline = None if seconds is None else time.monotonic() + seconds

    def close_request(self, request: Any) -> None:
        with self._lock:  # shut_down() must not act on a descriptor that was closed and reused
            super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("A connection to the login's redirect failed.", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """One request and its response. The base class responds with HTTP/1.0: no keep-alive, no `100 Continue`."""

    server: RedirectHTTPServer
    timeout = REQUEST_SECONDS  # of each read and write; service_actions() limits the whole request
    default_request_version = "HTTP/1.0"
    request_version = default_request_version
    command = requestline = ""

    def handle(self) -> None:
        try:
            first = self.rfile.peek(1)[:1]  # type: ignore[attr-defined]
            if first and not first.isalpha():
                # A TLS handshake, for example: a browser that tries https first should get an error at once.
                self.send_error(HTTPStatus.BAD_REQUEST)
            elif first:
                self.raw_requestline = self.rfile.readline(MAX_REQUEST_LINE + 1)
                if len(self.raw_requestline) > MAX_REQUEST_LINE:
                    self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
                elif self.parse_request():
                    self._respond()
        except OSError as error:
            logger.debug("A client of the login's redirect disconnected: %s", error)

    def _respond(self) -> None:
        words = self.requestline.split()
        hosts = self.headers.get_all("Host", [])
        if len(words) != 3 or len(hosts) != 1:
            self.send_error(HTTPStatus.BAD_REQUEST)
        elif hosts[0].strip().lower() not in self.server.authorities:
            # A page whose host name was made to resolve to this address (DNS rebinding) sends that name.
            # RFC 8252 section 8.10 requires that host and port of the redirect are compared.
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        else:
            # Not self.path, in which leading slashes are collapsed (https://github.com/python/cpython/issues/87389).
            path, _, query = words[1].partition("?")
            self.server.set_deadline(self.connection, None)
            response = self.server.respond(CallbackRequest(words[0], path, query))
            self.server.set_deadline(self.connection, REQUEST_SECONDS)
            self._send(response)

    def _send(self, response: PageResponse) -> None:
        body = response.html.encode("utf-8", "replace")
        self.send_response(response.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for name, value in {**_SECURITY_HEADERS, **response.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: Optional[str] = None, explain: Optional[str] = None) -> None:
        """A neutral page. The base class would repeat the request; its 5xx statuses are for faults of the request."""
        status = HTTPStatus(code) if code < 500 else HTTPStatus.BAD_REQUEST
        self._send(neutral_page(status, "This request was not understood."))

    def finish(self) -> None:
        """Wait until the client closes its side: closing first would reset the connection and discard the response.

        RFC 9112 section 9.6.
        """
        super().finish()
        self.server.set_deadline(self.connection, _LINGER_SECONDS)
        try:
            self.connection.shutdown(socket.SHUT_WR)
            while self.connection.recv(8192):
                pass
        except OSError:
            pass

    def version_string(self) -> str:
        return "cld"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the request line holds the authorization code."""
