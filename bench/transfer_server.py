"""A fast server for the transfer benchmarks, in its own process.

It keeps connections alive, responds after a latency, discards uploads, generates listings and content, and counts
connections. The cloud name determines what it serves: `n2000-s4096` has 2,000 assets of 4,096 bytes each.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import re
import ssl
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple
from urllib.parse import unquote

PAGE = 500
_CLOUD = re.compile(r"n(\d+)-s(\d+)(-raw)?")
_BLOCK = 256 * 1024


@lru_cache(maxsize=8)
def content(size: int) -> bytes:
    """The content of every asset of that size."""
    return (b"cloudinary-" * (size // 11 + 1))[:size]


@lru_cache(maxsize=8)
def etag(size: int) -> str:
    return hashlib.md5(content(size)).hexdigest()  # noqa: S324 - what the API calls an etag


def asset(number: int, size: int, is_raw: bool) -> Dict[str, Any]:
    """One asset of a listing."""
    kind = "raw" if is_raw else "image"
    name = f"asset{number:06d}"
    return {
        "asset_id": f"{number:032x}",
        "public_id": f"bench/{name}" + (".bin" if is_raw else ""),
        "asset_folder": "bench",
        "display_name": name,
        "resource_type": kind,
        "type": "upload",
        **({} if is_raw else {"format": "jpg"}),
        "version": 1700000000,
        "created_at": "2026-01-01T00:00:00+00:00",
        "bytes": size,
        "etag": etag(size),
        "status": "active",
        "secure_url": f"https://res.cloudinary.com/demo/{kind}/upload/v1/bench/{name}",
    }


@lru_cache(maxsize=400)
def listing(cloud: str, start: int) -> bytes:
    total, size, raw = _parts(cloud)
    end = min(start + PAGE, total)
    cursor = {"next_cursor": f"c{end}"} if end < total else {}
    found = [asset(number, size, raw) for number in range(start, end)]
    return json.dumps({"total_count": total, "time": 5, "resources": found, **cursor}).encode()


def _parts(cloud: str) -> Tuple[int, int, bool]:
    match = _CLOUD.fullmatch(cloud)
    return (int(match.group(1)), int(match.group(2)), bool(match.group(3))) if match else (0, 0, False)


@dataclass
class Counts:
    """Counts of the measured connections, without those for /count."""

    opened: int = 0
    open_now: int = 0
    peak: int = 0
    requests: int = 0


class Connection(asyncio.Protocol):
    """One client. Only the small bodies of API calls are kept."""

    def __init__(self, counts: Counts, latency: List[float]) -> None:
        self._counts, self._latency = counts, latency
        self._buffer = b""
        self._remaining = -1
        self._body = b""
        self._counted = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._counts.open_now -= self._counted

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            if self._remaining < 0 and not self._take_head():
                return
            taken = self._buffer[: self._remaining]
            self._buffer = self._buffer[len(taken) :]
            self._remaining -= len(taken)
            if len(self._body) < _BLOCK:
                self._body += taken
            if self._remaining == 0:
                self._respond()

    def _take_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._buffer[:end].decode("latin-1")
        self._buffer = self._buffer[end + 4 :]
        self._method, target, _ = head.split("\r\n", 1)[0].split(" ")
        self._path = unquote(target.partition("?")[0])
        found = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
        self._remaining = int(found.group(1)) if found else 0
        self._body = b""
        if self._remaining == 0:
            self._respond()
        return self._remaining > 0

    def _respond(self) -> None:
        self._remaining = -1
        if self._path.startswith("/count"):
            self._send(self._control())
            return
        if not self._counted:
            self._counted = True
            self._counts.opened += 1
            self._counts.open_now += 1
            self._counts.peak = max(self._counts.peak, self._counts.open_now)
        self._counts.requests += 1
        data = self._data()
        if self._latency[0]:
            asyncio.get_running_loop().call_later(self._latency[0], self._send, data)
        else:
            self._send(data)

    def _control(self) -> bytes:
        """/count/LATENCY_MS resets the counts and sets the latency; /count reads the counts."""
        counts, latency = self._counts, self._path.rpartition("/")[2]
        if latency.isdigit():
            self._latency[0] = int(latency) / 1000
            counts.opened = counts.requests = 0
            counts.peak = counts.open_now
        return json.dumps({"opened": counts.opened, "peak": counts.peak, "requests": counts.requests}).encode()

    def _data(self) -> bytes:
        parts = self._path.strip("/").split("/")
        if parts[0] != "v1_1":
            return content(_parts(parts[0])[1])
        cloud, action = parts[1], parts[-1]
        if action == "search":
            if "folders" in parts:
                return b'{"folders": [{"name": "bench", "path": "bench"}], "total_count": 1}'
            return listing(cloud, int(json.loads(self._body).get("next_cursor", "c0")[1:]))
        if action == "config":
            return b'{"settings": {"folder_mode": "fixed"}}'
        if self._method == "DELETE":
            return b'{"deleted": {}}'
        return b'{"public_id": "bench/x", "format": "jpg", "bytes": 1, "etag": "0", "secure_url": "https://x/y"}'

    def _send(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data)
        self._transport.write(head + data)


async def _serve(ports: Any, certificate: Optional[Tuple[str, str]]) -> None:
    counts, latency = Counts(), [0.0]
    loop = asyncio.get_running_loop()
    contexts: List[Optional[ssl.SSLContext]] = [None]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        contexts.append(context)
    servers = [
        await loop.create_server(lambda: Connection(counts, latency), "127.0.0.1", 0, ssl=context, backlog=512)
        for context in contexts
    ]
    ports.send([server.sockets[0].getsockname()[1] for server in servers])
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _run(ports: Any, certificate: Optional[Tuple[str, str]]) -> None:
    asyncio.run(_serve(ports, certificate))


@contextmanager
def running(certificate: Optional[Tuple[str, str]] = None) -> Iterator[List[int]]:
    """Run the server. Yields its ports: the one for HTTP, and with a certificate also the one for HTTPS.

    :param certificate: the paths of the certificate and its key.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_run, args=(sender, certificate), daemon=True)
    process.start()
    try:
        yield receiver.recv()
    finally:
        process.terminate()
        process.join()


def make_certificate(folder: Path) -> Tuple[str, str]:
    """A self-signed certificate for 127.0.0.1 and its key, as files. Needs the program `openssl`."""
    certificate, key = str(folder / "ca.pem"), str(folder / "key.pem")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=cld"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return certificate, key
