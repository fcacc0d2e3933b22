"""The credential in use: its name, source and state, without its secrets. Pure functions of a snapshot."""

# No `from __future__ import annotations`: NamedTuple would compile each annotation, in every start of the command.

from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.inventory import SYNTHETIC_NAMES
from cloudinary_cli.config.login_state import LoginState, State, saved_login_state, static_login_state
from cloudinary_cli.config.resolver import DirectoryChoice, ResolvedConfig, Source
from cloudinary_cli.config.view import parse_time
from cloudinary_cli.text import aligned

SCHEMA_VERSION = 1
_SOURCES = {Source.URL: "flag", Source.ENVIRONMENT: "environment"}


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
    scopes: Optional[str] = None
    renewable_until: Optional[int] = None
    directory: Optional[str] = None

    def ends_soon(self, now: float) -> bool:
        """See LoginState.ends_soon()."""
        return LoginState(self.state, renewable_until=self.renewable_until).ends_soon(now)

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
            "scopes": self.scopes,
            "renewable_until": self.renewable_until,
            "renewable_until_utc": rfc3339(self.renewable_until),
            "directory": self.directory,
        }

    def as_text(self) -> str:
        """One aligned line per field."""
        until = rfc3339(self.expires_at)
        end = {State.VALID: "until", State.REFRESHABLE: "expired", State.NEEDS_LOGIN: "expired"}.get(self.state)
        detail = self.directory or self.chosen_by
        rows = {
            "name": self.name or "",
            "cloud": self.cloud_name or "",
            "type": self.type or "",
            "source": f"{self.source} ({detail})" if self.source != detail else f"{self.source}",
            "state": self.state.value + (f" ({end} {until})" if until and end else ""),
        }
        if self.renewable_until is not None:
            rows["renew"] = f"until {rfc3339(self.renewable_until)} (estimate)"
        if self.scopes:
            rows["scopes"] = self.scopes
        return aligned([(f"{key}:", value) for key, value in rows.items()], " ")


def identify(
    active: ResolvedConfig,
    snapshot: Mapping[str, Any],
    environ: Mapping[str, str],
    now: float,
    choice: Optional[DirectoryChoice] = None,
) -> Identity:
    """What is known about the active configuration without a call.

    :param now: epoch seconds.
    :param choice: for the working directory.
    """
    if active.source is Source.NONE:
        return Identity(None, None, None, None, active.chosen_by or None, State.NEEDS_LOGIN, directory=active.directory)
    login = _state(active, now)
    saved_by = active.chosen_by if active.chosen_by in ("default", "directory") else "saved"
    return Identity(
        active.name or SYNTHETIC_NAMES.get(active.source.value),
        active.cloud_name or None,
        active.type,
        _SOURCES.get(active.source, saved_by),
        active.chosen_by,
        login.state,
        login.expires_at,
        shadowed(active, snapshot, environ, choice),
        scopes=login.scopes,
        renewable_until=login.renewable_until,
        directory=active.directory,
    )


def _state(active: ResolvedConfig, now: float) -> LoginState:
    if not active.is_usable:
        return LoginState(State.NEEDS_LOGIN)
    if not active.has_oauth:
        return LoginState(State.UNVERIFIED)
    state_of = saved_login_state if active.source is Source.SAVED else static_login_state
    return state_of(active.fields, now)


def shadowed(
    active: ResolvedConfig, snapshot: Mapping[str, Any], environ: Mapping[str, str], choice: Optional[DirectoryChoice]
) -> List[str]:
    """The names of the sources that are set and not used.

    A default that -c, -C or the choice for the directory overrides is omitted, and a choice that -c or -C overrides,
    because that is usual.
    """
    found = []
    variable = environ.get(config_url.CONFIG_NAME_VARIABLE)
    if variable and active.chosen_by in ("-c", "-C") and variable != active.name:
        found.append(config_url.CONFIG_NAME_VARIABLE)
    if active.chosen_by == config_url.CONFIG_NAME_VARIABLE:
        source = "directory" if choice else "default"
        other = choice.name if choice else config_rules.stored_default(snapshot)
        if other not in (None, active.name):
            found.append(source)
    variables = ("CLOUDINARY_CLOUD_NAME", "CLOUDINARY_URL")
    return found + [name for name in variables if environ.get(name) and active.chosen_by != name]


def rfc3339(epoch: Optional[int]) -> Optional[str]:
    """`2026-01-31T12:00:00Z` (RFC 3339); None for a time out of range."""
    moment = parse_time(epoch)
    return moment.replace(tzinfo=None).isoformat("T", "seconds") + "Z" if moment else None
