"""What the threads of a command work on: items with their bytes, retries and pauses, and the rows that show them.

A thread reports through current_item(), whether or not anything is shown.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Callable, Deque, Dict, Iterator, List, Optional, Tuple

from cloudinary_cli.system.region import Row

_LARGE = 1 << 20  # bytes; the rows of smaller items would flicker
_MIN_SECONDS = 0.3
_LONG_SECONDS = 2.0
_MAX_ROWS = 8
_WIDE_COLUMNS = 70
_BAR_COLUMNS = 12
_SAMPLE_SECONDS = 0.1
_RATE_SAMPLES = 100  # so the rate is that of the last 10 seconds
_KIB = 1024.0


class Item:
    """One item in progress. Only its own thread writes `position`, so no lock is needed.

    :param size: bytes, if known. :param detail: returns a text instead of the bytes; such an item is always shown.
    :param whole: the item of which this one is a part.
    """

    def __init__(
        self,
        name: str = "",
        size: Optional[int] = None,
        detail: Optional[Callable[[], str]] = None,
        progress: "Optional[Progress]" = None,
        whole: "Optional[Item]" = None,
    ) -> None:
        self.name, self.size, self.detail = name, size, detail
        self._position = 0
        self._parts: List[Item] = []
        self._progress = progress
        self._whole = whole
        self._started = time.monotonic()
        self._attempt = ""
        self._waits_until = 0.0

    def waiting(self, attempt: int, attempts: int, seconds: float, blocks_all: bool) -> None:
        """Report that the request is repeated in `seconds`.

        :param attempt: the number of the next attempt, from 2. :param blocks_all: no other thread may send before.
        """
        self._attempt, self._waits_until = f"{attempt}/{attempts}", time.monotonic() + seconds
        if self._progress is not None:
            self._progress.note_retry(self._waits_until if blocks_all else 0.0)
        if self._whole is not None:
            self._whole.waiting(attempt, attempts, seconds, blocks_all)

    @property
    def position(self) -> int:
        """The bytes that were sent or received, including those of the parts."""
        return self._position + sum(part.position for part in self._parts)

    @position.setter
    def position(self, value: int) -> None:
        # A part that is sent again does not move the whole item back.
        self._position = value if self._whole is None else max(value, self._position)

    def split(self, count: int) -> "List[Item]":
        """Items for parts of this one that different threads send. They replace earlier parts."""
        self._position = 0
        self._parts = [Item(whole=self) for _ in range(count)]
        return self._parts

    @contextmanager
    def current(self) -> Iterator[None]:
        """Work on this item in this thread while the block runs."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    def is_shown(self, now: float) -> bool:
        """True for a large item, a slow one, and one that waits."""
        seconds = now - self._started
        is_large = self.size is not None and self.size >= _LARGE and seconds >= _MIN_SECONDS
        return self.detail is not None or is_large or seconds >= _LONG_SECONDS or now < self._waits_until

    def row(self, now: float, columns: int) -> Row:
        if now < self._waits_until:
            left = math.ceil(self._waits_until - now)
            return Row(self.name, f"retrying ({self._attempt}) in {readable_time(left)}", "yellow")
        if self.detail is not None:
            return Row(self.name, self.detail())
        seconds = now - self._started
        if not self.size:
            return Row(self.name, readable_time(seconds))
        if self.position >= self.size:
            what = ", waiting for the response" if columns >= _WIDE_COLUMNS else " sent"
            return Row(self.name, readable_size(self.size) + what)
        rate = f"{readable_size(self.position / max(seconds, 0.1))}/s"
        # The parts of a fixed width come last, so that they are aligned in all rows.
        percent = f"{100 * self.position // self.size:3d}%"
        if columns < _WIDE_COLUMNS:
            return Row(self.name, f"{readable_size(self.position)}  {rate}  {percent}")
        done = _BAR_COLUMNS * self.position // self.size
        bar = "#" * done + "-" * (_BAR_COLUMNS - done)
        sizes = f"{readable_size(self.position)} of {readable_size(self.size)}"
        return Row(self.name, f"{sizes}  {rate}  {percent}  [{bar}]")


_CURRENT: "ContextVar[Optional[Item]]" = ContextVar("item", default=None)


def current_item() -> Item:
    """The item that this thread works on; one that nobody sees if there is none."""
    return _CURRENT.get() or Item()


