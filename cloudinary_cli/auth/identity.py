"""The credential in use: its name, source and state, without its secrets. Pure functions of a snapshot."""

# No `from __future__ import annotations`: NamedTuple would compile each annotation, in every start of the command.

from datetime import datetime, timezone
from enum import Enum
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from cloudinary_cli.auth import refresh_state
from cloudinary_cli.auth.refresh_state import Kind
from cloudinary_cli.auth.session import Session, from_fields
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.inventory import SYNTHETIC_NAMES
from cloudinary_cli.config.resolver import ResolvedConfig, Source
from cloudinary_cli.text import aligned

SCHEMA_VERSION = 1
_SOURCES = {Source.URL: "flag", Source.ENVIRONMENT: "environment"}


class State(str, Enum):
    """Whether the credential is usable, as far as is known."""

    VALID = "valid"
    REFRESHABLE = "refreshable"  # the access token has expired or is about to; the next command renews it
    NEEDS_LOGIN = "needs-login"
    UNVERIFIED = "unverified"  # an API key: only a call can tell
    INVALID = "invalid"  # an API key that the server refused

    @property
    def is_usable(self) -> bool:
        return self not in (State.NEEDS_LOGIN, State.INVALID)


class Identity(NamedTuple):
    """What `cld whoami` shows. `verified` is None without a call, or when the call got no response."""

    name: Optional[str]
    cloud_name: Optional[str]
    type: Optional[str]
    source: Optional[str]
    chosen_by: Optional[str]
    state: State
    expires_at: Optional[int] = None
    shadows: List[str] = []
    verified: Optional[bool] = None

    def as_json(self) -> Dict[str, Any]:
        """The object that docs/whoami.md describes."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "cloud_name": self.cloud_name,
            "type": self.type,
            "source": self.source,
            "chosen_by": self.chosen_by,
            "state": self.state.value,
            "expires_at": self.expires_at,
            "expires_at_utc": rfc3339(self.expires_at),
            "shadows": self.shadows,
            "verified": self.verified,
        }

    def as_text(self) -> str:
        """One aligned line per field."""
        until = rfc3339(self.expires_at)
        end = {State.VALID: "until", State.REFRESHABLE: "expired", State.NEEDS_LOGIN: "expired"}.get(self.state)
        rows = {
            "name": self.name or "",
            "cloud": self.cloud_name or "",
            "type": self.type or "",
            "source": f"{self.source} ({self.chosen_by})" if self.source != self.chosen_by else f"{self.source}",
            "state": self.state.value + (f" ({end} {until})" if until and end else ""),
        }
        return aligned([(f"{key}:", value) for key, value in rows.items()], " ")


def identify(active: ResolvedConfig, snapshot: Mapping[str, Any], environ: Mapping[str, str], now: float) -> Identity:
    """What is known about the active configuration without a call.

    :param now: epoch seconds.
    """
    if active.source is Source.NONE:
        return Identity(None, None, None, None, active.chosen_by or None, State.NEEDS_LOGIN)
    state, expires_at = _state(active, now)
    by_default = "default" if active.chosen_by == "default" else "saved"
    return Identity(
        active.name or SYNTHETIC_NAMES.get(active.source.value),
        active.cloud_name or None,
        active.type,
        _SOURCES.get(active.source, by_default),
        active.chosen_by,
        state,
        expires_at,
        shadowed(active, snapshot, environ),
    )


def _state(active: ResolvedConfig, now: float) -> "tuple[State, Optional[int]]":
    if not active.is_usable:
        return State.NEEDS_LOGIN, None
    if active.type != "oauth":
        return State.UNVERIFIED, None
    session = from_fields(active.fields)
    expires_at = session.expires_at or None
    if active.source is not Source.SAVED:
        # A token from a flag or a variable is not renewed. Without an expiry time, its state is unknown.
        if expires_at is None:
            return State.UNVERIFIED, None
        return (State.NEEDS_LOGIN if session.is_expired(now) else State.VALID), expires_at
    if session.is_fresh(now=now):
        return State.VALID, expires_at
    if session.refresh_token and not _is_refused(session, str(active.fields.get(refresh_state.KEY) or "")):
        return State.REFRESHABLE, expires_at
    return (State.NEEDS_LOGIN if session.is_expired(now) else State.VALID), expires_at


def _is_refused(session: Session, record: str) -> bool:
    """True when the journal says that the refresh token will not be sent again."""
    known = refresh_state.parse(record)
    applies = known is not None and known.applies_to(session.refresh_token)
    return applies and known is not None and known.kind in (Kind.REFUSED, Kind.RETRIED)


def shadowed(active: ResolvedConfig, snapshot: Mapping[str, Any], environ: Mapping[str, str]) -> List[str]:
    """The names of the sources that are set and not used; without a default that -c or -C overrides, which is usual."""
    found = []
    variable = environ.get(config_url.CONFIG_NAME_VARIABLE)
    if variable and active.chosen_by in ("-c", "-C") and variable != active.name:
        found.append(config_url.CONFIG_NAME_VARIABLE)
    if active.chosen_by == config_url.CONFIG_NAME_VARIABLE:
        default = config_rules.stored_default(snapshot)
        if default not in (None, active.name):
            found.append("default")
    if active.chosen_by != "CLOUDINARY_CLOUD_NAME":
        found += ["CLOUDINARY_CLOUD_NAME"] if environ.get("CLOUDINARY_CLOUD_NAME") else []
    if active.chosen_by != "CLOUDINARY_URL":
        found += ["CLOUDINARY_URL"] if environ.get("CLOUDINARY_URL") else []
    return found


def rfc3339(epoch: Optional[int]) -> Optional[str]:
    """`2026-01-31T12:00:00Z` (RFC 3339); None for a time out of range."""
    if epoch is None:
        return None
    try:
        moment = datetime.fromtimestamp(epoch, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.replace(tzinfo=None).isoformat("T", "seconds") + "Z"
