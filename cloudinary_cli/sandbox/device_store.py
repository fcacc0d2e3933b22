"""Device codes in SQLite (RFC 8628): issued, approved or denied, polled, and redeemed once. Each step is atomic."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Callable, Optional, Tuple

from .grants import Credential, add_refresh_token, digest, open_family
from .storage import Storage

SLOW_DOWN_STEP = 5.0  # seconds (RFC 8628 section 3.5)
# Seconds by which clock resolution and network delays may shorten the interval between two polls.
LEEWAY = 0.2


@dataclass(frozen=True)
class DeviceCredential:
    """One device code, with the methods that Authlib calls."""

    device_hash: str
    user_code: str
    client_id: str
    scope: str
    family_id: Optional[str]
    denied: bool
    used: bool
    expired: bool

    def get_client_id(self) -> str:
        """The client that requested it."""
        return self.client_id

    def get_scope(self) -> str:
        """The requested scope."""
        return self.scope

    def get_user_code(self) -> str:
        """The code that the user types."""
        return self.user_code

    def is_expired(self) -> bool:
        """True when it can no longer be used: expired or redeemed."""
        return self.expired or self.used


class DeviceStore:
    """All device codes of a sandbox."""

    def __init__(self, storage: Storage, now: Callable[[], float]) -> None:
        self._storage = storage
        self._now = now

    def add(self, codes: Tuple[str, str], client_id: str, scope: str, lifetime: float, interval: float) -> None:
        """Record a new device code and its user code; lifetime and polling interval are seconds."""
        device_code, user_code = codes
        with self._storage.write() as connection:
            connection.execute(
                "INSERT INTO device_codes (device_hash, user_code, client_id, scope, expires_at, interval) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (digest(device_code), user_code, client_id, scope, self._now() + lifetime, interval),
            )

    def find(self, device_code: str) -> Optional[DeviceCredential]:
        return self._credential("SELECT * FROM device_codes WHERE device_hash = ?", digest(device_code))

    def find_by_user_code(self, typed: str) -> Optional[DeviceCredential]:
        """The record of a typed code; case, dashes and spaces are ignored (RFC 8628 section 6.1)."""
        letters = re.sub(r"[^A-Z]", "", typed.upper())
        return self._credential("SELECT * FROM device_codes WHERE user_code = ?", f"{letters[:4]}-{letters[4:]}")

    def _credential(self, query: str, value: str) -> Optional[DeviceCredential]:
        row = self._storage.row(query, (value,))
        if row is None:
            return None
        return DeviceCredential(
            device_hash=row["device_hash"],
            user_code=row["user_code"],
            client_id=row["client_id"],
            scope=row["scope"],
            family_id=row["family_id"],
            denied=row["denied_at"] is not None,
            used=row["used_at"] is not None,
            expired=row["expires_at"] <= self._now(),
        )

    def decide(self, credential: DeviceCredential, cloud: Optional[str]) -> bool:
        """Approve for a cloud, or deny (None); False when it was decided before or has expired."""
        with self._storage.write() as connection:
            undecided = connection.execute(
                "SELECT 1 FROM device_codes WHERE device_hash = ? AND family_id IS NULL AND denied_at IS NULL "
                "AND expires_at > ?",
                (credential.device_hash, self._now()),
            ).fetchone()
            if undecided is None:
                return False
            if cloud is None:
                connection.execute(
                    "UPDATE device_codes SET denied_at = ? WHERE device_hash = ?", (self._now(), credential.device_hash)
                )
                return True
            family = open_family(connection, credential.client_id, cloud, credential.scope, self._now())
            connection.execute(
                "UPDATE device_codes SET family_id = ? WHERE device_hash = ?", (family, credential.device_hash)
            )
            return True

    def is_too_fast(self, credential: DeviceCredential) -> bool:
        """Record a poll. One that is too early (True) lengthens the interval by 5 seconds (RFC 8628 section 3.5)."""
        with self._storage.write() as connection:
            row: sqlite3.Row = connection.execute(
                "SELECT interval, polled_at FROM device_codes WHERE device_hash = ?", (credential.device_hash,)
            ).fetchone()
            now = self._now()
            too_fast = row["polled_at"] is not None and now - row["polled_at"] < row["interval"] - LEEWAY
            connection.execute(
                "UPDATE device_codes SET polled_at = ?, interval = interval + ? WHERE device_hash = ?",
                (now, SLOW_DOWN_STEP if too_fast else 0.0, credential.device_hash),
            )
            return too_fast

    def grant(self, credential: DeviceCredential) -> Optional[Credential]:
        """The grant behind an approved code."""
        row = self._storage.row("SELECT * FROM families WHERE family_id = ?", (credential.family_id,))
        return None if row is None else Credential.of_row(row, credential.device_hash, credential.used)

    def redeem(self, credential: DeviceCredential, new_refresh: Optional[str]) -> bool:
        """Redeem an approved code and store the first refresh token; False when it was redeemed before."""
        with self._storage.write() as connection:
            cursor = connection.execute(
                "UPDATE device_codes SET used_at = ? WHERE device_hash = ? AND used_at IS NULL "
                "AND family_id IS NOT NULL",
                (self._now(), credential.device_hash),
            )
            if cursor.rowcount == 1 and new_refresh:
                add_refresh_token(connection, new_refresh, str(credential.family_id), self._now())
            return cursor.rowcount == 1
