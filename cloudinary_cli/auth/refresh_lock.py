"""The lock of one saved login, held by whoever spends, replaces or revokes its refresh token.

Entries with the same refresh token, such as a copy under another name, are one login: all their locks are held.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from typing import Any, Iterator, Mapping, Set

from cloudinary_cli.auth.refresh_rules import holders
from cloudinary_cli.auth.session import from_cloudinary_url, is_oauth_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import REFRESH_LOCK_TIMEOUT_SECONDS, logger
from cloudinary_cli.system.lock import file_lock


def refresh_lock_path(store: ConfigStore, name: str) -> str:
    """The lock file of one login. Names may hold any character, so the file is named by a hash."""
    return f"{store.lock_base}.{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}.lock"


@contextmanager
def refresh_lock(store: ConfigStore, name: str, timeout: float = REFRESH_LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
    """The lock of one login and of its copies. Order: these by name, which rules out a deadlock, then the store's.

    :param timeout: seconds for each lock.
    :raises LockTimeout: after `timeout` seconds. :raises ConfigFileError: config.json cannot be read.
    """
    store.make_directory()
    wanted = _names_of_login(store.load(), name)
    while True:
        with ExitStack() as held:
            for each in sorted(wanted):
                logger.debug("Waiting for the login '%s' to be free.", each)
                held.enter_context(file_lock(refresh_lock_path(store, each), timeout, f"The login '{each}'"))
            # While this process waited, a peer may have written a token that other entries hold as well.
            needed = _names_of_login(store.load(), name)
            if needed <= wanted:
                yield
                return
        wanted |= needed


def _names_of_login(cfg: Mapping[str, Any], name: str) -> Set[str]:
    entry = cfg.get(name)
    return {name, *holders(cfg, from_cloudinary_url(entry))} if is_oauth_url(entry) else {name}
