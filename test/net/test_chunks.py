"""The order of chunks and their threads, without a server."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, List, Optional

import pytest

from cloudinary_cli.errors import ApiError, AuthenticationError
from cloudinary_cli.net.chunks import Chunk, ChunkStopped, ChunkWorkers, send_chunks
from cloudinary_cli.net.retry import Stopped


def test_a_chunk_that_is_being_sent_stops_when_another_one_fails() -> None:
    begun, stopped = threading.Event(), threading.Event()

    def send(chunk: Chunk, public_id: Optional[str]) -> Dict[str, Any]:
        if chunk.number == 2:
            assert begun.wait(30)
            raise ApiError("no", 400)
        if chunk.number == 3:
            begun.set()
            try:
                while True:  # a body that never ends
                    chunk.check()
                    time.sleep(0.01)
            except ChunkStopped:
                stopped.set()
                raise
        return {}

    with pytest.raises(ApiError, match="^no. Chunk 2 of 10 failed"):
        send_chunks(1000, 100, ChunkWorkers(2), send)
    assert stopped.wait(30)


@pytest.mark.parametrize("error", [Stopped(), KeyboardInterrupt(), ValueError("a defect")])
@pytest.mark.parametrize("workers", [1, 4])
def test_any_other_error_is_raised_as_it_is_and_ends_the_file(error: BaseException, workers: int) -> None:
    sent: List[int] = []

    def send(chunk: Chunk, public_id: Optional[str]) -> Dict[str, Any]:
        sent.append(chunk.number)
        if chunk.number > 1:
            if threading.current_thread() is own:
                raise error
            assert failed.wait(30)  # so that the helpers leave a chunk to the thread of the file
        return {}

    own, failed = threading.current_thread(), threading.Event()
    with pytest.raises(type(error)):
        send_chunks(1000, 100, ChunkWorkers(workers), send)
    failed.set()
    assert 10 not in sent and len(sent) <= 1 + workers


def test_a_rejected_credential_stays_an_authentication_error() -> None:
    def send(chunk: Chunk, public_id: Optional[str]) -> Dict[str, Any]:
        if chunk.number == 3:
            raise AuthenticationError("unknown key", advice="Log in.")
        return {}

    with pytest.raises(AuthenticationError) as caught:
        send_chunks(1000, 100, ChunkWorkers(1), send)
    assert caught.value.status == 401 and caught.value.message.endswith("the file was not stored. Log in.")


def test_a_file_goes_on_while_the_helpers_are_busy_with_another_one() -> None:
    workers, gate = ChunkWorkers(2), threading.Event()
    busy = threading.Event()

    def slow(chunk: Chunk, public_id: Optional[str]) -> Dict[str, Any]:
        if chunk.number > 1:
            busy.set()
            assert gate.wait(30)
        return {"file": "slow"}

    results: List[Dict[str, Any]] = []
    other = threading.Thread(target=lambda: results.append(send_chunks(1000, 100, workers, slow)), daemon=True)
    other.start()
    assert busy.wait(30)
    assert send_chunks(1000, 100, workers, lambda chunk, public_id: {"number": chunk.number}) == {"number": 10}
    assert results == []
    gate.set()
    other.join(30)
    assert results == [{"file": "slow"}]


@pytest.mark.parametrize(("size", "count"), [(1, 1), (100, 1), (101, 2), (200, 2), (201, 3)])
def test_the_chunks_cover_the_file(size: int, count: int) -> None:
    ranges: List[str] = []

    def send(chunk: Chunk, public_id: Optional[str]) -> Dict[str, Any]:
        ranges.append(chunk.headers["Content-Range"])
        return {}

    send_chunks(size, 100, ChunkWorkers(8), send)
    starts = range(0, size, 100)
    assert ranges == [f"bytes {start}-{min(start + 100, size) - 1}/{size}" for start in starts] and len(ranges) == count
