"""The use cases of OAuth login: log in, log out, refresh one or all. They return what happened and print nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from enum import Enum
from typing import Any, Dict, List, Mapping, Optional, Tuple

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome, RefreshResult, refresh_lock
from cloudinary_cli.auth.refresh import relogin_command as _command
from cloudinary_cli.auth.refresh_entry import SavedLogin
from cloudinary_cli.auth.refresh_rules import holders
from cloudinary_cli.auth.refresh_state import Kind
from cloudinary_cli.auth.revocation import revoke_session
from cloudinary_cli.auth.sealing import require_keychain, vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.current import current_store, is_env_configured
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, OAuthError
from cloudinary_cli.system.browser import open_browser

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


def login(region: Optional[str] = None, name: Optional[str] = None, set_default: bool = False) -> Tuple[str, str]:
    """Log in with the system's browser and save the session; returns (config name, "made" | "already" | "no").

    :raises CliError: nothing was saved.
    """
    from cloudinary_cli.auth.answer import Desk
    from cloudinary_cli.auth.sign_in import LoginRequest, sign_in
    from cloudinary_cli.console import Console

    console = Console()
    desk = Desk(open_browser, console.notice, console.is_interactive, say=console.notice)
    result = sign_in(LoginRequest(name, region, set_default), current_store(), desk)
    return result.name, result.default.value


def logout(name: str, store: Optional[ConfigStore] = None, forget: bool = False) -> LogoutOutcome:
    """Revoke the login's refresh token (RFC 7009), then remove the entry, also when the revocation failed.

    The token is read under the login's lock, so that a refresh under way ends first and the newest token is revoked.
    Entries with the same refresh token stay; they are marked as refused, and a warning names them.

    :param forget: remove an encrypted login also while the keychain with its key cannot be asked.
    :raises KeychainUnavailable: otherwise; the entry stays, since unlocking the keychain makes the revocation possible.
    :raises CliError: the entry could not be removed; the text says so where it was revoked all the same.
    """
    where = store or current_store()
    with refresh_lock(where, name) as locked:
        entry = locked.content.get(name)
        if entry is None and not config_rules.is_reserved_config_name(name):
            return LogoutOutcome.NOT_FOUND
        if config_rules.is_reserved_config_name(name) or not is_oauth_url(entry):
            return LogoutOutcome.NOT_OAUTH
        session = from_cloudinary_url(entry)
        if not forget:
            require_keychain(session, name)
        revoked = revoke_session(session, name)
        try:
            where.remove_named(name, is_env_configured())
        except CliError as error:
            if revoked and session.refresh_token:
                error.args = (f"'{name}' was revoked at the server, but is still saved here. {error}",)
            raise
        _end_copies(where, session, revoked is not False)
    return LogoutOutcome.REMOVED if revoked else LogoutOutcome.REVOKE_FAILED


def revoke_url(url: str) -> bool:
    """Revoke a replaced entry's refresh token and remove its key; True when there is none or the server accepted."""
    if not is_oauth_url(url):
        return True
    session = from_cloudinary_url(url)
    revoked = revoke_session(session) is not False
    _end_copies(current_store(), session, revoked)
    return revoked


def _end_copies(store: ConfigStore, session: Session, revoked: bool) -> None:
    """Say which entries hold the refresh token that was revoked, and note it in them; else remove the login's key.

    A copy whose session could not be revoked works on, and an encrypted one needs the key.
    """
    copies = holders(store.load_fresh(), session) if session.refresh_token else []
    if not copies or revoked:
        vault().forget(session.key_id)
    if not copies or not revoked:
        return
    # One entry stands for all: the others with this token are written with it.
    SavedLogin(store, copies[0], session, time.time).try_note(Kind.REFUSED)
    for name in copies:
        advice = _command(name, session.region)
        logger.warning("'%s' was the same session, and works no more. Log in again: %s", name, advice)


