"""The outcomes of a refresh, and the rules that decide whether a saved login may be adopted or sent. No I/O."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import Enum
from typing import Any, Iterable, List, Mapping, Optional

from cloudinary_cli.auth.session import Session
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.refresh_state import Kind, RefreshState
from cloudinary_cli.config.url import parse, try_parse
from cloudinary_cli.defaults import DEFAULT_REGION
from cloudinary_cli.errors import CliError, DetailedExit, OAuthError, ReloginRequired


class RefreshOutcome(str, Enum):
    """The outcome of a refresh."""

    NOT_FOUND = "not_found"
    NOT_OAUTH = "not_oauth"
    FRESH = "fresh"
    REFRESHED = "refreshed"
    FAILED = "failed"


@dataclass(frozen=True)
class RefreshResult:
    """The outcome, the URL to continue with (the given one after a failure), and the error.

    `replaces` is set when new tokens exist in memory only, because config.json could not be written: the saved entry
    that they replace.
    """

    outcome: RefreshOutcome
    url: str
    error: Optional[CliError] = None
    replaces: Optional[str] = None

    @property
    def saved(self) -> bool:
        return self.replaces is None

    @property
    def is_retryable(self) -> bool:
        """True when it failed, and may succeed later although nobody does anything."""
        codes = (DetailedExit.RATE_LIMITED, DetailedExit.UNAVAILABLE, DetailedExit.LOCKED)
        return self.error is not None and self.error.detailed_exit_code in codes

    @property
    def needs_login(self) -> bool:
        """True when only a login helps."""
        return isinstance(self.error, ReloginRequired)


def relogin_command(name: str, region: str = DEFAULT_REGION) -> str:
    """The command that logs in again under this name."""
    option = "" if region == DEFAULT_REGION else f" --region {shlex.quote(region)}"
    if name.startswith("-"):
        return f"cld login{option} -- {shlex.quote(name)}"
    return f"cld login {shlex.quote(name)}{option}"


def holds(entry: Any, session: Session) -> bool:
    """True while the saved entry is this login: same cloud, same refresh token."""
    parsed = try_parse(entry)
    if parsed is None or not parsed.has("oauth_token"):
        return False
    return parsed.cloud_name == session.cloud_name and (parsed.get("refresh_token") or None) == session.refresh_token


def holders(cfg: Mapping[str, Any], session: Session, name: str = "") -> List[str]:
    """The names of the entries that are this login, such as a copy under another name.

    :param name: of the entry that the session was read from, which is found in any percent-encoding of its token.
    """
    if session.refresh_token is None:
        return [name] if holds(cfg.get(name), session) else []
    # The text is searched first, because parsing thousands of entries takes longer than a refresh. The search is for
    # unreserved characters, which no program percent-encodes (RFC 3986 section 2.3).
    part = max(re.findall("[A-Za-z0-9._-]+", session.refresh_token), key=len, default="")
    candidates = [each for each, entry in cfg.items() if each == name or (isinstance(entry, str) and part in entry)]
    return [each for each in candidates if holds(cfg[each], session)]


def journal_of(entries: Iterable[str], session: Session) -> Optional[RefreshState]:
    """The journal record of this session's refresh token. If copies differ, the most restrictive record."""
    texts = (parse(entry).get(refresh_state.KEY) for entry in entries)
    found = [state for state in map(refresh_state.parse, texts) if state and state.applies_to(session.refresh_token)]
    return max(found, key=lambda state: list(Kind).index(state.kind), default=None)


def check_same_account(name: str, known: Session, saved: Session) -> None:
    """Refuse to adopt another account's tokens.

    :raises ReloginRequired: the saved entry has another cloud or issuer than the session in use.
    """
    same_issuer = not known.issuer or not saved.issuer or known.issuer == saved.issuer
    if known.cloud_name.lower() != saved.cloud_name.lower() or not same_issuer:
        raise ReloginRequired(
            f"The saved login '{name}' now belongs to another account (cloud {saved.cloud_name}). "
            "Run the command again to use it."
        )


def check_not_dead(name: str, current: Session, known: Optional[RefreshState]) -> None:
    """Refuse to send a token that is known to be invalid.

    :raises ReloginRequired: the server refused it, or processes that died have sent it twice.
    """
    reasons = {
        Kind.REFUSED: f"The login '{name}' is no longer valid: the server refused it.",
        Kind.RETRIED: f"A refresh of the login '{name}' was interrupted.",
    }
    if known is not None and known.kind in reasons:
        raise ReloginRequired(f"{reasons[known.kind]} {relogin_advice(name, current)}")


def relogin_advice(name: str, session: Session) -> str:
    """The sentence with the command that logs in again."""
    return f"Run: {relogin_command(name, session.region)}"


def tokens_lost(name: str, session: Session, reason: str) -> ReloginRequired:
    """The error for new tokens that cannot be saved: the refresh token before them is spent."""
    return ReloginRequired(f"The new tokens of '{name}' are lost. {reason} {relogin_advice(name, session)}")


def with_command(name: str, session: Session, error: CliError) -> OAuthError:
    """A possibly temporary error, with the command to run if it persists."""
    problem = OAuthError(f"{error} If this persists, run: {relogin_command(name, session.region)}")
    problem.detailed_exit_code = DetailedExit.UNAVAILABLE
    return problem
