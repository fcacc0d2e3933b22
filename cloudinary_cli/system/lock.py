"""A lock between processes: a kernel lock on a file of mode 0600, reentrant within a thread, with a timeout."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Iterator

from cloudinary_cli.errors import ConfigFileError, LockTimeout

if TYPE_CHECKING:
    from filelock import BaseFileLock

_POLL_SECONDS = 0.02


@lru_cache(maxsize=None)
def _lock_object(path: str) -> "BaseFileLock":
    # One object per path and process, because filelock counts nested acquisitions of a thread in the object.
    from filelock import FileLock

    return FileLock(path, mode=0o600)


@contextmanager
def file_lock(path: str, timeout: float, what: str) -> Iterator[None]:
    """Hold an exclusive kernel lock on `path`, which is never deleted. The kernel releases it when a process dies.

    :param timeout: seconds to wait.
    :param what: the subject of the error, for example "config.json".
    :raises LockTimeout: when another thread or process holds it longer.
    :raises ConfigFileError: when the lock file cannot be used.
    """
    from filelock import Timeout

    if os.path.islink(path):
        raise ConfigFileError(f"The lock file {path} is a symbolic link. Remove it: rm {path}")
    lock = _lock_object(path)
    try:
        lock.acquire(timeout=timeout, poll_interval=_POLL_SECONDS)
    except Timeout:
        raise LockTimeout(
            f"{what} is locked by another process (waited {timeout:g} s for {path}). Try again in a moment."
        ) from None
    except (OSError, NotImplementedError) as error:  # the latter: a file system without flock
        reason = getattr(error, "strerror", None) or error
        raise ConfigFileError(f"Cannot lock {path}: {reason}.") from error
    try:
        yield
    finally:
        lock.release()
