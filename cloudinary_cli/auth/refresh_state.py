"""The journal of a refresh, kept inside the saved entry so that one rename clears it with the tokens; pure.

It is the query key `refresh_state` of the entry, `KIND.FINGERPRINT.EPOCH.PID`, and speaks of one refresh token only: as
soon as the entry holds another one, it is void. Other versions of the tool see an unknown query key and ignore it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Optional

KEY = "refresh_state"


class Kind(str, Enum):
    """What is known about the refresh token in the entry."""

    STARTED = "started"  # presented, and no process has seen the answer yet
    RETRIED = "retried"  # presented again by a second process after the first one died
    REFUSED = "refused"  # the server said invalid_grant


@dataclass(frozen=True)
class RefreshState:
    """One journal record."""

    kind: Kind
    fingerprint: str
    epoch: int
    pid: int

    def __str__(self) -> str:
        return f"{self.kind.value}.{self.fingerprint}.{self.epoch}.{self.pid}"

    def applies_to(self, refresh_token: Optional[str]) -> bool:
        return refresh_token is not None and self.fingerprint == fingerprint(refresh_token)


def fingerprint(refresh_token: str) -> str:
    """64 bits of the token's SHA-256: tells tokens apart, and cannot be turned back."""
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def parse(text: str) -> Optional[RefreshState]:
    """The record in a query value; None when there is none that can be read."""
    parts = text.split(".")
    try:
        kind, mark, epoch, pid = parts
        return RefreshState(Kind(kind), mark, int(epoch), int(pid))
    except ValueError:
        return None
