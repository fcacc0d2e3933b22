"""Large files: the order of their chunks, failures of one chunk, and the requests that are sent at the same time."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from cloudinary_cli.auth.oauth_config import OAuthConfig
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ApiError
from cloudinary_cli.net.retry import Stopped
from cloudinary_cli.progress import Progress
from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings
from cloudinary_cli.transfer.http.upload import UploadSource, UploadTarget, upload
from test.support.cloudinary_server import CloudinaryServer, Request
from test.support.sandbox_client import SandboxClient

Make = Callable[..., UploadTarget]
CHUNK = 100_000
COUNT = 12
SIZE = (COUNT - 1) * CHUNK + 1
NAMED = {"public_id": "large.bin", "resource_type": "raw"}
RANGES = [
    *(f"bytes {start}-{start + CHUNK - 1}/{SIZE}" for start in range(0, SIZE - 1, CHUNK)),
    f"bytes {SIZE - 1}-{SIZE - 1}/{SIZE}",
]


@pytest.fixture(scope="module")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """A sandbox that accepts chunks smaller than those of the service."""
    data_dir = tmp_path_factory.mktemp("sandbox")
    with SandboxServer(SandboxSettings(data_dir, auto_approve=True, min_chunk=1000), threads=40) as server:
        yield server


@pytest.fixture
def large(tmp_path: Path) -> UploadSource:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return UploadSource.of_file(str(path))


@pytest.fixture
def there(box: SandboxClient, target: Make) -> Callable[..., UploadTarget]:
    """The sandbox as a target of chunks."""
    url = box.server.environment(Path("."))["CLOUDINARY_URL"]
    return lambda chunk_workers=8: target(url, 10, chunk_workers, CHUNK)


def md5(source: UploadSource) -> str:
    return hashlib.md5(Path(str(source.path)).read_bytes()).hexdigest()


def ranges(box: SandboxClient) -> List[str]:
    """The Content-Range of each request, in the order of arrival."""
    return [request["headers"]["content_range"] for request in box.requests("/v1_1")]


def stored(box: SandboxClient) -> List[str]:
    return [asset["public_id"] for asset in box.server.state.assets("sandbox").all()]


def test_the_first_chunk_arrives_first_and_the_last_one_last(
    box: SandboxClient, there: Callable[..., UploadTarget], large: UploadSource
) -> None:
    response = upload(there(), large, NAMED)
    assert response["etag"] == md5(large) and response["bytes"] == SIZE
    arrived = ranges(box)
    assert (arrived[0], arrived[-1]) == (RANGES[0], RANGES[-1]) and sorted(arrived) == sorted(RANGES)
    assert len({request["headers"]["x_unique_upload_id"] for request in box.requests("/v1_1")}) == 1


def test_one_worker_sends_the_chunks_in_order(
    box: SandboxClient, there: Callable[..., UploadTarget], large: UploadSource
) -> None:
    assert upload(there(chunk_workers=1), large, NAMED)["etag"] == md5(large)
    assert ranges(box) == RANGES


def test_eight_chunks_are_sent_at_the_same_time(server: CloudinaryServer, target: Make, large: UploadSource) -> None:
    together = threading.Barrier(8)
    arrived: List[str] = []

    def respond(request: Request) -> Any:
        arrived.append(request.headers["content-range"])
        if 1 < len(arrived) <= 9:
            together.wait(30)  # breaks unless eight requests wait here
        return {"public_id": "a"}

    server.on("POST", "/upload", respond)
    upload(target(server.config_url(), 10, 8, CHUNK), large, NAMED)
    assert not together.broken
    assert (arrived[0], arrived[-1], len(arrived)) == (RANGES[0], RANGES[-1], COUNT)


def test_no_chunk_is_sent_before_the_response_to_the_first_one(
    server: CloudinaryServer, target: Make, large: UploadSource
) -> None:
    seen_before: List[int] = []

    def respond(request: Request) -> Any:
        if request.headers["content-range"] in (RANGES[0], RANGES[-1]):
            threading.Event().wait(0.3)
            seen_before.append(len(server.requests))
        return {"public_id": "from-the-first-chunk"}

    server.on("POST", "/upload", respond)
    upload(target(server.config_url(), 10, 8, CHUNK), large, {"upload_preset": "p"})
    assert seen_before == [1, COUNT]
    ids = [request.field("public_id") for request in server.requests]
    assert ids == [None] + ["from-the-first-chunk"] * (COUNT - 1)


def test_several_large_files_share_the_connections(server: CloudinaryServer, target: Make, large: UploadSource) -> None:
    lock = threading.Lock()
    open_now, peak = [0], [0]

    def respond(request: Request) -> Any:
        with lock:
            open_now[0] += 1
            peak[0] = max(peak[0], open_now[0])
        threading.Event().wait(0.01)
        with lock:
            open_now[0] -= 1
        return {"public_id": "a"}

    server.on("POST", "/upload", respond)
    there = target(server.config_url(), 3, 8, CHUNK)
    threads = [threading.Thread(target=upload, args=(there, large, NAMED), daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert len(server.requests) == 3 * COUNT and 1 < peak[0] <= 3


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 429, "headers": {"Retry-After": "0"}}, {"mode": "reset"}]
)
@pytest.mark.parametrize("chunk_workers", [1, 8])
def test_a_chunk_is_repeated_after_a_transient_error(
    fault: Dict[str, Any],
    chunk_workers: int,
    box: SandboxClient,
    there: Callable[..., UploadTarget],
    large: UploadSource,
) -> None:
    box.fault("/v1_1", skip=4, **fault)
    assert upload(there(chunk_workers), large, NAMED)["etag"] == md5(large)
    assert len(ranges(box)) == COUNT + 1 and set(ranges(box)) == set(RANGES)


def test_a_chunk_that_is_refused_stops_the_others_and_nothing_is_stored(
    box: SandboxClient, there: Callable[..., UploadTarget], large: UploadSource
) -> None:
    before = stored(box)
    box.fault("/v1_1", skip=2, status=400, body={"error": {"message": "Bad chunk"}}, times=None)
    with pytest.raises(
        ApiError, match=r"^Bad chunk\. Chunk \d+ of 12 failed\. The other chunks were stopped, and the"
    ) as caught:
        upload(there(), large, NAMED)
    assert caught.value.status == 400
    assert RANGES[-1] not in ranges(box) and stored(box) == before


@pytest.mark.parametrize("skip", [0, COUNT - 1])
def test_the_error_of_the_first_or_last_chunk_is_that_of_the_server(
    skip: int, box: SandboxClient, there: Callable[..., UploadTarget], large: UploadSource
) -> None:
    box.fault("/v1_1", skip=skip, status=400, body={"error": {"message": "Invalid file"}})
    with pytest.raises(ApiError, match="^Invalid file$"):
        upload(there(), large, NAMED)
    assert len(ranges(box)) == skip + 1


def test_a_token_that_is_rejected_in_the_middle_is_renewed_once(
    box: SandboxClient, store: ConfigStore, target: Make, large: UploadSource
) -> None:
    box.save_login(store, "box", stale=False)
    config = OAuthConfig.bind_saved("box", store.load()["box"], store)
    there, expired = target(config, 10, 8, CHUNK), threading.Event()
    begin = there.session.bandwidth.take

    def expire_once(size: int) -> None:
        if len(ranges(box)) > 2 and not expired.is_set():
            expired.set()
            box.call(
                "POST", "clock", {"offset": 1000}
            )  # the server rejects the token that the client holds to be fresh
        begin(size)

    # Patched: the token has to expire while chunks are sent, and the limit of the bandwidth is called for each block.
    there.session.bandwidth.take = expire_once  # type: ignore[method-assign]
    assert upload(there, large, NAMED)["etag"] == md5(large) and expired.is_set()
    assert [entry["status"] for entry in box.requests("/v1_1")].count(401) >= 1
    assert box.stats["refresh_exchanges"] == 1


def test_a_lost_response_to_the_last_chunk_does_not_store_a_second_asset(
    box: SandboxClient, there: Callable[..., UploadTarget], large: UploadSource
) -> None:
    before = len(stored(box))
    box.fault("/v1_1", skip=COUNT - 1, mode="after")
    response = upload(there(), large, {"resource_type": "raw"})
    assert response["etag"] == md5(large) and len(stored(box)) == before + 1
    assert ranges(box)[-2:] == [RANGES[-1]] * 2


def test_a_stop_sends_no_further_chunk(server: CloudinaryServer, target: Make, large: UploadSource) -> None:
    there = target(server.config_url(), 10, 2, CHUNK)

    def respond(request: Request) -> Any:
        if len(server.requests) == 4:
            there.session.stop.request()
        return {"public_id": "a"}

    server.on("POST", "/upload", respond)
    with pytest.raises(Stopped):
        upload(there, large, NAMED)
    assert len(server.requests) <= 5
    assert RANGES[-1] not in [request.headers["content-range"] for request in server.requests]


def test_a_file_that_changes_between_chunks_is_sent_again_and_never_mixed(
    box: SandboxClient, there: Callable[..., UploadTarget], large: UploadSource
) -> None:
    path = Path(str(large.path))
    fresh = path.with_name("fresh.bin")
    fresh.write_bytes(os.urandom(SIZE))
    target, changed = there(), threading.Event()
    begin = target.session.bandwidth.take

    def change_once(size: int) -> None:
        if len(ranges(box)) > 4 and not changed.is_set():
            changed.set()
            fresh.replace(path)  # in one step: the threads of other chunks may read the file at any moment
        begin(size)

    # Patched: the change has to come while a chunk is read, and the limit of the bandwidth is called for each block.
    target.session.bandwidth.take = change_once  # type: ignore[method-assign]
    assert upload(target, large, NAMED)["etag"] == md5(large) and changed.is_set()
    ids = [request["headers"]["x_unique_upload_id"] for request in box.requests("/v1_1")]
    assert len(set(ids)) == 2 and ids.count(ids[-1]) == COUNT


def test_the_progress_is_the_sum_of_the_chunks_and_never_goes_back(
    box: SandboxClient, there: Callable[..., UploadTarget], large: UploadSource
) -> None:
    box.fault("/v1_1", skip=3, mode="reset")
    target, progress, lock = there(), Progress(), threading.Lock()
    positions: List[int] = []
    begin = target.session.bandwidth.take

    def note(size: int) -> None:
        with lock:
            positions.append(progress.position)
        begin(size)

    target.session.bandwidth.block = 64 * 1024  # less than a chunk of this test
    target.session.bandwidth.take = note  # type: ignore[method-assign]  # Patched: it is called for each block.
    with progress.item("large.bin", SIZE) as item:
        upload(target, large, NAMED)
        assert item.position == SIZE
    assert positions == sorted(positions) and max(positions) <= SIZE and len(set(positions)) > COUNT
    assert progress.retries == 1
