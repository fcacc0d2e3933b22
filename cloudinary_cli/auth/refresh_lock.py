"""The lock of one saved login: held by whoever spends, replaces or revokes its refresh token; no protocol in here."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import Iterator

from cloudinary_cli.defaults import REFRESH_LOCK_TIMEOUT_SECONDS, logger
from cloudinary_cli.utils.config_lock import file_lock
from cloudinary_cli.utils.config_store import ConfigStore


def refresh_lock_path(store: ConfigStore, name: str) -> str:
    """The lock file of one login. Names may hold any character, so the file is named by a hash."""
    return f"{store.lock_base}.{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}.lock"


@contextmanager
def refresh_lock(store: ConfigStore, name: str, timeout: float = REFRESH_LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
    """The lock of one login, for whoever spends or revokes its tokens. Order: this one first, then the store's.

    :raises LockTimeout: after `timeout` seconds.
    """
    store.make_directory()
    logger.debug("Waiting for the login '%s' to be free.", name)
    with file_lock(refresh_lock_path(store, name), timeout, f"The login '{name}'"):
        yield
