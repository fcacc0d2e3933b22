"""Computes the MD5 hashes of the files of a table in the background. The cache of `cld sync` is not used: a check reads
the files, so it also finds content that has changed without new times.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import Dict, List, Optional

from cloudinary_cli.progress import Progress
from cloudinary_cli.transfer.check.file_table import FileTable
from cloudinary_cli.transfer.engine.records import LocalFile
from cloudinary_cli.transfer.sync.hashing import read_digest

_THREADS = min(8, (os.cpu_count() or 1) + 2)
_MD5_BYTES = 16
_SLICE_SECONDS = 0.2  # on Windows, Python runs signal handlers only between two waits
_QUEUED, _DONE = 1, 2


class Hashes:
    """The hashes of the files that were requested. close() ends the threads."""

    def __init__(self, table: FileTable, progress: Progress, threads: int = _THREADS) -> None:
        self.table = table
        self._progress = progress
        self._digests = bytearray(_MD5_BYTES * len(table))
        self._states = bytearray(len(table))
        self._errors: Dict[int, str] = {}
        self._queue: "SimpleQueue[Optional[int]]" = SimpleQueue()
        self._changed = threading.Condition()
        self.threads: List[threading.Thread] = []
        self._limit = threads

    def request(self, row: int) -> None:
        """Hash a file in the background, unless it was requested before. For one thread."""
        if self._states[row]:
            return
        self._states[row] = _QUEUED
        self._queue.put(row)
        if len(self.threads) < self._limit:
            self.threads.append(threading.Thread(target=self._work, daemon=True))
            self.threads[-1].start()

    def result(self, row: int) -> str:
        """Wait for the hash, hexadecimal. It is empty if there is an error()."""
        self.request(row)
        with self._changed:
            while self._states[row] != _DONE:
                self._changed.wait(_SLICE_SECONDS)
        return "" if row in self._errors else self._digests[row * _MD5_BYTES : (row + 1) * _MD5_BYTES].hex()

    def error(self, row: int) -> str:
        """Why a file has no hash; empty if it has one."""
        return self._errors.get(row, "")

    def etag(self, file: LocalFile) -> str:
        """The hash of a file of the table (a matching.Etag)."""
        return self.result(self.table.row_of_path(file.relative))

    def close(self) -> None:
        for _ in self.threads:
            self._queue.put(None)

    def _work(self) -> None:
        while True:
            row = self._queue.get()
            if row is None:
                return
            self._hash(row)
            with self._changed:
                self._states[row] = _DONE
                self._changed.notify_all()

    def _hash(self, row: int) -> None:
        file = self.table.file(row)
        try:
            with self._progress.item(file.relative, file.size) as item:
                digest, stamp = read_digest(file, lambda: True, item)
        except OSError as error:
            self._errors[row] = f"it cannot be read: {error.strerror or error}"
            return
        if not self.table.is_unchanged(row, stamp):
            self._errors[row] = "it has changed since the command was started"
            return
        self._digests[row * _MD5_BYTES : (row + 1) * _MD5_BYTES] = bytes.fromhex(digest)
