"""Limits the rate at which all threads of a command send and receive content."""

from __future__ import annotations

import threading
import time
from typing import Callable, Optional

from cloudinary_cli.net.multipart import BLOCK
from cloudinary_cli.net.retry import StopFlag, Stopped

_BURST_SECONDS = 0.1
# With a limit, blocks are so small that each of 32 threads gets one per second. Servers close connections that are idle
# for much longer.
_BLOCKS_PER_SECOND = 32
_MIN_BLOCK = 1024  # bytes


class Bandwidth:
    """A token bucket for bytes, which all threads of a command share.

    Each block is assigned the time at which it may be sent or has been received, in the order of the calls. So the
    threads take turns, and the sum of their rates keeps to the limit. Unused time does not add up: at most
    the bytes of a tenth of a second pass without waiting.

    :param rate: bytes per second; None for no limit.
    :param stop: ends all waiting when it is set.
    :param clock: returns seconds.
    """

    def __init__(
        self, rate: Optional[int] = None, stop: Optional[StopFlag] = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._stop = stop or StopFlag()
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock()
        self.block = BLOCK if rate is None else max(_MIN_BLOCK, min(BLOCK, rate // _BLOCKS_PER_SECOND))

    def take(self, size: int) -> None:
        """Wait until `size` more bytes may pass.

        :raises Stopped: the run was stopped during the wait.
        """
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now - _BURST_SECONDS) + size / self._rate
            wait = self._free_at - now
        if wait > 0 and self._stop.wait(wait):
            raise Stopped
