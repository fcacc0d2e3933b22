"""Renews a saved login: lock, read the entry again, adopt or rotate its tokens, save. Prints nothing.

Refresh tokens are single-use (RFC 9700 section 4.14.2), so these rules hold:

1. One kernel lock per login, on a file that is never deleted; the lock of config.json only for the two short writes.
   Entries that hold the same refresh token are one login: all their locks are held, and all are written at once.
2. Before the request, disk space for the result is allocated and a journal record is written.
   So a full or read-only disk is detected before the token is spent, and a later command detects a crash. A failure
   before the token is sent restores the journal.
3. Signals are deferred from the moment the token is sent until the rename, which stores the tokens and clears the
   journal in one step. Before that moment, Ctrl-C ends the command at once.
4. A journal record of the current token means that a process died. One more request is made; if it fails, the user
   has to log in again.
5. The request is repeated if it was never sent, after 429 or 503, and once after a lost response, under a journal
   record that allows no further request. Only `invalid_grant` is final. The journal records it, so that later commands
   do not send the token again.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, Callable, Dict, Optional, Tuple

from cloudinary_cli.auth import flow
from cloudinary_cli.auth.refresh_entry import SavedLogin
from cloudinary_cli.auth.refresh_lock import LockedLogin, lock_id, refresh_lock
from cloudinary_cli.auth.refresh_request import Section, send_token
from cloudinary_cli.auth.refresh_rules import (
    RefreshOutcome,
    RefreshResult,
    check_not_dead,
    check_same_account,
    holders,
    holds,
    journal_of,
    relogin_advice,
    with_command,
)
from cloudinary_cli.auth.revocation import revoke_session
from cloudinary_cli.auth.sealing import vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url, refresh_token_of, with_tokens
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.refresh_state import Kind, RefreshState
from cloudinary_cli.config.resolver import unusable
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import is_login
from cloudinary_cli.defaults import REFRESH_LOCK_TIMEOUT_SECONDS, logger
from cloudinary_cli.errors import (
    CliError,
    Delivery,
    InvalidConfigUrl,
    InvalidTokenResponse,
    LockTimeout,
    ReloginRequired,
    TokenEndpointError,
)
from cloudinary_cli.system.files import PendingFile
from cloudinary_cli.system.signals import deferred_signals

__all__ = ["RefreshOutcome", "RefreshResult", "Refresher", "refresh_lock"]

# How long this process does not send a refresh token again after a failure.
_BACK_OFF_SECONDS = 20.0
# How often the entry is read again when programs that take no lock keep changing it.
_MAX_READS = 5


class Refresher:
    """Refreshes saved logins of one store, one at a time. Safe for threads.

    :param clock: epoch seconds.
    :param refresh: sends the token; the arguments are those of flow.refresh().
    :param lock_timeout: seconds.
    """

    def __init__(
        self,
        store: ConfigStore,
        clock: Callable[[], float] = time.time,
        refresh: Callable[..., Any] = flow.refresh,
        lock_timeout: float = REFRESH_LOCK_TIMEOUT_SECONDS,
    ) -> None:
        self.store = store
        self.clock = clock
        self._refresh = refresh
        self._lock_timeout = lock_timeout
        self._failures: Dict[str, Tuple[float, CliError]] = {}
        self._thread_lock = threading.RLock()

    def is_due(self, session: Session, force: bool, rejected: Optional[str]) -> bool:
        """True when the session should be renewed.

        :param rejected: a token that the API rejected with 401; the session is due if it still has this token.
        :raises CliError: `rejected` was given, and the session's own token cannot be opened.
        """
        if rejected is not None:
            return vault().open(session).access_token == rejected
        return force or not session.is_fresh(now=self.clock())

    def refresh(self, name: str, url: str, force: bool = False, rejected: Optional[str] = None) -> RefreshResult:
        """Renew the login `name`, whose URL this process knows as `url`, or adopt what another process has saved.

        Never raises for a failed refresh: the result says what happened.
        """
        if not is_login(url):
            return RefreshResult(RefreshOutcome.NOT_OAUTH, url)
        try:
            session = from_cloudinary_url(url)
            if not self.is_due(session, force, rejected):
                return RefreshResult(RefreshOutcome.FRESH, url)
        except InvalidConfigUrl as error:
            return RefreshResult(RefreshOutcome.FAILED, url, unusable(name, error))
        except CliError as error:
            return RefreshResult(RefreshOutcome.FAILED, url, error)
        with self._thread_lock:
            recent = self._recent_failure(session, force)
            if recent is not None:
                return RefreshResult(RefreshOutcome.FAILED, url, recent)
            try:
                result = self._adopt_or_renew(name, url, session, force, rejected)
            except CliError as error:
                result = RefreshResult(RefreshOutcome.FAILED, url, error)
            if result.outcome is RefreshOutcome.FAILED and result.error and session.refresh_token:
                fingerprint = refresh_state.fingerprint(session.refresh_token)
                self._failures[fingerprint] = (time.monotonic() + _BACK_OFF_SECONDS, result.error)
            return result

    def _recent_failure(self, session: Session, force: bool) -> Optional[CliError]:
        if force or not session.refresh_token:
            return None
        known = self._failures.get(refresh_state.fingerprint(session.refresh_token))
        return known[1] if known and time.monotonic() < known[0] else None

    def _adopt_or_renew(
        self, name: str, url: str, session: Session, force: bool, rejected: Optional[str]
    ) -> RefreshResult:
        for _ in range(_MAX_READS):
            with refresh_lock(self.store, name, self._lock_timeout) as locked:
                result = self._under_lock(locked, name, url, session, force, rejected)
            if result is not None:
                return result
        raise LockTimeout(f"Another program keeps changing the login '{name}'. Try again in a moment.")

    def _under_lock(
        self, locked: LockedLogin, name: str, url: str, session: Session, force: bool, rejected: Optional[str]
    ) -> Optional[RefreshResult]:
        """None when another program has changed the entry meanwhile: it has to be locked and read again."""
        entry = locked.content.get(name)
        if entry is None:
            gone = ReloginRequired(f"The login '{name}' was removed. {relogin_advice(name, session)}")
            return RefreshResult(RefreshOutcome.NOT_FOUND, url, gone)
        if entry != url and not is_oauth_url(entry):
            raise ReloginRequired(f"'{name}' is no longer a login. {relogin_advice(name, session)}")
        current = session if entry == url else from_cloudinary_url(entry)
        check_same_account(name, session, current)
        replaced = current.access_token != session.access_token
        if not self.is_due(current, force and not replaced, rejected):
            outcome = RefreshOutcome.REFRESHED if replaced else RefreshOutcome.FRESH
            return RefreshResult(outcome, entry)
        if current.refresh_token is None:
            raise ReloginRequired(f"The login '{name}' has no refresh token. {relogin_advice(name, current)}")
        known = journal_of((locked.content[each] for each in locked.names), current)
        check_not_dead(name, current, known)
        return self._rotate(name, current, known)

    def _rotate(self, name: str, current: Session, known: Optional[RefreshState]) -> Optional[RefreshResult]:
        base_url = current.token_base_url
        # Loads the key that seals the response, so that it cannot be missing once the token is spent.
        opened = vault().open(current, name)
        with self.store.reserve(f"refresh-{lock_id(name)}") as pending:
            section, saved = Section(), SavedLogin(self.store, name, current, self.clock)
            try:
                entry = saved.note(Kind.STARTED if known is None else Kind.RETRIED)
                if entry is None:
                    return None
                try:
                    response = send_token(
                        lambda: self._refresh(opened.refresh_token, opened.region, base_url, before_send=section.open),
                        section,
                        may_repeat=known is None,
                        note_retry=lambda: saved.note(Kind.RETRIED) is not None,
                    )
                except TokenEndpointError as error:
                    flow.conceal(error, [opened.access_token])
                    logger.debug("Refresh of '%s' failed: %s %s", name, error, flow.oauth_error_body(error) or "")
                    lost = section.response_was_lost or error.delivery is Delivery.UNKNOWN
                    return self._failed(saved, entry, known, error, lost)
                return self._store(saved, entry, response, pending)
            except BaseException as error:
                # After a LockTimeout no record was written, and a second wait would take as long as the first.
                if not section.may_be_spent and not isinstance(error, LockTimeout):
                    with deferred_signals():
                        saved.try_note(known.kind if known is not None else None)
                raise
            finally:
                section.close()

    def _store(self, saved: SavedLogin, entry: str, response: Any, pending: PendingFile) -> Optional[RefreshResult]:
        """None when the entry was removed or replaced during the request."""
        name, current = saved.name, saved.session
        problem: Optional[CliError] = None
        opened = vault().open(current, name)
        try:
            renewed = opened.updated_from(response, now=self.clock())
        except InvalidTokenResponse as error:
            # The old refresh token is spent. A new one in the response is saved even if the access token is unusable.
            problem = with_command(name, current, error)
            salvaged = refresh_token_of(response)
            if salvaged is None:
                saved.try_note(None)
                return RefreshResult(RefreshOutcome.FAILED, entry, problem)
            renewed = replace(opened, refresh_token=salvaged)
        sealed = vault().seal(renewed, current.key_id)
        try:
            url = saved.save(sealed, pending)
        except CliError as error:
            # The command continues with the new token in memory; the journal tells the next process what happened.
            return RefreshResult(RefreshOutcome.REFRESHED, with_tokens(entry, sealed), error, entry)
        if url is None:
            self._revoke_if_removed(name, renewed, sealed)
            return None
        return RefreshResult(RefreshOutcome.FAILED if problem else RefreshOutcome.REFRESHED, url, problem)

    def save_again(self, name: str, old_url: str, new_url: str) -> bool:
        """Save tokens that exist in memory only; True when they are on the disk now.

        False when the entry was removed or replaced in the meantime.

        :raises CliError: when config.json can still not be written.
        """
        old, new = from_cloudinary_url(old_url), from_cloudinary_url(new_url)
        with refresh_lock(self.store, name, self._lock_timeout):
            if SavedLogin(self.store, name, old, self.clock).save(new, None) is not None:
                return True
            self._revoke_if_removed(name, vault().open(new, name), new)
            return False

    def _revoke_if_removed(self, name: str, session: Session, saved: Session) -> None:
        """Revoke new tokens that nothing uses: the login was removed, and no copy of it has them.

        If another program has saved other tokens, those may be of the same grant. A revocation would end them, too.
        """
        content = self.store.load_fresh()
        if not is_oauth_url(content.get(name)) and not holders(content, saved):
            revoke_session(session, description="superseded session")

    def _failed(
        self, saved: SavedLogin, entry: str, known: Optional[RefreshState], error: TokenEndpointError, lost: bool
    ) -> Optional[RefreshResult]:
        """None when another program has saved other tokens during the request."""
        name, current = saved.name, saved.session
        latest = self.store.load_fresh().get(name)
        if is_oauth_url(latest) and not holds(latest, current):
            return None
        if error.is_refused_grant:
            saved.try_note(Kind.REFUSED)
            reason = str(error).rstrip(".")
            dead = ReloginRequired(f"The login '{name}' is no longer valid ({reason}). {relogin_advice(name, current)}")
            return RefreshResult(RefreshOutcome.FAILED, entry, dead)
        if lost:
            # The network lost the response and no process died, so the next command may send the token once more.
            saved.try_note(Kind.STARTED)
        elif error.delivery is Delivery.NEVER_SENT and known is not None:
            saved.try_note(known.kind)
        else:
            saved.try_note(None)
        return RefreshResult(RefreshOutcome.FAILED, entry, error)
