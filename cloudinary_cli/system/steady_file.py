"""Detects changes of local files while they are uploaded, so that a mixture of two states is never stored."""

from __future__ import annotations

import io
import os
import time
from typing import Callable, Optional, Tuple, TypeVar, Union

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError

# Linux updates file times every 1 to 10 ms, so two writes within that time may have the same timestamp.
_TICK_SECONDS = 0.02
_MAX_PAUSES = 25

Stamp = Tuple[int, ...]
T = TypeVar("T")


class LocalFileChanged(CliError):
    """The file was changed during its transfer."""


def stamp_of(info: os.stat_result) -> Stamp:
    """A value that changes when a file is written, truncated or replaced: device, inode, size, mtime and ctime."""
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, getattr(info, "st_ctime_ns", 0)


def settled(file: Union[str, int]) -> os.stat_result:
    """Wait until a file's last change is so old that another one will have a different timestamp; return its state.

    :param file: a path or a file descriptor.
    :raises LocalFileChanged: the file keeps changing.
    :raises OSError: the file cannot be read.
    """
    for _ in range(_MAX_PAUSES):
        info = os.stat(file)
        if abs(time.time() - max(info.st_mtime, info.st_ctime)) > _TICK_SECONDS:
            return info
        time.sleep(_TICK_SECONDS)
    raise LocalFileChanged("The file is changing all the time.")


def check_unchanged(handle: int, stamp: Optional[Stamp], path: str) -> None:
    """Compare an open file with an earlier stamp of it.

    :raises LocalFileChanged: they differ.
    """
    if stamp is not None and stamp_of(os.fstat(handle)) != stamp:
        raise LocalFileChanged(f"'{path}' changed while it was uploaded.")


def twice(path: str, call: Callable[[], T]) -> T:
    """Run `call`, and repeat it once if the file changed during the call.

    :raises LocalFileChanged: the file changed again.
    """
    try:
        return call()
    except LocalFileChanged:
        logger.debug("'%s' changed while it was uploaded. Uploading it again.", path)
    try:
        return call()
    except LocalFileChanged:
        raise LocalFileChanged(
            f"'{path}' changed while it was uploaded, twice, so nothing was stored. Run the command again when no"
            " program writes to it."
        ) from None


class SteadyFile(io.BufferedReader):
    """A file for reading that keeps the size it had when it was opened. read() raises LocalFileChanged after a change.

    :raises OSError: the file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        super().__init__(io.FileIO(path))
        self._path = path
        info = settled(self.fileno())
        self._size, self.stamp = info.st_size, stamp_of(info)

    def read(self, size: Optional[int] = -1, /) -> bytes:
        rest = max(0, self._size - self.tell())
        count = rest if size is None or size < 0 else min(size, rest)
        if not count:
            return b""  # everything was read, so a later change does not matter
        data = super().read(count)
        check_unchanged(self.fileno(), self.stamp, self._path)
        return data
