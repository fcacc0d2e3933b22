"""WSGI middleware: checks Host and origin, logs requests, and applies planned failures."""

from __future__ import annotations

import socket
import struct
import time
from http.client import responses
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from waitress.channel import ClientDisconnected
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request

from .state import SandboxState
from .traffic import Entry, Fault, flatten

CONTROL_PATHS = ("/sandbox/requests", "/sandbox/stats", "/sandbox/faults", "/sandbox/clock", "/sandbox/clouds")
# The key in the WSGI environment of the request's entry in the log; the application completes the entry.
ENTRY = "cloudinary_sandbox.entry"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
STALL_LIMIT = 3600.0  # seconds
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FOREIGN_REFUSED = "The sandbox refuses this request because it comes from a web page of another origin."

Environ = Dict[str, Any]
Headers = List[Tuple[str, str]]


class Gate:
    """Handles every request before the application does."""

    def __init__(self, app: Callable[..., Iterable[bytes]], state: SandboxState) -> None:
        self._app = app
        self._state = state

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not is_loopback_host(environ.get("HTTP_HOST", "")):
            # DNS rebinding: a web page may point its own host name at 127.0.0.1.
            return _plain(start_response, 421, "The sandbox accepts loopback host names only.")
        if environ["REQUEST_METHOD"] not in SAFE_METHODS and is_foreign(environ):
            return _plain(start_response, 403, FOREIGN_REFUSED)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        if path.startswith(CONTROL_PATHS):
            return self._app(environ, start_response)
        entry = environ[ENTRY] = self._state.log.start(method, path, environ)
        fault = self._state.faults.take(method, path)
        if fault is None:
            return self._app(environ, start_response)
        entry["fault"] = fault.mode
        return self._fail(fault, environ, start_response, entry)

    def _fail(
        self, fault: Fault, environ: Environ, start_response: Callable[..., Any], entry: Entry
    ) -> Iterable[bytes]:
        if fault.mode in ("reset", "stall", "respond") or (fault.mode == "cut" and fault.has_response):
            entry.update(fields_of(UnlimitedRequest(environ)))
            self._wait(environ, fault)
            if fault.mode in ("reset", "stall"):
                reset(environ)
            status, headers, body = planned_response(fault)
        else:
            parts, status, received = run_wsgi_app(self._app, environ, buffered=True)
            body = b"".join(parts)
            received["Content-Length"] = str(len(body))
            headers = list(received)
            self._wait(environ, fault)
            if fault.mode == "after" and fault.has_response:
                status, headers, body = planned_response(fault)
            elif fault.mode == "after" and not fault.delay:
                reset(environ)
        entry["status"] = int(status[:3])
        start_response(status, headers)
        return half_of(body) if fault.mode == "cut" else [body]

    def _wait(self, environ: Environ, fault: Fault) -> None:
        """Sleep for the delay, or until the client disconnects, the failures are cleared, or the server stops."""
        disconnected = environ.get("waitress.client_disconnected") or (lambda: False)
        deadline = time.monotonic() + (fault.delay or (STALL_LIMIT if fault.mode == "stall" else 0.0))
        ended = (self._state.stopping.is_set, fault.cleared.is_set, disconnected)
        while time.monotonic() < deadline and not any(has_ended() for has_ended in ended):
            time.sleep(max(0.0, min(0.02, deadline - time.monotonic())))


def is_loopback_host(host: str) -> bool:
    """Whether a Host header names a loopback address."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower() in LOOPBACK_HOSTS


def is_foreign(environ: Environ) -> bool:
    """Whether a web page of another origin sent the request. Another port of this machine is another origin.

    Browsers send `Origin` with every request that is not GET or HEAD (Fetch standard, "append a request Origin header")
    and `Sec-Fetch-Site` with all requests (Fetch Metadata). Command-line clients send neither.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin.lower() != f"http://{environ.get('HTTP_HOST', '')}".lower():
        return True
    return environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin")


class UnlimitedRequest(Request):
    """Werkzeug's request without its limit for form fields; data URIs are long."""

    max_form_memory_size = None
    max_form_parts = 20_000


def fields_of(request: Request) -> Dict[str, Any]:
    """Form fields, JSON body and file names of a request."""
    files = {}
    for name, storage in request.files.items():
        files[name] = {"filename": storage.filename, "bytes": storage.stream.seek(0, 2)}
        storage.stream.seek(0)
    body = request.get_json(silent=True) if request.is_json else None
    return {"form": flatten(request.form.to_dict(flat=False)), "json": body, "files": files}


def planned_response(fault: Fault) -> Tuple[str, Headers, bytes]:
    """The response of a planned failure."""
    status, body = fault.status or 200, fault.body_bytes()
    headers = {"Content-Type": "application/json", **fault.headers, "Content-Length": str(len(body))}
    return f"{status} {responses.get(status, 'Sandbox Fault')}", list(headers.items()), body


def half_of(body: bytes) -> Iterator[bytes]:
    """Send half of a response and close the connection."""
    yield body[: max(1, len(body) // 2)]
    raise ClientDisconnected


def reset(environ: Environ) -> None:
    """Drop the connection without a response; a zero linger time makes the kernel send RST.

    :raises ClientDisconnected: always; waitress then closes the connection.
    """
    # waitress puts a bound method of the channel into the environment, and the channel has the socket.
    channel = getattr(environ.get("waitress.client_disconnected"), "__self__", None)
    sock: Optional[socket.socket] = getattr(channel, "socket", None)
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ClientDisconnected


def _plain(start_response: Callable[..., Any], status: int, text: str) -> List[bytes]:
    body = text.encode("utf-8")
    start_response(
        f"{status} {responses[status]}", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    )
    return [body]
