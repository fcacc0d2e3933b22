"""A multipart/form-data body (RFC 7578) that streams one file or a part of it; knows nothing of what it means."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from cloudinary_cli.errors import CliError
from cloudinary_cli.system.steady_file import LocalFileChanged, Stamp, check_unchanged

# A send has to end within the connection's time-out, so it must not be large on a slow line.
BLOCK = 64 * 1024
# Up to here a body is one string: one system call, one TLS record run.
_WHOLE = 256 * 1024


@dataclass(frozen=True)
class FilePart:
    """`size` bytes of a local file from `offset` on, sent under the name `filename`.

    `stamp` is what the whole file has to be like before and after it is read.
    """

    path: str
    filename: str
    size: int
    offset: int = 0
    stamp: Optional[Stamp] = None


def encode(fields: List[Tuple[str, Any]], file: Optional[FilePart]) -> Tuple[Dict[str, str], Callable[[], Any]]:
    """The headers, and a function that makes the body anew for each attempt."""
    boundary = secrets.token_hex(16)
    head = b"".join(_field(boundary, name, value) for name, value in fields)
    tail = f"--{boundary}--\r\n".encode("ascii")
    if file is not None:
        head += _file_head(boundary, file.filename)
        tail = b"\r\n" + tail
    length = len(head) + (file.size if file else 0) + len(tail)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}

    def make() -> Any:
        if file is None:
            return head + tail
        pieces = _pieces(head, file, tail)
        return b"".join(pieces) if length <= _WHOLE else pieces

    return headers, make


def _pieces(head: bytes, part: FilePart, tail: bytes) -> Iterator[bytes]:
    try:
        with open(part.path, "rb", buffering=0) as file:
            yield head
            yield from _content(file, part)
    except OSError as error:
        raise CliError(f"Cannot read '{part.path}': {error.strerror or error}.") from error
    yield tail


def _content(file: Any, part: FilePart) -> Iterator[bytes]:
    """Exactly `size` bytes, or nothing that a server could take for the whole.

    :raises LocalFileChanged: there are fewer, or the file has changed. The last block is kept back until that is known.
    """
    check_unchanged(file.fileno(), part.stamp, part.path)
    file.seek(part.offset)
    remaining = part.size
    while remaining:
        block = file.read(min(BLOCK, remaining))
        if not block:
            raise LocalFileChanged(f"'{part.path}' changed while it was uploaded.")
        remaining -= len(block)
        if not remaining:
            check_unchanged(file.fileno(), part.stamp, part.path)
        yield block


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
    """As browsers do it (WHATWG HTML, multipart/form-data encoding algorithm)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
