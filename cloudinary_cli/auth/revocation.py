"""Revokes sessions that end or are replaced (RFC 7009). The caller holds the locks."""

from __future__ import annotations

import time
from typing import Any, Optional

from cloudinary_cli.auth import flow
from cloudinary_cli.auth.sealing import vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, from_fields
from cloudinary_cli.config import url as config_url
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, TokenEndpointError

# What a revocation sends, and where to. The second set is also needed to decrypt a sealed token (sealing.py).
_REVOCATION_KEYS = frozenset(["refresh_token", "region", "oauth_base_url", "keyring"])
_SEALED_REVOCATION_KEYS = _REVOCATION_KEYS | {"cloud_name", "oauth_token", "upload_prefix"}
_BUSY_PAUSE_SECONDS = 0.5
_LONGEST_BUSY_PAUSE_SECONDS = 5.0


def revoke_replaced(old_url: Optional[str], session: Session) -> Optional[bool]:
    """Revoke the session that a stored one has replaced, and remove its key."""
    if old_url is None:
        return None
    old = from_cloudinary_url(old_url)
    revoked = revoke_session(old, keep=session.refresh_token, which="previous session") if old.refresh_token else None
    vault().forget(old.key_id)
    return revoked


def revoke_session(
    session: Session, name: str = "", keep: Optional[str] = None, which: str = "session"
) -> Optional[bool]:
    """Revoke a session's refresh token at its own server; True when there was nothing to revoke or it succeeded.

    :param keep: a refresh token that stays valid: None is returned when it is the session's.
    :param which: names the session in the error.
    """
    if not session.refresh_token:
        return True
    try:
        opened = vault().open(session, name)
        if opened.refresh_token == keep:
            return None
        _revoke_or_retry(opened.refresh_token or "", opened)
    except TokenEndpointError as error:
        flow.conceal(error, [opened.access_token])
        logger.error("Revoking the %s failed: %s It may stay valid at the server.", which, error)
        return False
    except CliError as error:
        logger.error("Revoking the %s failed: %s It may stay valid at the server.", which, error)
        return False
    return True


def revocable_session(entry: Any) -> Session:
    """The session of a saved entry, for its revocation only: other settings of the entry may occur more than once.

    :raises AmbiguousConfigUrl: the token, its server or its encryption has more than one value.
    """
    parsed = config_url.parse(entry, _REVOCATION_KEYS)
    if parsed.has("keyring"):
        parsed = config_url.parse(entry, _SEALED_REVOCATION_KEYS)
    return from_fields(parsed.fields())


def _revoke_or_retry(token: str, session: Session) -> None:
    """Revoke, and repeat once when the server is busy (RFC 7009 section 2.2.1)."""
    try:
        flow.revoke(token, session.region, base_url=session.token_base_url)
    except TokenEndpointError as error:
        if error.status not in (429, 503):
            raise
        time.sleep(min(error.retry_after or _BUSY_PAUSE_SECONDS, _LONGEST_BUSY_PAUSE_SECONDS))
        flow.revoke(token, session.region, base_url=session.token_base_url)
