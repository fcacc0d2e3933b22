"""Log out, and refresh one login or all of them. These functions return what happened; they print nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from enum import Enum
from typing import Any, Callable, Dict, List, Mapping, Optional

from cloudinary_cli.auth import refresh_rules
from cloudinary_cli.auth.refresh import Refresher
from cloudinary_cli.auth.refresh_entry import SavedLogin
from cloudinary_cli.auth.refresh_lock import refresh_lock
from cloudinary_cli.auth.refresh_rules import RefreshOutcome, RefreshResult, holders, tokens_lost
from cloudinary_cli.auth.revocation import revocable_session, revoke_session
from cloudinary_cli.auth.sealing import require_keychain, vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.environment import environment_is_configured
from cloudinary_cli.config.login_state import State, saved_login_state
from cloudinary_cli.config.refresh_state import Kind
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import is_login, parse
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError

# How many logins are refreshed at the same time; each is one short request to the same host.
_PARALLEL_REFRESHES = 64
# Before each attempt at saving tokens that could not be saved at once.
_SAVE_PAUSES_SECONDS = (0.2, 0.8, 2.0)


class LogoutOutcome(str, Enum):
    """What a logout came to."""

    REMOVED = "removed"
    REVOKE_FAILED = "revoke_failed"
    NOT_FOUND = "not_found"
    NOT_OAUTH = "not_oauth"


def logout(store: ConfigStore, name: str, environ: Mapping[str, str], forget: bool = False) -> LogoutOutcome:
    """Revoke the login's refresh token (RFC 7009), then remove the entry, also when the revocation failed.

    The token is read under the login's lock, so that a running refresh ends first and the newest token is revoked.
    Entries with the same refresh token stay; they are marked as refused, and a warning names them. A login whose URL
    repeats a setting is revoked when its token and server are clear.

    :param forget: remove an encrypted login even when the keychain with its key is unavailable.
    :raises KeychainUnavailable: otherwise; the entry stays, since unlocking the keychain makes the revocation possible.
    :raises CliError: the entry could not be removed; the text says so if it was revoked nevertheless.
    """
    with refresh_lock(store, name) as locked:
        entry = locked.content.get(name)
        is_reserved = config_rules.is_reserved_config_name(name)
        if entry is None and not is_reserved:
            return LogoutOutcome.NOT_FOUND
        if is_reserved or not is_login(entry):
            return LogoutOutcome.NOT_OAUTH
        session = revocable_session(entry)
        if session is not None and not forget:
            require_keychain(session, name)
        revoked = session is not None and revoke_session(session, name) is not False
        try:
            store.remove_named(name, environment_is_configured(environ))
        except CliError as error:
            if revoked and session is not None and session.refresh_token:
                error.args = (f"'{name}' was revoked at the server, but is still saved here. {error}",)
            raise
        _end_copies(store, session, revoked)
        return LogoutOutcome.REMOVED if revoked else LogoutOutcome.REVOKE_FAILED


def revoke_replaced_entry(store: ConfigStore, url: str) -> bool:
    """Revoke a replaced login's refresh token and remove its key; True when it has none or the server accepted."""
    session = revocable_session(url)
    revoked = session is not None and revoke_session(session) is not False
    _end_copies(store, session, revoked)
    return revoked


def _end_copies(store: ConfigStore, session: Optional[Session], revoked: bool) -> None:
    """Mark the entries that hold the revoked refresh token as refused, and warn of them; else delete the login's key.

    A copy whose session could not be revoked still works, and an encrypted one needs the key.
    """
    if session is None:
        return
    copies = holders(store.load_fresh(), session) if session.refresh_token else []
    if not copies or revoked:
        vault().forget(session.key_id)
    if not copies or not revoked:
        return
    # SavedLogin writes all entries with this token at once.
    SavedLogin(store, copies[0], session, time.time).try_note(Kind.REFUSED)
    for name in copies:
        advice = refresh_rules.relogin_command(name, session.region)
        logger.warning("'%s' was the same session, and no longer works. Log in again: %s", name, advice)


