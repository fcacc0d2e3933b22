"""OAuth grants in SQLite: codes, families of refresh tokens, and revocation. Each step is atomic."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass, replace
from typing import Callable, Optional

from .storage import Storage

CODE_LIFETIME = 60.0  # seconds


def digest(secret: str) -> str:
    """The hash that is stored in place of a code or token."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


def open_family(connection: sqlite3.Connection, client_id: str, cloud_name: str, scope: str, now: float) -> str:
    """Start a grant in a transaction. Returns its ID."""
    family_id = secrets.token_hex(12)
    connection.execute(
        "INSERT INTO families (family_id, client_id, cloud_name, scope, created_at) VALUES (?, ?, ?, ?, ?)",
        (family_id, client_id, cloud_name, scope, now),
    )
    return family_id


def add_refresh_token(connection: sqlite3.Connection, token: str, family_id: str, now: float) -> None:
    """Store a refresh token of a grant in a transaction."""
    connection.execute(
        "INSERT INTO refresh_tokens (token_hash, family_id, created_at) VALUES (?, ?, ?)",
        (digest(token), family_id, now),
    )


@dataclass(frozen=True)
class Credential:
    """A stored authorization code or refresh token, with the methods that Authlib calls."""

    secret_hash: str
    family_id: str
    client_id: str
    cloud_name: str
    scope: str
    used: bool
    live: bool
    redirect_uri: str = ""
    code_challenge: str = ""
    code_challenge_method: str = "S256"

    @classmethod
    def of_row(cls, row: sqlite3.Row, secret_hash: str, used: bool) -> Credential:
        """A credential of the family of this row."""
        return cls(
            secret_hash,
            row["family_id"],
            row["client_id"],
            row["cloud_name"],
            row["scope"],
            used,
            live=row["revoked_at"] is None,
        )

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scope that was granted."""
        return self.scope

    def check_client(self, client: object) -> bool:
        """Whether the credential was issued to this client."""
        return bool(getattr(client, "client_id", None) == self.client_id)


class GrantStore:
    """One family per approval. Each code and token belongs to a family and is revoked with it."""

    def __init__(self, storage: Storage, now: Callable[[], float], grace: int) -> None:
        self._storage = storage
        self._now = now
        self._grace = grace

    def approve(self, client_id: str, cloud_name: str, scope: str, redirect_uri: str, challenge: str) -> str:
        """Open a family and issue its authorization code."""
        code, now = secrets.token_urlsafe(32), self._now()
        with self._storage.write() as connection:
            family_id = open_family(connection, client_id, cloud_name, scope, now)
            connection.execute(
                "INSERT INTO codes (code_hash, family_id, redirect_uri, challenge, expires_at) VALUES (?, ?, ?, ?, ?)",
                (digest(code), family_id, redirect_uri, challenge, now + CODE_LIFETIME),
            )
        return code

    def find_code(self, code: str) -> Optional[Credential]:
        """The record of an authorization code."""
        row = self._storage.row(
            "SELECT * FROM codes JOIN families USING (family_id) WHERE code_hash = ?", (digest(code),)
        )
        if row is None:
            return None
        found = Credential.of_row(row, row["code_hash"], used=row["used_at"] is not None)
        live = found.live and row["expires_at"] > self._now()
        return replace(found, live=live, redirect_uri=row["redirect_uri"], code_challenge=row["challenge"])

    def find_refresh(self, token: str) -> Optional[Credential]:
        """The record of a refresh token."""
        row = self._storage.row(
            "SELECT * FROM refresh_tokens JOIN families USING (family_id) WHERE token_hash = ?", (digest(token),)
        )
        if row is None:
            return None
        used = row["used_at"] is not None and row["used_at"] <= self._reuse_limit()
        return Credential.of_row(row, row["token_hash"], used)

    def redeem_code(self, code: Credential, new_refresh: Optional[str]) -> bool:
        """Redeem a code and store the first refresh token; a second attempt revokes the family and returns False."""
        with self._storage.write() as connection:
            cursor = connection.execute(
                "UPDATE codes SET used_at = ? WHERE code_hash = ? AND used_at IS NULL", (self._now(), code.secret_hash)
            )
            return self._issue_or_revoke(connection, cursor.rowcount == 1, code.family_id, new_refresh, "code replay")

    def rotate(self, old: Credential, new_refresh: Optional[str]) -> bool:
        """Replace a refresh token with its successor in one step; of two concurrent calls, exactly one succeeds."""
        with self._storage.write() as connection:
            cursor = connection.execute(
                "UPDATE refresh_tokens SET used_at = COALESCE(used_at, ?) WHERE token_hash = ? "
                "AND (used_at IS NULL OR used_at > ?) "
                "AND family_id IN (SELECT family_id FROM families WHERE revoked_at IS NULL)",
                (self._now(), old.secret_hash, self._reuse_limit()),
            )
            return self._issue_or_revoke(connection, cursor.rowcount == 1, old.family_id, new_refresh, "refresh replay")

    def revoke_family(self, family_id: str, reason: str) -> bool:
        """Revoke a grant; False when it was revoked before."""
        with self._storage.write() as connection:
            return self._revoke(connection, family_id, reason)

    def revoke_access(self, jti: str) -> None:
        """Revoke one access token, not its family."""
        with self._storage.write() as connection:
            connection.execute("INSERT OR IGNORE INTO revoked_access (jti) VALUES (?)", (jti,))

    def is_live(self, jti: str) -> bool:
        """Whether an access token (``<family>.<random>``) is still valid."""
        family = self._storage.row("SELECT revoked_at FROM families WHERE family_id = ?", (jti.split(".")[0],))
        if family is None or family["revoked_at"] is not None:
            return False
        return self._storage.row("SELECT 1 FROM revoked_access WHERE jti = ?", (jti,)) is None

    def live_families(self) -> int:
        """The number of live grants."""
        row = self._storage.row("SELECT COUNT(*) AS n FROM families WHERE revoked_at IS NULL")
        return 0 if row is None else int(row["n"])

    def _reuse_limit(self) -> float:
        """A token that was first used after this time is within its grace period; infinity if there is none."""
        return self._now() - self._grace if self._grace else float("inf")

    def _issue_or_revoke(
        self, connection: sqlite3.Connection, won: bool, family_id: str, new_refresh: Optional[str], reason: str
    ) -> bool:
        if not won:
            self._revoke(connection, family_id, reason)
        elif new_refresh:
            add_refresh_token(connection, new_refresh, family_id, self._now())
        return won

    def _revoke(self, connection: sqlite3.Connection, family_id: str, reason: str) -> bool:
        cursor = connection.execute(
            "UPDATE families SET revoked_at = ?, reason = ? WHERE family_id = ? AND revoked_at IS NULL",
            (self._now(), reason, family_id),
        )
        return cursor.rowcount == 1
