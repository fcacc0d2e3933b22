"""Reads lines from a stream without blocking, for a program that also waits for other events."""

from __future__ import annotations

import os
import select
import sys
import threading
from queue import Empty, SimpleQueue
from typing import IO, Any, Optional

_CHUNK = 4096


class LineReader:
    """Reads the lines of a stream with a file descriptor.

    The descriptor is read directly, because a thread in readline() would hold the stream's lock when the program ends.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._fd = stream.fileno()
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._pending = b""
        self.at_end = False
        self._chunks: Optional["SimpleQueue[bytes]"] = SimpleQueue() if sys.platform == "win32" else None
        if self._chunks is not None:  # select() on Windows supports sockets only
            threading.Thread(target=self._pump, args=(self._chunks,), daemon=True).start()

    def poll(self) -> Optional[str]:
        """The next line without its line break, or None if no complete line has arrived."""
        while b"\n" not in self._pending and not self.at_end:
            chunk = self._chunk()
            if chunk is None:
                return None
            self._pending += chunk
            self.at_end = not chunk
        if not self._pending:
            return None
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode(self._encoding, "replace").rstrip("\r")

    def _chunk(self) -> Optional[bytes]:
        """The bytes that have arrived; None if there are none yet; empty at the end of the stream."""
        try:
            if self._chunks is not None:
                return self._chunks.get_nowait()
            if not select.select([self._fd], [], [], 0)[0]:
                return None
            return os.read(self._fd, _CHUNK)
        except Empty:
            return None
        except (OSError, ValueError):
            return b""

    def _pump(self, chunks: Any) -> None:
        chunk = b"more"
        while chunk:
            try:
                chunk = os.read(self._fd, _CHUNK)
            except OSError:
                chunk = b""
            chunks.put(chunk)
