"""A scripted Cloudinary API on 127.0.0.1: records every request and sends the responses that a test has set.

Take the fixture ``server: CloudinaryServer`` as an argument::

    def test_ping(server, invoke):
        server.reply({"status": "ok"})                # the next request, whatever it is
        server.on("GET", "/ping", {"status": "ok"})   # every request whose path ends like this
        server.on("POST", "/upload", Reply(401, {"error": {"message": "no"}}), {"public_id": "a"})
        result = invoke("-c", server.config_url(), "ping")
        request, = server.requests
        assert (request.method, request.path) == ("GET", "/v1_1/demo/ping")

A response is a Reply, a JSON value (sent with status 200), or a function from the Request to either. The responses of a
rule are sent in order, and the last one is repeated. Newer rules are tried first, then the responses of reply() in
order; the default is 200 with ``{}``.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Union
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import pytest


@dataclass(frozen=True)
class UploadedFile:
    """A file part of a multipart body."""

    filename: Optional[str]
    content: bytes


@dataclass(frozen=True)
class Request:
    """One recorded request. Header names are lower-case; `path` is decoded, without the query."""

    method: str
    path: str
    query: Mapping[str, List[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body.decode("utf-8")) if self.body else None

    @property
    def form(self) -> Dict[str, List[str]]:
        """Fields of a urlencoded or multipart body; files are not among them."""
        if self._is_multipart:
            texts = {name: [v for v in values if isinstance(v, str)] for name, values in self._parts().items()}
            return {name: values for name, values in texts.items() if values}
        return parse_qs(self.body.decode("utf-8"), keep_blank_values=True)

    @property
    def files(self) -> Dict[str, UploadedFile]:
        """File parts of a multipart body by field name."""
        parts = self._parts() if self._is_multipart else {}
        return {name: v for name, values in parts.items() for v in values if isinstance(v, UploadedFile)}

    def field(self, name: str) -> Optional[str]:
        """First value of a form field."""
        return next(iter(self.form.get(name, [])), None)

    @property
    def _is_multipart(self) -> bool:
        return self.headers.get("content-type", "").startswith("multipart/")

    def _parts(self) -> Dict[str, List[Union[str, UploadedFile]]]:
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode("latin-1")
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
        parts: Dict[str, List[Union[str, UploadedFile]]] = {}
        for part in message.iter_parts():
            name = str(part.get_param("name", "", header="content-disposition"))
            payload = part.get_payload(decode=True)
            content = payload if isinstance(payload, bytes) else b""
            filename = part.get_filename()
            value = content.decode("utf-8") if filename is None else UploadedFile(filename, content)
            parts.setdefault(name, []).append(value)
        return parts


@dataclass(frozen=True)
class Reply:
    """One response. A `body` of bytes is sent unchanged, another value as JSON.

    `delay` is the time before the response, and `pause` that in the middle of its body, in seconds.
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    pause: float = 0.0


Response = Union[Reply, Any, Callable[[Request], Any]]


class _Rule:
    def __init__(self, method: str, path: str, responses: List[Response]) -> None:
        self.method, self.path, self.responses = method, path, responses

    def matches(self, request: Request) -> bool:
        return self.method in ("*", request.method) and request.path.endswith(self.path)

    def next(self) -> Response:
        return self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Many tests want a client that disconnects. The traceback that is printed otherwise is formatted in this
        # thread by the parser, which a test in the main thread may be using (CPython 3.11: gh-106905).
        pass


class CloudinaryServer:
    """The server; a context manager. `requests` holds the requests in order."""

    def __init__(self) -> None:
        self.requests: List[Request] = []
        self._rules: List[_Rule] = []
        self._queue: List[Response] = []
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "CloudinaryServer":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        """The base URL, for upload_prefix."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def config_url(self, cloud: str = "demo", credentials: str = "key:secret", **params: str) -> str:
        """A CLOUDINARY_URL that points here; `credentials=""` with `oauth_token=...` makes it a login."""
        user = f"{credentials}@" if credentials else ""
        return f"cloudinary://{user}{cloud}?{urlencode({'upload_prefix': self.url, **params})}"

    def on(self, method: str, path: str, *responses: Response) -> None:
        """Set the responses to requests of this method ("*": any) whose path ends with `path`."""
        with self._lock:
            self._rules.insert(0, _Rule(method, path, list(responses)))

    def reply(self, *responses: Response) -> None:
        """Set the responses to the next requests that no rule matches, one each."""
        with self._lock:
            self._queue.extend(responses)

    def paths(self) -> List[str]:
        """`METHOD path` of every request so far."""
        return [f"{request.method} {request.path}" for request in self.requests]

    def respond(self, request: Request) -> Reply:
        """Record the request and choose its response."""
        with self._lock:
            self.requests.append(request)
            rule = next((rule for rule in self._rules if rule.matches(request)), None)
            response = rule.next() if rule else self._queue.pop(0) if self._queue else {}
        if callable(response):
            response = response(request)
        return response if isinstance(response, Reply) else Reply(body=response)


def _handler_of(server: CloudinaryServer) -> type:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = parse_qs(parts.query, keep_blank_values=True)
            reply = server.respond(Request(self.command, unquote(parts.path), query, headers, body))
            time.sleep(reply.delay)
            self._send(reply)

        def _send(self, reply: Reply) -> None:
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode("utf-8")
            self.send_response(reply.status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), **reply.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                half = len(data) // 2
                self.wfile.write(data[:half])
                time.sleep(reply.pause)
                self.wfile.write(data[half:])
                # With a Content-Length that is too large, the connection closes in the middle of the body.
                self.close_connection = self.close_connection or headers["Content-Length"] != str(len(data))

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def server() -> Iterator[CloudinaryServer]:
    """A running scripted server."""
    with CloudinaryServer() as running:
        yield running
