"""Chunked uploads: checks the order and the size of the chunks, and assembles them.

The rules of the service (https://support.cloudinary.com/hc/en-us/articles/208263735): the first chunk arrives first and
the last chunk last. The others may arrive in any order, also at the same time. Only the last one may be small.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from .state import RefusedCall, SandboxState

CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|-1|\*)\Z")
BLOCK = 1 << 20
LIFETIME = 24 * 3600  # seconds from the first chunk to the last one


class ReceivedChunk:
    """One chunk of an upload, described by its headers."""

    def __init__(self, content_range: str, upload_id: str) -> None:
        match = CONTENT_RANGE.match(content_range)
        if match is None or int(match.group(2)) < int(match.group(1)):
            raise RefusedCall(400, f"Invalid Content-Range header: {content_range[:80]}")
        self.first, self.last = int(match.group(1)), int(match.group(2))
        self.total: Optional[int] = int(match.group(3)) if match.group(3).isdigit() else None
        # The client chooses the ID; only its hash may become a file name.
        self.key = hashlib.sha256(upload_id.encode("utf-8")).hexdigest()

    @property
    def is_last(self) -> bool:
        return self.total is not None and self.last + 1 >= self.total


class ChunkStore:
    """The chunks received so far."""

    def __init__(self, state: SandboxState, cloud: str) -> None:
        self._state = state
        self._cloud = cloud

    def path(self, chunk: ReceivedChunk) -> Path:
        """The file that the chunks are written into."""
        return self._state.temp_dir / f"chunks-{chunk.key}"

    def result(self, chunk: ReceivedChunk) -> Optional[Dict[str, Any]]:
        """The response of the finished upload, which is sent again if the last chunk is repeated; None before."""
        return self._state.storage.document(self._cloud, "chunked_upload", chunk.key)

    def remember(self, chunk: ReceivedChunk, response: Dict[str, Any]) -> None:
        """Store the response of a finished upload."""
        self._state.storage.put_document(self._cloud, "chunked_upload", chunk.key, response)

    def forget(self, chunk: ReceivedChunk) -> None:
        """Delete the records of received chunks, so that this upload ID can be used again."""
        with self._state.storage.write() as connection:
            self._delete(connection, chunk.key)

    def add(self, chunk: ReceivedChunk, part: Path) -> Tuple[int, bool]:
        """Write one chunk into the file. Returns the bytes received so far, and whether this call completed the upload.

        :raises RefusedCall: 400 when the chunk breaks a rule, or its size does not match its header.
        """
        size = part.stat().st_size
        try:
            self._check_size(chunk, size)
            with self._state.storage.write() as connection:
                self._expire(connection)
                _check_place(chunk, _begun(connection, chunk), _ranges(connection, chunk))
            self._write(chunk, part)
        finally:
            part.unlink()
        with self._state.storage.write() as connection:
            before = sum(last - first + 1 for first, last in _ranges(connection, chunk))
            connection.execute(
                "INSERT OR IGNORE INTO chunked_uploads VALUES (?, ?, ?)",
                (chunk.key, chunk.total, self._state.clock.now()),
            )
            connection.execute("INSERT OR IGNORE INTO chunks VALUES (?, ?, ?)", (chunk.key, chunk.first, chunk.last))
            after = sum(last - first + 1 for first, last in _ranges(connection, chunk))
        self._state.counters.add("upload_chunks")
        return after, chunk.total is not None and after >= chunk.total > before

    def _check_size(self, chunk: ReceivedChunk, size: int) -> None:
        if size != chunk.last - chunk.first + 1:
            raise RefusedCall(400, f"Content-Range does not match the {size} bytes of the part")
        if chunk.total is not None and chunk.last >= chunk.total:
            raise RefusedCall(400, f"Content-Range: the part ends after the {chunk.total} bytes of the file")
        if size <= self._state.settings.min_chunk and not chunk.is_last:
            raise RefusedCall(400, "All parts except EOF-chunk must be larger than 5mb")

    def _write(self, chunk: ReceivedChunk, part: Path) -> None:
        target = self.path(chunk)
        target.touch()
        with part.open("rb") as source, target.open("r+b") as file:
            file.seek(chunk.first)
            for block in iter(lambda: source.read(BLOCK), b""):
                file.write(block)

    def _expire(self, connection: Any) -> None:
        oldest = self._state.clock.now() - LIFETIME
        for (key,) in connection.execute("SELECT upload_id FROM chunked_uploads WHERE begun < ?", (oldest,)).fetchall():
            self._delete(connection, key)
            (self._state.temp_dir / f"chunks-{key}").unlink(missing_ok=True)

    @staticmethod
    def _delete(connection: Any, key: str) -> None:
        connection.execute("DELETE FROM chunks WHERE upload_id = ?", (key,))
        connection.execute("DELETE FROM chunked_uploads WHERE upload_id = ?", (key,))


def _begun(connection: Any, chunk: ReceivedChunk) -> Any:
    """The record of the upload: its total. None before the first chunk."""
    return connection.execute("SELECT total FROM chunked_uploads WHERE upload_id = ?", (chunk.key,)).fetchone()


def _ranges(connection: Any, chunk: ReceivedChunk) -> List[Tuple[int, int]]:
    rows = connection.execute("SELECT first, last FROM chunks WHERE upload_id = ? ORDER BY first", (chunk.key,))
    return [(row["first"], row["last"]) for row in rows]


def _check_place(chunk: ReceivedChunk, begun: Any, ranges: List[Tuple[int, int]]) -> None:
    """:raises RefusedCall: the chunk may not arrive now, or does not fit to the others."""
    if (chunk.first, chunk.last) in ranges:
        return  # repeated
    if begun is None and chunk.first > 0:
        raise RefusedCall(400, "The first chunk of this upload has not been received, or the upload has expired")
    if begun is not None and None not in (begun["total"], chunk.total) and begun["total"] != chunk.total:
        raise RefusedCall(400, f"The total in Content-Range is {chunk.total}, and was {begun['total']} before")
    if any(chunk.first <= last and first <= chunk.last for first, last in ranges):
        raise RefusedCall(400, "The chunk overlaps another one of this upload")
    missing = chunk.first - sum(last - first + 1 for first, last in ranges)
    if chunk.is_last and missing:
        raise RefusedCall(400, f"The last chunk was received before {missing} bytes of the other chunks")
