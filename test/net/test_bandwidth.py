"""The limit of --bwlimit: the rate of all threads together, with a clock that the test moves."""

from __future__ import annotations

import threading
from typing import List

import pytest

from cloudinary_cli.net.bandwidth import Bandwidth
from cloudinary_cli.net.multipart import BLOCK
from cloudinary_cli.net.retry import StopFlag, Stopped


class Time(StopFlag):
    """A clock, and a stop flag whose wait moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.waits: List[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        if not self.is_set():
            self.now += seconds
        return self.is_set()


def test_without_a_limit_nothing_waits() -> None:
    time = Time()
    limit = Bandwidth(None, time, time)
    limit.take(10**12)
    assert time.waits == [] and limit.block == BLOCK


def test_the_bytes_take_the_time_that_the_rate_gives_them() -> None:
    time = Time()
    limit = Bandwidth(1000, time, time)
    for _ in range(50):
        limit.take(200)
    assert time.now == pytest.approx(110, abs=0.2)


def test_a_pause_is_not_made_up_for() -> None:
    time = Time()
    limit = Bandwidth(1000, time, time)
    limit.take(500)
    time.now += 60
    start = time.now
    for _ in range(10):
        limit.take(500)
    assert time.now - start >= 4.8


def test_threads_that_wait_at_the_same_time_take_turns() -> None:
    time = Time()
    limit = Bandwidth(1000, time, lambda: 100.0)  # the clock stands still: all calls are made at the same moment
    for _ in range(5):
        limit.take(1000)
    assert time.waits == pytest.approx([1, 2, 3, 4, 5])


def test_the_threads_share_one_limit() -> None:
    time = Time()
    limit = Bandwidth(100_000, time, lambda: 100.0)
    threads = [threading.Thread(target=lambda: [limit.take(1000) for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert max(time.waits) == pytest.approx(8, abs=0.2)  # 800,000 bytes


def test_a_stop_ends_the_wait() -> None:
    time = Time()
    limit = Bandwidth(1000, time, time)
    time.set()
    with pytest.raises(Stopped):
        limit.take(5000)


def test_a_real_wait_ends_when_the_run_is_stopped() -> None:
    stop = StopFlag()
    limit = Bandwidth(1024, stop)
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        limit.take(1024 * 3600)


@pytest.mark.parametrize(("rate", "block"), [(1024, 1024), (64 * 1024, 2048), (1024**2, 32 * 1024), (1024**3, BLOCK)])
def test_blocks_are_small_at_a_low_rate(rate: int, block: int) -> None:
    assert Bandwidth(rate).block == block
