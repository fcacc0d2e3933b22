"""The baseline of the transfer benchmarks: raw keep-alive sockets, with as many threads as `cld` has workers.

    python bench/raw_client.py upload|pull|chunks PORT COUNT SIZE WORKERS [CA_FILE] [FOLDER]

It does only the necessary work: it sends each file and reads the response; or it lists the assets, page by page, and
writes the content of each to a file.
`chunks` sends the file FOLDER in chunks of 20 MB: the first one, the middle ones with all workers, and the last one.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Iterable, Iterator, List, Optional

_BLOCK = 64 * 1024
_CHUNK = 20_000_000  # bytes, as `cld` has it


def _connect(port: int, context: Optional[ssl.SSLContext]) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain


def _read_response(connection: socket.socket, take: Callable[[bytes], Any]) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(_BLOCK)
    head, _, body = data.partition(b"\r\n\r\n")
    remaining = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]) - len(body)
    take(body)
    while remaining > 0:
        block = connection.recv(min(_BLOCK, remaining))
        if not block:
            raise ConnectionError("the response is incomplete")
        remaining -= len(block)
        take(block)


def _upload(connection: socket.socket, cloud: str, path: Path) -> None:
    _send(connection, cloud, path, 0, path.stat().st_size, "")


def _send(connection: socket.socket, cloud: str, path: Path, offset: int, size: int, headers: str) -> None:
    """Upload `size` bytes of a file."""
    head = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n"
    )
    tail = b"\r\n--b--\r\n"
    start = (
        f"POST /v1_1/{cloud}/auto/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(head) + size + len(tail)}\r\n\r\n"
    ).encode()
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        if size <= 4 * _BLOCK:
            connection.sendall(start + head + file.read(size) + tail)
        else:
            connection.sendall(start + head)
            while size > 0:
                block = file.read(min(_BLOCK, size))
                connection.sendall(block)
                size -= len(block)
            connection.sendall(tail)
    _read_response(connection, lambda block: None)


def _taken(pending: Deque[int]) -> Iterator[int]:
    while True:
        try:
            yield pending.popleft()
        except IndexError:
            return


def send_chunks(port: int, cloud: str, path: Path, workers: int) -> None:
    """Upload a file in chunks. With one worker, they are sent in order."""
    total = path.stat().st_size
    first, *middle, last = range(0, total, _CHUNK)

    def send(offsets: Iterable[int]) -> None:
        with _connect(port, None) as connection:
            for offset in offsets:
                end = min(offset + _CHUNK, total)
                headers = f"X-Unique-Upload-Id: u\r\nContent-Range: bytes {offset}-{end - 1}/{total}\r\n"
                _send(connection, cloud, path, offset, end - offset, headers)

    send([first])
    pending = deque(middle)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(send, [_taken(pending) for _ in range(workers)]))
    send([last])


def _listed(port: int, cloud: str, context: Optional[ssl.SSLContext]) -> List[str]:
    """The names of all assets. Each page of the Search API has the cursor of the next one."""
    names: List[str] = []
    query: Dict[str, Any] = {"expression": 'asset_folder:"bench/*"', "max_results": 500}
    with _connect(port, context) as connection:
        while True:
            body = json.dumps(query).encode()
            start = f"POST /v1_1/{cloud}/resources/search HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            connection.sendall(f"{start}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            blocks: List[bytes] = []
            _read_response(connection, blocks.append)
            page = json.loads(b"".join(blocks))
            names += [f"{asset['display_name']}.{asset['format']}" for asset in page["resources"]]
            if "next_cursor" not in page:
                return names
            query["next_cursor"] = page["next_cursor"]


def _pull(connection: socket.socket, cloud: str, path: Path) -> None:
    request = f"GET /{cloud}/image/upload/v1700000000/bench/{path.name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    connection.sendall(request.encode())
    with path.open("wb", buffering=0) as file:
        _read_response(connection, file.write)


def run(kind: str, port: int, cloud: str, paths: List[Path], workers: int, context: Optional[ssl.SSLContext]) -> None:
    """Upload the files, or download to them."""
    pending: Iterator[Path] = iter(paths)
    lock = threading.Lock()
    errors: List[Exception] = []
    transfer = _upload if kind == "upload" else _pull

    def work() -> None:
        try:
            with _connect(port, context) as connection:
                while True:
                    with lock:
                        path = next(pending, None)
                    if path is None:
                        return
                    transfer(connection, cloud, path)
        except (OSError, ValueError) as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(min(workers, len(paths)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def main() -> None:
    kind, port, count, size, workers, ca_file, folder = sys.argv[1:8]
    if kind == "chunks":
        send_chunks(int(port), "n1-s1", Path(folder), int(workers))
        return
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    cloud, names = f"n{count}-s{size}", [f"asset{number:06d}.jpg" for number in range(int(count))]
    if kind == "pull":
        names = _listed(int(port), cloud, context)
    run(kind, int(port), cloud, [Path(folder, name) for name in names], int(workers), context)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # skips the clean-up of the interpreter
