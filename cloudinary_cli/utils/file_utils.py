"""Atomic writes to a file; knows nothing of what is written.

A write goes to a temporary file beside the target, is flushed to the disk, and then takes the target's place, so a
reader sees the old content or the new one, never a part (POSIX rename, Windows ReplaceFile).
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import IO, Callable, Optional, Type

TEMP_PREFIX = ".tmp-"


class PendingFile:
    """A temporary file, 0600 from birth, that can be reserved early and committed later.

    Reserving writes `size` zero bytes and flushes them, so that a full disk, a quota or a read-only directory is met
    before something that cannot be undone (the spending of a refresh token) and not after it.

    :param name: of the temporary file, where a lock makes its user the only one: what a killed process left behind
        is then replaced, not added to. Random without it.
    :raises OSError: from the constructor or `commit`, when the file system refuses.
    """

    def __init__(self, target: str, reserve: int = 0, name: Optional[str] = None) -> None:
        # The link stays a link: its target is what gets replaced.
        self.target = os.path.realpath(target)
        directory = os.path.dirname(self.target)
        if name is None:
            import tempfile

            handle, self.path = tempfile.mkstemp(prefix=TEMP_PREFIX, dir=directory)
        else:
            self.path = os.path.join(directory, TEMP_PREFIX + name)
            handle = _create_private(self.path)
        self._file: IO[bytes] = os.fdopen(handle, "r+b")
        try:
            if reserve:
                self._file.write(b"\0" * reserve)
                flush_to_disk(self._file)
        except BaseException:
            self.discard()
            raise

    def commit(self, data: bytes, mode: Optional[int] = None) -> None:
        """Replace the target by `data`, durable when this returns."""
        self._file.seek(0)
        self.write(data)
        self._file.truncate()
        self.publish(mode)

    def write(self, data: bytes) -> None:
        """A part of the content, for publish()."""
        self._file.write(data)

    def publish(self, mode: Optional[int] = None) -> None:
        """Replace the target by what was written, durable when this returns."""
        flush_to_disk(self._file)
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(self._file.fileno(), mode)
        self._file.close()
        os.replace(self.path, self.target)
        sync_directory(os.path.dirname(self.target))

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        try:
            self._file.close()
        except OSError:
            # Closing flushes what a full disk refused a moment ago; that error has been raised already.
            pass
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass

    def __enter__(self) -> "PendingFile":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.discard()


def _create_private(path: str) -> int:
    """Create `path` anew, 0600 from birth, never through a link that somebody put there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)


def flush_to_disk(file: IO[bytes]) -> None:
    """Flush Python's and the system's buffers of one file."""
    file.flush()
    os.fsync(file.fileno())


def sync_directory(path: str) -> None:
    """Make a rename durable. Windows cannot open a directory, and needs not."""
    if os.name == "nt":
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # a directory that may be written and not read: the rename itself has succeeded
        return
    try:
        os.fsync(handle)
    except OSError:
        # Some network file systems refuse to sync a directory; the rename itself has succeeded.
        pass
    finally:
        os.close(handle)


def write_atomically(path: str, data: bytes, mode: Optional[int] = 0o600) -> None:
    """Replace `path` by `data`; without a mode, by what the umask allows.

    :raises OSError: when the file system refuses; the old content is then untouched.
    """
    with PendingFile(path) as pending:
        pending.commit(data, mode if mode is not None else 0o666 & ~current_umask())


def atomic_write(filename: str, write_fn: Callable[[IO[str]], object], mode: Optional[int] = None) -> None:
    """Call `write_fn` with a text stream and put what it wrote in the place of `filename`."""
    import io

    text = io.StringIO()
    write_fn(text)
    write_atomically(filename, text.getvalue().encode("utf-8"), mode)


def current_umask() -> int:
    """The process's umask. Linux shows it without changing it; elsewhere it is set and set back."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    except OSError:
        pass
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
