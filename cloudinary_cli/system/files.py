"""Atomic writes: the content is written to a temporary file beside the target, flushed, and renamed.

Readers see either the old or the new content (POSIX rename, Windows ReplaceFile).

A temporary file has a random name and is created exclusively, so no other process writes to it, even where file locks
have no effect (NFS with `nolock`). It is locked while it is written, so the next write can recognize and remove a file
that a killed process has left behind.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
import time
from contextlib import suppress
from typing import IO, Callable, Optional

TEMP_PREFIX = ".tmp-"
# Without locks (some network file systems), only the age distinguishes an abandoned file from one in use.
_ORPHAN_AGE_SECONDS = 24 * 3600


class PendingFile:
    """A temporary file, created with mode 0600, that can be reserved early and committed later.

    Reserving allocates `reserve` bytes, so a full disk, an exhausted quota or a read-only directory is detected before
    a step that cannot be undone, such as sending a refresh token.

    :param name: a part of the temporary file's name. Files of that name that killed processes left are removed.
    :raises OSError: from the constructor or `commit`, when the file system refuses.
    """

    def __init__(self, target: str, reserve: int = 0, name: Optional[str] = None) -> None:
        # A symbolic link is kept; its target is replaced.
        self.target = os.path.realpath(target)
        directory = os.path.dirname(self.target)
        prefix = TEMP_PREFIX + (f"{name}-" if name else "")
        if name:
            _remove_orphans(directory, prefix)
        self.path = os.path.join(directory, prefix + secrets.token_hex(8))
        self._file: IO[bytes] = create_locked(self.path, 0o600)
        try:
            if reserve:
                _allocate(self._file, reserve)
        except BaseException:
            self.discard()
            raise

    def commit(self, data: bytes, mode: Optional[int] = None) -> None:
        """Replace the target with `data`; it is durable when this returns."""
        self._file.seek(0)
        self.write(data)
        self._file.truncate()
        self.publish(mode)

    def write(self, data: bytes) -> None:
        """Append a part of the content, for publish()."""
        self._file.write(data)

    def publish(self, mode: Optional[int] = None) -> None:
        """Replace the target with the written content; it is durable when this returns."""
        flush_to_disk(self._file)
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(self._file.fileno(), mode)
        publish(self._file, self.path, self.target)
        self._file.close()
        sync_directory(os.path.dirname(self.target))

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        with suppress(OSError):  # on a full disk, closing fails to flush again; that error has been raised already
            self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self.path)

    def __enter__(self) -> "PendingFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.discard()


def _allocate(file: IO[bytes], size: int) -> None:
    """Allocate `size` bytes on the disk for an empty file.

    :raises OSError: the disk or the quota is full, or the directory is read-only.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        # Where the file system has no such operation (NFS before 4.2), the C library writes into the cache only:
        # https://man7.org/linux/man-pages/man3/posix_fallocate.3.html#NOTES
        if os.fstat(file.fileno()).st_blocks * 512 >= size:
            return
    file.write(b"\0" * size)
    flush_to_disk(file)
    file.seek(0)


def create_locked(path: str, mode: int) -> IO[bytes]:
    """Create a file exclusively, never through a link, and lock it until it is closed.

    :raises OSError: the file system refuses.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags, mode), "r+b")
        # Between the two calls, another process may have removed it as abandoned.
        if try_lock(file.fileno()) is not False and os.path.exists(path):
            return file
        file.close()


def publish(file: IO[bytes], path: str, target: str) -> None:
    """Rename the open file at `path` to `target`. It stays locked until then, or it would look abandoned.

    A mount point cannot be replaced. Its content is overwritten, which is not atomic.

    :raises OSError: the file system refuses, or another process has replaced the file; `target` is then untouched.
    """
    file.flush()
    if os.name == "nt":
        file.close()  # an open file cannot be renamed there
    elif not os.path.samestat(os.fstat(file.fileno()), os.stat(path, follow_symlinks=False)):
        raise OSError(errno.ESTALE, "another process has replaced the temporary file")
    try:
        os.replace(path, target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # The target is a mount point, such as a single file of a container: `docker run -v FILE:FILE`.
        _overwrite(path, target)


def _overwrite(path: str, target: str) -> None:
    with open(path, "rb") as source, open(target, "r+b") as file:
        file.write(source.read())
        file.truncate()
        flush_to_disk(file)
    os.unlink(path)


def try_lock(handle: int) -> Optional[bool]:
    """Lock an open file until it is closed. False: another process has it. None: there are no locks here."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def remove_orphan(path: str) -> bool:
    """Remove a temporary file that no process is writing. False if it is in use, or not a regular file."""
    try:
        # Links are not followed, and a named pipe does not block.
        handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        info = os.fstat(handle)
        is_orphan = stat.S_ISREG(info.st_mode) and _is_abandoned(handle, path, info)
        if is_orphan and os.name != "nt":
            os.unlink(path)
    except OSError:
        return False
    finally:
        os.close(handle)
    return is_orphan and (os.name != "nt" or _unlinked(path))


def _is_abandoned(handle: int, path: str, info: os.stat_result) -> bool:
    is_locked = try_lock(handle)
    if is_locked:
        second = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            # If the file can be locked twice, locks have no effect on this file system.
            is_locked = None if try_lock(second) else True
        finally:
            os.close(second)
    return time.time() - info.st_mtime > _ORPHAN_AGE_SECONDS if is_locked is None else is_locked


def _unlinked(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


def _remove_orphans(directory: str, prefix: str) -> None:
    try:
        names = [name for name in os.listdir(directory) if name.startswith(prefix)]
    except OSError:  # a directory that is writable but not readable
        return
    for name in names:
        if re.match(r"[0-9a-f]{16}\Z", name[len(prefix) :]):
            remove_orphan(os.path.join(directory, name))


def make_private_directory(path: str) -> None:
    """Make a directory and its missing parents, 0700 whatever the umask is.

    :raises OSError: the file system refuses.
    """
    parent = os.path.dirname(path)
    if parent and not os.path.isdir(parent):
        make_private_directory(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def flush_to_disk(file: IO[bytes]) -> None:
    """Flush Python's and the system's buffers of one file."""
    file.flush()
    os.fsync(file.fileno())


def sync_directory(path: str) -> None:
    """Make a rename durable. Windows cannot open a directory, and does not need this."""
    if os.name == "nt":
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # a directory that is writable but not readable; the rename itself has succeeded
        return
    try:
        with suppress(OSError):  # some network file systems refuse this; the rename itself has succeeded
            os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: str, data: bytes, mode: Optional[int] = 0o600) -> None:
    """Replace `path` with `data`; without a mode, the umask decides.

    :raises OSError: the file system refuses; the old content is kept.
    """
    with PendingFile(path) as pending:
        pending.commit(data, mode if mode is not None else 0o666 & ~current_umask())


def atomic_write(filename: str, write_fn: Callable[[IO[str]], object], mode: Optional[int] = None) -> None:
    """Call `write_fn` with a text stream and replace `filename` with what it wrote."""
    import io

    text = io.StringIO()
    write_fn(text)
    write_atomically(filename, text.getvalue().encode("utf-8"), mode)


def current_umask() -> int:
    """The process's umask. Only Linux can read it without setting it for a moment."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
