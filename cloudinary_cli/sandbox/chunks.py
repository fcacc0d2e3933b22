"""Chunked uploads: assembles a file from parts that arrive in any order."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from .state import RefusedCall, SandboxState

CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|-1|\*)\Z")
BLOCK = 1 << 20


class Chunk:
    """One part of an upload, described by its headers."""

    def __init__(self, content_range: str, upload_id: str) -> None:
        match = CONTENT_RANGE.match(content_range)
        if match is None or int(match.group(2)) < int(match.group(1)):
            raise RefusedCall(400, f"Invalid Content-Range header: {content_range[:80]}")
        self.first, self.last = int(match.group(1)), int(match.group(2))
        self.total: Optional[int] = int(match.group(3)) if match.group(3).isdigit() else None
        # The client chooses the ID; only its hash may become a file name.
        self.key = hashlib.sha256(upload_id.encode("utf-8")).hexdigest()


class ChunkStore:
    """The parts received so far. An upload is done when its parts cover it from the first byte to the last."""

    def __init__(self, state: SandboxState, cloud: str) -> None:
        self._state = state
        self._cloud = cloud

    def path(self, chunk: Chunk) -> Path:
        """The file that the parts are written into."""
        return self._state.temp_dir / f"chunks-{chunk.key}"

    def result(self, chunk: Chunk) -> Optional[Dict[str, Any]]:
        """The response of the finished upload, which is sent again if the last part is repeated; None before."""
        return self._state.storage.document(self._cloud, "chunked_upload", chunk.key)

    def remember(self, chunk: Chunk, response: Dict[str, Any]) -> None:
        """Store the response of a finished upload."""
        self._state.storage.put_document(self._cloud, "chunked_upload", chunk.key, response)

    def forget_parts(self, chunk: Chunk) -> None:
        """Delete the records of received parts, so that this upload ID can be used again."""
        with self._state.storage.write() as connection:
            connection.execute("DELETE FROM chunks WHERE upload_id = ?", (chunk.key,))

    def add(self, chunk: Chunk, part: Path) -> Tuple[int, bool]:
        """Write one part into the file. Returns the bytes received so far, and whether this call completed the upload.

        :raises RefusedCall: 400 when the size of the part does not match its header.
        """
        size = part.stat().st_size
        if size != chunk.last - chunk.first + 1:
            part.unlink()
            raise RefusedCall(400, f"Content-Range does not match the {size} bytes of the part")
        target = self.path(chunk)
        target.touch()
        with part.open("rb") as source, target.open("r+b") as file:
            file.seek(chunk.first)
            for block in iter(lambda: source.read(BLOCK), b""):
                file.write(block)
        part.unlink()
        with self._state.storage.write() as connection:
            before = self._received(connection.execute(_RANGES, (chunk.key,)).fetchall())
            connection.execute("INSERT OR IGNORE INTO chunks VALUES (?, ?, ?)", (chunk.key, chunk.first, chunk.last))
            after = self._received(connection.execute(_RANGES, (chunk.key,)).fetchall())
        self._state.counters.add("upload_chunks")
        return after, chunk.total is not None and after >= chunk.total > before

    @staticmethod
    def _received(ranges: List[Any]) -> int:
        """Bytes covered by the parts, overlaps counted once."""
        covered, end = 0, -1
        for first, last in ranges:
            covered += max(0, last - max(first, end + 1) + 1)
            end = max(end, last)
        return covered


_RANGES = "SELECT first, last FROM chunks WHERE upload_id = ? ORDER BY first, last"
