"""Temporary files beside their targets, locked while they are written, so that orphans can be told and removed."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
import time
from contextlib import contextmanager
from typing import IO, Iterator, Optional

PREFIX = ".cld-part-"
_NAME = re.compile(re.escape(PREFIX) + r"[0-9a-f]{16}\Z")
# Without locks (Windows, some network file systems) only age tells an orphan from a file of another run.
_ORPHAN_AGE_SECONDS = 24 * 3600


def new_path(directory: str) -> str:
    """The path of a new temporary file."""
    return os.path.join(directory, PREFIX + secrets.token_hex(8))


@contextmanager
def part_file(path: str) -> Iterator[IO[bytes]]:
    """Create the file of new_path() for the block, with the permissions that the umask allows.

    :raises OSError: the file system refuses.
    """
    file = _created(path)
    try:
        yield file
    finally:
        file.close()
        try:
            os.unlink(path)
        except OSError:
            pass  # published, or removed by an abort


def publish(file: IO[bytes], path: str, target: str) -> None:
    """Put the file in the place of `target`. It keeps its lock meanwhile, or another run could remove it.

    :raises OSError: the file system refuses; `target` is then untouched.
    """
    if os.name == "nt":
        file.close()  # an open file cannot be renamed there
    os.replace(path, target)


def _created(path: str) -> IO[bytes]:
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
        # Between the two calls another run may have taken it for an orphan, and removed it.
        if _locked(file.fileno()) is not False and os.path.exists(path):
            return file
        file.close()


def remove_orphan(path: str) -> bool:
    """Remove the temporary file of a run that was killed. False for one in use, or that is not a temporary file."""
    if not _NAME.match(os.path.basename(path)):
        return False
    try:
        # Neither a link is followed, nor does a pipe of that name block.
        handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        info = os.fstat(handle)
        is_locked = _locked(handle) if stat.S_ISREG(info.st_mode) else False
        is_orphan = time.time() - info.st_mtime > _ORPHAN_AGE_SECONDS if is_locked is None else is_locked
        if is_orphan and os.name != "nt":
            os.unlink(path)
    except OSError:
        return False
    finally:
        os.close(handle)
    return is_orphan and (os.name != "nt" or _unlinked(path))


def _unlinked(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


def _locked(handle: int) -> Optional[bool]:
    """Lock an open file until it is closed. False: another run has it. None: there are no locks here."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True
