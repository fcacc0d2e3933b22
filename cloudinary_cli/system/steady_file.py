"""Reads local files so that a change meanwhile is noticed, and what is sent is never a mixture of two states."""

from __future__ import annotations

import io
import os
import time
from typing import Callable, Optional, Tuple, TypeVar, Union

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError

# Linux takes file times from a clock that ticks every 1 to 10 ms: two writes within a tick get the same time.
_TICK_SECONDS = 0.02
_PAUSES = 25  # how many ticks to wait for a file to rest

Stamp = Tuple[int, ...]
T = TypeVar("T")


class LocalFileChanged(CliError):
    """The file is not what it was when its transfer began."""


def stamp_of(info: os.stat_result) -> Stamp:
    """What differs after a file was appended to, cut, rewritten, or replaced: device, inode, size, mtime and ctime."""
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, getattr(info, "st_ctime_ns", 0)


def settled(file: Union[str, int]) -> os.stat_result:
    """The state of a path or an open file whose last change is long enough ago for the next one to show in its times.

    :raises LocalFileChanged: something writes to it all the time. :raises OSError: it cannot be read.
    """
    for _ in range(_PAUSES):
        info = os.stat(file)
        if abs(time.time() - max(info.st_mtime, info.st_ctime)) > _TICK_SECONDS:
            return info
        time.sleep(_TICK_SECONDS)
    raise LocalFileChanged("The file changes all the time.")


def check_unchanged(handle: int, stamp: Optional[Stamp], path: str) -> None:
    """:raises LocalFileChanged: the open file is not what it was."""
    if stamp is not None and stamp_of(os.fstat(handle)) != stamp:
        raise LocalFileChanged(f"'{path}' changed while it was uploaded.")


def twice(path: str, call: Callable[[], T]) -> T:
    """Call, and once more if the file changed meanwhile.

    :raises LocalFileChanged: it changed again.
    """
    try:
        return call()
    except LocalFileChanged:
        logger.debug("'%s' changed while it was uploaded. Uploading it again.", path)
    try:
        return call()
    except LocalFileChanged:
        raise LocalFileChanged(
            f"'{path}' changed while it was uploaded, twice, so nothing was stored. Run the command again when nothing"
            " writes to it."
        ) from None


class SteadyFile(io.BufferedReader):
    """A file for reading. It ends at the size that it has now; reading raises LocalFileChanged after a change.

    :raises OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        super().__init__(io.FileIO(path))
        self._path = path
        info = settled(self.fileno())
        self._size, self._stamp = info.st_size, stamp_of(info)

    def read(self, size: Optional[int] = -1, /) -> bytes:
        rest = max(0, self._size - self.tell())
        count = rest if size is None or size < 0 else min(size, rest)
        if not count:
            return b""  # all has been handed out, so a change makes no difference any more
        data = super().read(count)
        check_unchanged(self.fileno(), self._stamp, self._path)
        return data
