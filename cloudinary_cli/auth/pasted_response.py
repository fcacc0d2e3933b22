"""Parses a pasted authorization response, with the same checks as for a redirect. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, Union
from urllib.parse import urlsplit

from cloudinary_cli.auth.callback_http import authorities
from cloudinary_cli.auth.callback_response import (
    AuthorizationError,
    AuthorizationResponse,
    Rejection,
    parse_authorization_response,
)

_HINT = "Paste the whole address that the browser shows after the login; it begins with {0}"


@dataclass(frozen=True)
class PasteProblem:
    """What is wrong with a pasted text, and what to do. It repeats nothing of the text, which may contain a code."""

    advice: str


Pasted = Union[AuthorizationResponse, AuthorizationError, PasteProblem]


@dataclass(frozen=True)
class ExpectedRedirect:
    """The redirect of one login: its address, and the values that tie it to this login (RFC 8252 section 8.10)."""

    host: str
    port: int
    path: str
    state: str
    issuers: Collection[str]
    uri: str


def parse_pasted(text: str, expected: ExpectedRedirect) -> Pasted:
    """Parse a pasted line: the whole redirect URL, or its query alone (`code=...&state=...`)."""
    hint = _HINT.format(expected.uri)
    pasted = text.strip().strip("<>'\"").strip()
    query = _query(pasted, expected, hint)
    if isinstance(query, PasteProblem):
        return query
    outcome = parse_authorization_response(query, expected.state, expected.issuers)
    if outcome is Rejection.OTHER_STATE:
        return PasteProblem(f"That does not belong to this login: its 'state' is missing or different. {hint}")
    if isinstance(outcome, Rejection):
        return PasteProblem(f"That was refused, because {outcome.value}. {hint}")
    return outcome


def _query(pasted: str, expected: ExpectedRedirect, hint: str) -> Union[str, PasteProblem]:
    if re.search(r"[\s\x00-\x1f\x7f]", pasted):
        return PasteProblem(f"That contains spaces or line breaks. {hint}")
    names = authorities(expected.host, expected.port)
    if pasted.lower().startswith(tuple(f"{name}/" for name in names)):  # some browsers hide http://
        pasted = f"http://{pasted}"
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", pasted):
        if "=" not in pasted:
            return PasteProblem(f"That is not the response. {hint}")
        return pasted.lstrip("?")
    try:
        parts = urlsplit(pasted)
    except ValueError:
        return PasteProblem(f"That is not a valid address. {hint}")
    if parts.path.endswith("/oauth2/auth"):
        return PasteProblem(f"That is the address to open, not the one that the browser shows after the login. {hint}")
    if parts.scheme != "http" or parts.netloc.lower() not in names or parts.path != expected.path:
        return PasteProblem(f"That is another address. {hint}")
    return parts.query
