"""Sends the chunks of a large file in the order that the Upload API requires.

The first chunk must have arrived before the others, and the last one must arrive after all others. The chunks between
them may arrive in any order, so several threads send them: https://support.cloudinary.com/hc/en-us/articles/208263735
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections import deque
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Deque, Dict, List, Optional

from cloudinary_cli.errors import ApiError
from cloudinary_cli.progress import Item, current_item

CHUNK_SIZE = 20_000_000  # bytes; the SDK's UPLOAD_LARGE_CHUNK_SIZE
# In bytes. The service refuses other chunks than the last one up to this size.
TOO_SMALL_CHUNK = 5 * 1024**2
DEFAULT_CHUNK_WORKERS = 8
_SLICE_SECONDS = 0.2  # Python runs signal handlers between two waits of the main thread


class ChunkStopped(Exception):
    """Another chunk of the file has failed, so this one is not sent any further."""


@dataclass(frozen=True)
class Chunk:
    """One chunk of a file, `number` of `count`.

    :param upload_id: the same for all chunks. The server uses it to join them, and to detect a repeated chunk.
    :param item: shows the progress of this chunk.
    :param check: raises ChunkStopped after another chunk has failed. Call it while the chunk is sent.
    """

    number: int  # from 1
    count: int
    offset: int
    size: int
    total: int
    upload_id: str
    item: Item = field(default_factory=Item, compare=False)
    check: Callable[[], None] = field(default=lambda: None, compare=False)

    @property
    def headers(self) -> Dict[str, str]:
        content_range = f"bytes {self.offset}-{self.offset + self.size - 1}/{self.total}"
        return {"X-Unique-Upload-Id": self.upload_id, "Content-Range": content_range}


Response = Dict[str, Any]
# Sends a chunk, with the public ID of the response to the first chunk (None for the first chunk itself).
Send = Callable[[Chunk, Optional[str]], Response]


class ChunkWorkers:
    """Threads that help to send the chunks of large files. All files of a command share them.

    The thread of a file sends chunks itself, and never waits for a helper that is busy with another file.

    :param count: how many chunks of one file are sent at a time. 1: in order, by the thread of the file.
    """

    def __init__(self, count: int = DEFAULT_CHUNK_WORKERS) -> None:
        self._helpers = count - 1
        self._running = 0
        self._lock = threading.Lock()
        self._tasks: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()

    def help(self, work: Callable[[], None], most: int) -> None:
        """Run `work` in up to `most` threads, each of them when it is free. They inherit the context variables."""
        for _ in range(min(most, self._helpers)):
            self._tasks.put(partial(copy_context().run, work))
            with self._lock:
                if self._running < self._helpers:
                    self._running += 1
                    threading.Thread(target=self._run, name="chunks", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                with self._lock:
                    if self._tasks.empty():
                        self._running -= 1
                        return
                continue
            task()


def send_chunks(size: int, chunk_size: int, workers: ChunkWorkers, send: Send) -> Response:
    """Send a file of `size` bytes in chunks. Returns the response to the last chunk.

    The first failure of a chunk stops the others, and is raised.
    """
    middle = _Middle(send)
    first, *rest = _chunks(size, chunk_size, middle.check)
    result = _sent(send, first, None)
    if not rest:
        return result
    *between, last = rest
    public_id = result.get("public_id")  # upload_large of the SDK sends it with the other chunks, too
    middle.run(between, public_id, workers)
    return _sent(send, last, public_id)


def _chunks(size: int, chunk_size: int, check: Callable[[], None]) -> List[Chunk]:
    upload_id, offsets = secrets.token_hex(16), range(0, size, chunk_size)
    items = current_item().split(len(offsets))
    return [
        Chunk(number, len(offsets), offset, min(chunk_size, size - offset), size, upload_id, item, check)
        for number, (offset, item) in enumerate(zip(offsets, items), 1)
    ]


def _sent(send: Send, chunk: Chunk, public_id: Optional[str]) -> Response:
    with chunk.item.current():
        return send(chunk, public_id)


class _Middle:
    """The chunks between the first and the last one, which may be sent in any order."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._public_id: Optional[str] = None
        self._pending: Deque[Chunk] = deque()
        self._active = 0
        self._error: Optional[BaseException] = None
        self._changed = threading.Condition()

    def check(self) -> None:
        """:raises ChunkStopped: a chunk has failed."""
        if self._error is not None:
            raise ChunkStopped

    def run(self, chunks: List[Chunk], public_id: Optional[str], workers: ChunkWorkers) -> None:
        """Send all of them. Raises the first error, without waiting for the requests that it stops."""
        self._pending.extend(chunks)
        self._public_id = public_id
        workers.help(self._work, len(chunks) - 1)
        try:
            self._work()
            with self._changed:
                while self._active and self._error is None:
                    self._changed.wait(_SLICE_SECONDS)
        except BaseException as error:
            self._fail(error)  # a signal arrived: the helpers stop, too
            raise
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        for chunk in iter(self._next, None):
            try:
                _sent(self._send, chunk, self._public_id)
            except BaseException as error:
                self._fail(_explained(error, chunk))
                if not isinstance(error, Exception):
                    raise
            finally:
                with self._changed:
                    self._active -= 1
                    self._changed.notify()

    def _next(self) -> Optional[Chunk]:
        with self._changed:
            if self._error is not None or not self._pending:
                return None
            self._active += 1
            return self._pending.popleft()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify()


def _explained(error: BaseException, chunk: Chunk) -> BaseException:
    if not isinstance(error, ApiError):
        return error
    text = str(error)
    end = "" if text.endswith((".", "!", "?")) else "."
    what = f"Chunk {chunk.number} of {chunk.count} failed. The other chunks were stopped, and the file was not stored."
    explained = type(error)(f"{text}{end} {what}", error.status, error.advice)
    explained.__cause__ = error
    return explained
