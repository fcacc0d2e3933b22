"""The state of a login, read from its entry: validity, expiry, scopes, and how long it can be renewed. No I/O."""

# Annotations are evaluated here: NamedTuple compiles each one that is a text, 0.7 ms for a class, in every command.

from enum import Enum
from typing import Any, Callable, Mapping, NamedTuple, Optional

from cloudinary_cli.defaults import OAUTH_EXPIRY_SKEW_SECONDS

# The server forgets a refresh token that is not used for this time. It does not say when, so the end is an estimate.
REFRESH_TOKEN_DAYS = 90
_REFRESH_TOKEN_SECONDS = REFRESH_TOKEN_DAYS * 86400
WARN_AHEAD_DAYS = 14
_WARN_AHEAD_SECONDS = WARN_AHEAD_DAYS * 86400
# Larger numbers are ignored: converting them to floats or dates would overflow.
_LARGEST_NUMBER = 10**18


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


class LoginState(NamedTuple):
    """The state of a login without its secrets. Times are epoch seconds.

    `scopes` are the granted ones, separated by spaces (RFC 6749 section 3.3); None when the entry does not say.
    `renewable_until` is an estimate; None when the login cannot be renewed.
    """

    state: State
    expires_at: Optional[int] = None
    scopes: Optional[str] = None
    renewable_until: Optional[int] = None

    def ends_soon(self, now: float) -> bool:
        """True when the login should be renewed soon, or the server may have forgotten it already."""
        return self.renewable_until is not None and self.renewable_until - now < _WARN_AHEAD_SECONDS


def optional_number(value: Any) -> Optional[int]:
    """A number of a claim or a query value; None when it is none, or too large for a date."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= _LARGEST_NUMBER else None


def is_fresh(issued_at: int, expires_at: int, now: float, skew: float = OAUTH_EXPIRY_SKEW_SECONDS) -> bool:
    """True while more than `skew` seconds are left.

    A token with a lifetime of less than two skews counts as fresh for half of its lifetime. Otherwise each call would
    request a new token from a server with short-lived tokens.
    """
    lifetime = expires_at - issued_at
    leeway = min(skew, lifetime / 2) if lifetime > 0 else skew
    return expires_at - leeway > int(now)


def saved_login_state(
    values: Mapping[str, Any], now: float, decode: Callable[[str], str] = lambda text: text
) -> LoginState:
    """The state of a saved login.

    :param values: the query of the entry, by key.
    :param now: epoch seconds.
    :param decode: makes a plain text of a value. It is called only where that matters, for the sake of long lists.
    """
    get = values.get
    issued_at, expires_at = _number(get("issued_at"), decode), _number(get("expires_at"), decode)
    refresh_token, record, scopes = get("refresh_token"), get("refresh_state"), get("scopes")
    scopes = decode(scopes) if scopes else None
    if not get("oauth_token"):
        return LoginState(State.NEEDS_LOGIN, expires_at or None, scopes)
    refused, dead = _journal(decode(record), decode(refresh_token)) if record and refresh_token else (False, False)
    if not refused and (is_fresh(issued_at, expires_at, now) or (dead or not refresh_token) and expires_at > now):
        state = State.VALID
    else:
        state = State.NEEDS_LOGIN if dead or not refresh_token else State.REFRESHABLE
    renewable = refresh_token and issued_at > 0 and not dead
    return LoginState(state, expires_at or None, scopes, issued_at + _REFRESH_TOKEN_SECONDS if renewable else None)


def _number(text: Any, decode: Callable[[str], str]) -> int:
    """A time of an entry; 0 when it is missing or unreadable."""
    if type(text) is str and len(text) < 18 and text.isdecimal():
        return int(text)
    return optional_number(decode(text) if type(text) is str else text) or 0


def static_login_state(values: Mapping[str, Any], now: float) -> LoginState:
    """The state of a token from an option or a variable. Without an expiry time, it is unknown."""
    expires_at, scopes = optional_number(values.get("expires_at")), values.get("scopes") or None
    if not values.get("oauth_token"):
        return LoginState(State.NEEDS_LOGIN, None, scopes)
    if not expires_at:
        return LoginState(State.UNVERIFIED, None, scopes)
    return LoginState(State.VALID if expires_at > now else State.NEEDS_LOGIN, expires_at, scopes)


def _journal(record: str, refresh_token: str) -> "tuple[bool, bool]":
    """Whether the server has refused the refresh token, and whether it will not be sent again."""
    from cloudinary_cli.config import refresh_state
    from cloudinary_cli.config.refresh_state import Kind

    known = refresh_state.parse(record)
    if known is None or not known.applies_to(refresh_token or None):
        return False, False
    return known.kind is Kind.REFUSED, known.kind in (Kind.REFUSED, Kind.RETRIED)