def refresh_url_if_stale(name: str, url: str, force: bool = False, expected: Optional[str] = None) -> str:
    """The URL with a usable token: the given one, a peer's, or a renewed one; the given one after a failure."""
    refresher = Refresher(current_store())
    result = refresher.refresh(name, url, force=force, rejected=expected)
    if not result.saved:
        late = _save_late(refresher, name, url, result)
        if late.error is not None:
            logger.error("%s", late.error)
    elif result.error is not None:
        logger.warning("Refreshing '%s' failed; using the present token. %s", name, result.error)
    return result.url


def refresh_config(name: str, force: bool = False) -> RefreshOutcome:
    """Refresh one saved login; the reason of a failure is logged."""
    return _logged(name, refresh_result(name, force))


def refresh_result(name: str, force: bool = False, store: Optional[ConfigStore] = None) -> RefreshResult:
    """Refresh one saved login and return all that is known about it."""
    where = store or current_store()
    return _refresh_entry(where, name, where.load(), force)


def _refresh_entry(store: ConfigStore, name: str, cfg: Mapping[str, Any], force: bool) -> RefreshResult:
    if config_rules.is_reserved_config_name(name) or name not in cfg:
        return RefreshResult(RefreshOutcome.NOT_FOUND, "")
    refresher = Refresher(store)
    result = refresher.refresh(name, cfg[name], force=force)
    return result if result.saved else _save_late(refresher, name, cfg[name], result)


def _save_late(refresher: Refresher, name: str, url: str, result: RefreshResult) -> RefreshResult:
    """Try to save tokens that exist in memory only, such as after a moment of a full disk."""
    reason = str(result.error)
    for pause in _SAVE_PAUSES_SECONDS:
        time.sleep(pause)
        try:
            if refresher.save_again(name, url, result.url):
                return replace(result, error=None, saved=True)
            reason = "The entry was changed or removed by another command."
            break
        except CliError as error:
            reason = str(error)
    session = from_cloudinary_url(result.url)
    lost = OAuthError(f"The new tokens of '{name}' are lost. {reason} Run: {_command(name, session.region)}")
    return replace(result, outcome=RefreshOutcome.FAILED, error=lost)


def refresh_configs(force: bool = False) -> Dict[str, RefreshOutcome]:
    """Refresh every saved login that is stale (with `force`, every one), several at a time; in file order.

    Each holds its own lock only, so one slow server keeps nobody else waiting.
    """
    store = current_store()
    cfg = store.load()
    names = list_oauth_login_names(cfg)
    if not names:
        return {}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(_PARALLEL_REFRESHES, len(names))) as pool:
        results = list(pool.map(lambda name: _refresh_entry(store, name, cfg, force), names))
    return {name: _logged(name, result) for name, result in zip(names, results)}


def _logged(name: str, result: RefreshResult) -> RefreshOutcome:
    if result.error is None:
        return result.outcome
    # Also where tokens were refreshed but could not be saved: they are gone when this process ends.
    logger.error("%s", result.error)
    return result.outcome if result.outcome is RefreshOutcome.NOT_FOUND else RefreshOutcome.FAILED


def relogin_command(name: str) -> str:
    """`cld login NAME [--region R]` for a saved login; without the region when config.json cannot be read."""
    try:
        entry = load_entry(name)
    except CliError:
        entry = None
    return _command(name, from_cloudinary_url(entry).region) if is_oauth_url(entry) else _command(name)


def load_entry(name: str, cfg: Optional[Mapping[str, Any]] = None) -> Any:
    """The saved value of a name; None when there is none."""
    return (current_store().load() if cfg is None else cfg).get(name)


def list_oauth_login_names(cfg: Optional[Mapping[str, Any]] = None) -> List[str]:
    """Names of the saved logins, in file order."""
    content = current_store().load() if cfg is None else cfg
    return [name for name in config_rules.user_config_names(content) if is_oauth_url(content[name])]