def refresh_url(store: ConfigStore, name: str, url: str, force: bool = False, rejected: Optional[str] = None) -> str:
    """The URL with a usable token: the given one, a peer's, or a renewed one; the given one after a failure."""
    refresher = Refresher(store)
    result = refresher.refresh(name, url, force=force, rejected=rejected)
    if not result.saved:
        result = _save_late(refresher, name, result)
        if result.error is not None:
            logger.error("%s", result.error)
    elif result.error is not None:
        logger.warning("Refreshing '%s' failed; using the current token. %s", name, result.error)
    return result.url


def refresh_login(
    store: ConfigStore, name: str, force: bool = False, clock: Callable[[], float] = time.time
) -> RefreshResult:
    """Refresh one saved login and return all that is known about it."""
    return _refresh_entry(Refresher(store, clock), name, store.load(), force)


def _refresh_entry(refresher: Refresher, name: str, cfg: Mapping[str, Any], force: bool) -> RefreshResult:
    if config_rules.is_reserved_config_name(name) or name not in cfg:
        return RefreshResult(RefreshOutcome.NOT_FOUND, "")
    result = refresher.refresh(name, cfg[name], force=force or _is_dead(cfg[name], refresher.clock()))
    return result if result.saved else _save_late(refresher, name, result)


def _is_dead(url: Any, now: float) -> bool:
    """True for a login that cannot be renewed. A forced refresh sends nothing for it, and says why."""
    return is_oauth_url(url) and saved_login_state(parse(url).fields(), now).state is State.NEEDS_LOGIN


def _save_late(refresher: Refresher, name: str, result: RefreshResult) -> RefreshResult:
    """Try to save tokens that exist in memory only, for example after the disk was full for a moment."""
    reason = str(result.error)
    for pause in _SAVE_PAUSES_SECONDS:
        time.sleep(pause)
        try:
            if refresher.save_again(name, result.replaces or "", result.url):
                return replace(result, error=None, replaces=None)
            reason = "The entry was changed or removed by another command."
            break
        except CliError as error:
            reason = str(error)
    lost = tokens_lost(name, from_cloudinary_url(result.url), reason)
    return replace(result, outcome=RefreshOutcome.FAILED, error=lost)


def refresh_all(
    store: ConfigStore, force: bool = False, clock: Callable[[], float] = time.time
) -> Dict[str, RefreshResult]:
    """Refresh every saved login that is stale (with `force`, every one), several at a time; in file order.

    Each refresh holds the lock of its own login only, so a slow server does not block the others.
    """
    cfg = store.load()
    names = login_names(cfg)
    if not names:
        return {}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(_PARALLEL_REFRESHES, len(names))) as pool:
        # A Refresher runs one refresh at a time, so each login has its own.
        return dict(zip(names, pool.map(lambda name: _refresh_entry(Refresher(store, clock), name, cfg, force), names)))


def outcome_of(result: RefreshResult) -> RefreshOutcome:
    """The outcome; an error is logged, and counts as a failure also when tokens were refreshed and not saved."""
    if result.error is None:
        return result.outcome
    logger.error("%s", result.error)
    return result.outcome if result.outcome is RefreshOutcome.NOT_FOUND else RefreshOutcome.FAILED


def relogin_command(store: ConfigStore, name: str) -> str:
    """`cld login NAME [--region R]` for a saved login; without the region when config.json cannot be read."""
    try:
        entry = store.load().get(name)
    except CliError:
        entry = None
    return refresh_rules.relogin_command(name, *([from_cloudinary_url(entry).region] if is_oauth_url(entry) else []))


def login_names(cfg: Mapping[str, Any]) -> List[str]:
    """Names of the saved logins, in file order."""
    return [name for name in config_rules.user_config_names(cfg) if is_login(cfg[name])]
