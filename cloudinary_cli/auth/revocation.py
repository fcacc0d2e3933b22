"""Revokes the refresh token of a session that ends or is replaced (RFC 7009)."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Optional

from cloudinary_cli.auth import flow
from cloudinary_cli.auth.sealing import vault
from cloudinary_cli.auth.session import Session, from_fields
from cloudinary_cli.config import url as config_url
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import NOT_PROCESSED, AmbiguousConfigUrl, CliError, TokenEndpointError

# The keys that determine what a revocation sends, and to which server. The second set is needed to decrypt a sealed
# token (sealing.py).
_REVOCATION_KEYS = frozenset(["refresh_token", "region", "oauth_base_url", "keyring"])
_SEALED_REVOCATION_KEYS = _REVOCATION_KEYS | {"cloud_name", "oauth_token", "upload_prefix"}
_BUSY_PAUSE_SECONDS = 0.5
_MAX_BUSY_PAUSE_SECONDS = 5.0


def revoke_session(
    session: Session,
    name: str = "",
    keep: Optional[str] = None,
    description: str = "session",
    client_id: Optional[str] = None,
) -> Optional[bool]:
    """Revoke a session's refresh token at its server. A failure is logged.

    :param name: of the login, for an error of the keychain.
    :param keep: a refresh token that must stay valid. If it is the session's, nothing is revoked.
    :param description: names the session in the error.
    :param client_id: None: read from the environment.
    :returns: True: revoked, or there is no refresh token. False: it failed. None: the token is `keep`.
    """
    if not session.refresh_token:
        return True
    try:
        opened = vault().open(session, name)
        if opened.refresh_token == keep:
            return None
        _revoke_or_retry(opened, client_id)
    except CliError as error:
        if isinstance(error, TokenEndpointError):
            flow.conceal(error, [opened.access_token])
        logger.error("Revoking the %s failed: %s It may stay valid at the server.", description, error)
        return False
    return True


def revocable_session(entry: Any) -> Optional[Session]:
    """The session of a saved login, for its revocation only: other settings of the entry may occur more than once.

    None, with an error in the log, when the token, its server or its encryption has more than one value.
    """
    try:
        parsed = config_url.parse(entry, _REVOCATION_KEYS)
        if parsed.has("keyring"):
            parsed = config_url.parse(entry, _SEALED_REVOCATION_KEYS)
        return from_fields(parsed.fields())
    except AmbiguousConfigUrl as error:
        logger.error("The session was not revoked, and may stay valid at the server. %s", error)
        return None


def _revoke_or_retry(session: Session, client_id: Optional[str]) -> None:
    """Revoke the refresh token; retry once when the server is busy (RFC 7009 section 2.2.1)."""
    token, base_url = session.refresh_token or "", session.token_base_url
    revoke = partial(flow.revoke, token, base_url=base_url, client_id=client_id)
    try:
        revoke()
    except TokenEndpointError as error:
        if error.status not in NOT_PROCESSED:
            raise
        time.sleep(min(error.retry_after or _BUSY_PAUSE_SECONDS, _MAX_BUSY_PAUSE_SECONDS))
        revoke()
