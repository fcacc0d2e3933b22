"""The journal record of a refresh. It is a part of the saved entry, so one rename stores tokens and clears it.

The record is the query key `refresh_state`, `KIND.FINGERPRINT.EPOCH.PID`. It applies to one refresh token and is
invalid as soon as the entry holds another one. Other versions of the tool ignore the unknown query key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Optional

KEY = "refresh_state"


class Kind(str, Enum):
    """What is known about the refresh token in the entry."""

    STARTED = "started"  # sent, and no process has received the response yet
    RETRIED = "retried"  # sent again after the first process died or lost the response
    REFUSED = "refused"  # the server responded with invalid_grant


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
    """64 bits of the token's SHA-256: they distinguish tokens and do not reveal them."""
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def parse(text: str) -> Optional[RefreshState]:
    """The record in a query value; None when it is missing or malformed."""
    parts = text.split(".")
    try:
        kind, mark, epoch, pid = parts
        return RefreshState(Kind(kind), mark, int(epoch), int(pid))
    except ValueError:
        return None
