"""The lock of one saved login, held while its refresh token is spent, replaced or revoked."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from typing import Any, Iterator, List, Mapping
from urllib.parse import urlencode

from cloudinary_cli.auth.refresh_rules import holds
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url
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


@contextmanager
def locked_login(store: ConfigStore, name: str, session: Session, timeout: float) -> Iterator[None]:
    """The locks of all entries with this refresh token, in the order of their names: that rules a deadlock out.

    :raises LockTimeout: one of them was not free in time.
    """
    wanted = {name, *holders(store.load(), session)}
    while True:
        with ExitStack() as stack:
            for each in sorted(wanted):
                stack.enter_context(refresh_lock(store, each, timeout))
            # What the entry holds now: a peer may have rotated, and the new token may stand in other entries.
            cfg = store.load_fresh()
            entry = cfg.get(name)
            needed = {name, *(holders(cfg, from_cloudinary_url(entry)) if is_oauth_url(entry) else ())}
            if needed <= wanted:
                yield
                return
        wanted |= needed


def holders(cfg: Mapping[str, Any], session: Session) -> List[str]:
    """The names of the entries that hold this session's refresh token, such as a copy under another name."""
    if session.refresh_token is None:
        return []
    # The text is compared first, because parsing thousands of entries takes longer than a refresh.
    part = urlencode({"refresh_token": session.refresh_token})
    return [name for name, entry in cfg.items() if isinstance(entry, str) and part in entry and holds(entry, session)]
