"""The lock of one saved login, held while its refresh token is sent, replaced or revoked.

Entries with the same refresh token, such as a copy under another name, are one login: all their locks are held.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from typing import Any, Dict, Iterator, Mapping, NamedTuple, Set

from cloudinary_cli.auth.refresh_rules import holders
from cloudinary_cli.auth.session import from_cloudinary_url, is_oauth_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import REFRESH_LOCK_TIMEOUT_SECONDS, logger
from cloudinary_cli.system.lock import file_lock


class LockedLogin(NamedTuple):
    """The content of config.json as read under the locks, and the names of the entries that are the login."""

    content: Dict[str, Any]
    names: Set[str]


def lock_id(name: str) -> str:
    """A hash of the name, for file names: the name of a login may contain any character."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def refresh_lock_path(store: ConfigStore, name: str) -> str:
    """The lock file of one login."""
    return f"{store.lock_base}.{lock_id(name)}.lock"


@contextmanager
def refresh_lock(store: ConfigStore, name: str, timeout: float = REFRESH_LOCK_TIMEOUT_SECONDS) -> Iterator[LockedLogin]:
    """Hold the locks of one login and of its copies, and yield the content that was read under them.

    These locks are taken in the order of their names, and before the lock of config.json, which rules out a deadlock.

    :param timeout: seconds for each lock.
    :raises LockTimeout: after `timeout` seconds.
    :raises ConfigFileError: config.json cannot be read.
    """
    store.make_directory()
    content = store.load()
    wanted = _names_of_login(content, name)
    while True:
        with ExitStack() as held:
            for each in sorted(wanted):
                logger.debug("Waiting for the login '%s' to be free.", each)
                held.enter_context(file_lock(refresh_lock_path(store, each), timeout, f"The login '{each}'"))
            # While this process waited, another one may have written a token that more entries hold.
            before, content = content, store.load_fresh()
            needed = wanted if content == before else _names_of_login(content, name)
            if needed <= wanted:
                yield LockedLogin(content, needed)
                return
        wanted |= needed


def _names_of_login(content: Mapping[str, Any], name: str) -> Set[str]:
    entry = content.get(name)
    return {name, *holders(content, from_cloudinary_url(entry))} if is_oauth_url(entry) else {name}
