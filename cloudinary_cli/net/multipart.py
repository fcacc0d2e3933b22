"""Encodes a multipart/form-data body (RFC 7578) that streams one file or a part of it."""

from __future__ import annotations

import os
import secrets
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Callable, Dict, Iterator, List, Optional, Tuple

from cloudinary_cli.progress import current_item
from cloudinary_cli.system.file_access import file_errors
from cloudinary_cli.system.steady_file import LocalFileChanged, Stamp, check_unchanged

# In bytes. Sending one block must end within the time-out for sending (net/pool.py), also if 30 threads share a slow
# connection.
BLOCK = 256 * 1024
# Bodies up to this size (in bytes) are sent as one bytes object, with one system call.
_MAX_UNSTREAMED = 256 * 1024


class SharedFile:
    """An open file that several threads read, each at its own position."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()

    def fileno(self) -> int:
        return self._file.fileno()

    def read_at(self, position: int, size: int) -> bytes:
        """At most `size` bytes from `position` on.

        :raises OSError: it cannot be read.
        """
        if sys.platform != "win32":
            return os.pread(self._file.fileno(), size, position)
        with self._lock:
            self._file.seek(position)
            return self._file.read(size)


@dataclass(frozen=True)
class FilePart:
    """`size` bytes of a local file from `offset` on, sent under the name `filename`.

    :param stamp: the state of the whole file that is required before and after reading.
    :param shared: the file, if it is open. Otherwise it is opened for each attempt.
    :param admit: called with the size of each block before the block is sent. It may wait, and ends the request by
        raising an exception.
    :param block: the largest size of a block, in bytes.
    """

    path: str
    filename: str
    size: int
    offset: int = 0
    stamp: Optional[Stamp] = None
    shared: Optional[SharedFile] = None
    admit: Callable[[int], None] = lambda size: None
    block: int = BLOCK


def encode(fields: List[Tuple[str, Any]], file: Optional[FilePart]) -> Tuple[Dict[str, str], Callable[[], Any]]:
    """Returns the headers, and a function that returns the body for one attempt."""
    boundary = secrets.token_hex(16)
    head = b"".join(_field(boundary, name, value) for name, value in fields)
    tail = f"--{boundary}--\r\n".encode("ascii")
    if file is not None:
        head += _file_head(boundary, file.filename)
        tail = b"\r\n" + tail
    length = len(head) + (file.size if file else 0) + len(tail)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}

    def body() -> Any:
        if file is None:
            return head + tail
        pieces = _pieces(head, file, tail)
        return b"".join(pieces) if length <= _MAX_UNSTREAMED else pieces

    return headers, body


def _pieces(head: bytes, part: FilePart, tail: bytes) -> Iterator[bytes]:
    with file_errors(f"Cannot read '{part.path}'"), _opened(part) as file:
        yield head
        yield from _content(file, part)
    yield tail


@contextmanager
def _opened(part: FilePart) -> Iterator[SharedFile]:
    if part.shared is not None:
        yield part.shared
        return
    with open(part.path, "rb", buffering=0) as file:
        yield SharedFile(file)


def _content(file: SharedFile, part: FilePart) -> Iterator[bytes]:
    """Yield exactly `size` bytes.

    :raises LocalFileChanged: the file is shorter, or has changed. The last block is yielded only after this check, so
        the server never receives a whole body with mixed content.
    """
    check_unchanged(file.fileno(), part.stamp, part.path)
    sent, item = 0, current_item()
    while sent < part.size:
        item.position = sent
        block = file.read_at(part.offset + sent, min(part.block, part.size - sent))
        if not block:
            raise LocalFileChanged(f"'{part.path}' changed while it was uploaded.")
        part.admit(len(block))
        sent += len(block)
        if sent == part.size:
            check_unchanged(file.fileno(), part.stamp, part.path)
        yield block
    item.position = sent


def _field(boundary: str, name: str, value: Any) -> bytes:
    return (f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n').encode(
        "utf-8", "surrogateescape"
    )


def _file_head(boundary: str, filename: str) -> bytes:
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{_quoted(filename)}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode("utf-8", "surrogateescape")


def _quoted(name: str) -> str:
    """A name as browsers encode it: https://html.spec.whatwg.org/multipage/#multipart-form-data"""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