class Progress:
    """The items in progress of one command, in the order in which they were started."""

    def __init__(self) -> None:
        self._items: Dict[int, Item] = {}
        self._lock = threading.Lock()
        self.retries = 0
        self._paused_until = 0.0

    @contextmanager
    def item(self, name: str, size: Optional[int] = None, detail: Optional[Callable[[], str]] = None) -> Iterator[Item]:
        """Work on an item in this thread while the block runs."""
        item = Item(name, size, detail, self)
        self._items[id(item)] = item
        try:
            with item.current():
                yield item
        finally:
            del self._items[id(item)]

    def note_retry(self, paused_until: float) -> None:
        """Count a repeated request. :param paused_until: the time at which all threads may send again; 0 for none."""
        with self._lock:
            self.retries += 1
            self._paused_until = max(self._paused_until, paused_until)

    @property
    def position(self) -> int:
        """The bytes of the items in progress."""
        return sum(item.position for item in list(self._items.values()))

    def rows(self, columns: int, lines: int) -> List[Row]:
        """A row for each item that is large, slow or waiting, and for a pause of all requests."""
        now = time.monotonic()
        items = [item for item in list(self._items.values()) if item.is_shown(now)]
        most = max(1, min(_MAX_ROWS, lines - 5))
        rows = [item.row(now, columns) for item in items[:most]]
        if len(items) > most:
            rows.append(Row(f"and {len(items) - most} more"))
        left = self._paused_until - now
        if left > 0:
            end = time.strftime("%H:%M:%S", time.localtime(time.time() + left))
            rows.append(Row(f"Rate limit: until {end}", f"{math.ceil(left)} s left", "yellow"))
        return rows


class Total:
    """The row about all items of a run, with the rate of the last ten seconds.

    :param count: of the items; None if unknown. :param size: of the items in bytes; 0 if unknown.
    """

    def __init__(self, count: Optional[int], size: int = 0) -> None:
        self._count, self._size = count, size
        self._samples: Deque[Tuple[float, int, int]] = deque(maxlen=_RATE_SAMPLES)

    def row(self, done: int, position: int, failed: int, retries: int, columns: int) -> Row:
        """:param done: the finished items. :param position: bytes so far, including those of unfinished items."""
        now = time.monotonic()
        if not self._samples or now - self._samples[-1][0] >= _SAMPLE_SECONDS:
            self._samples.append((now, done, position))
        begun, first_done, first_position = self._samples[0]
        seconds = max(now - begun, 0.1)
        items_rate, rate = (done - first_done) / seconds, (position - first_position) / seconds
        # Each part with its rank: where the terminal is too narrow, the parts of the highest ranks are omitted.
        parts: List[Tuple[int, str]] = [(0, f"{done} done" if self._count is None else f"{done}/{self._count}")]
        if self._count:
            parts.append((5, f"{100 * done // self._count}%"))
        if self._size or position:
            of_size = f" of {readable_size(self._size)}" if self._size >= position else ""
            parts.append((3, f"{readable_size(position)}{of_size}"))
        if rate > 0:
            parts.append((4, f"{readable_size(rate)}/s"))
        elif items_rate > 0:
            parts.append((4, f"{items_rate:.1f} items/s"))
        left = self._seconds_left(done, position, items_rate, rate)
        if left is not None:
            parts.append((2, f"{readable_time(left)} left"))
        parts += [(1, f"{failed} failed")] if failed else []
        parts += [(6, counted(retries, "retry", "retries"))] if retries else []
        while len("  ".join(part for _, part in parts)) >= columns and len(parts) > 1:
            parts.remove(max(parts))
        return Row("  ".join(part for _, part in parts), color="red" if failed else "")

    def _seconds_left(self, done: int, position: int, items_rate: float, rate: float) -> Optional[float]:
        # The larger estimate: the last bytes may belong to one large item, or to many small ones.
        estimates = []
        if self._size > position and rate > 0:
            estimates.append((self._size - position) / rate)
        if self._count is not None and items_rate > 0:
            estimates.append((self._count - done) / items_rate)
        return max(estimates, default=None)


def counted(number: int, one: str, many: str) -> str:
    """`1 retry`, `2 retries`."""
    return f"{number} {one if number == 1 else many}"


def readable_size(size: float) -> str:
    """Bytes in binary units."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _KIB:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= _KIB
    return f"{size:.1f} TiB"


def readable_time(seconds: float) -> str:
    """`12 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
