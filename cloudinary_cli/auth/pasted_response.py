"""Judges what a person pasted as the answer to a login: the same checks as for a redirect that arrived; pure."""

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

_WANTED = "Paste the whole address that the browser shows at the end, beginning with {0}"


@dataclass(frozen=True)
class PasteProblem:
    """Why a text is not the answer, and what to do; nothing of the text is in it, as it may hold a code."""

    advice: str


Pasted = Union[AuthorizationResponse, AuthorizationError, PasteProblem]


@dataclass(frozen=True)
class ExpectedRedirect:
    """The redirect of one login: where it goes, and what makes it this login's (RFC 8252 section 8.10)."""

    host: str
    port: int
    path: str
    state: str
    issuers: Collection[str]
    uri: str


def parse_pasted(text: str, expected: ExpectedRedirect) -> Pasted:
    """The answer in a pasted line: the whole redirect URL, or its query alone (`code=...&state=...`)."""
    wanted = _WANTED.format(expected.uri)
    pasted = text.strip().strip("<>'\"").strip()
    query = _query(pasted, expected, wanted)
    if isinstance(query, PasteProblem):
        return query
    outcome = parse_authorization_response(query, expected.state, expected.issuers)
    if outcome is Rejection.OTHER_STATE:
        return PasteProblem(f"That does not belong to this login: its 'state' is missing or another one's. {wanted}")
    if isinstance(outcome, Rejection):
        return PasteProblem(f"That was refused, because {outcome.value}. {wanted}")
    return outcome


def _query(pasted: str, expected: ExpectedRedirect, wanted: str) -> Union[str, PasteProblem]:
    if re.search(r"[\s\x00-\x1f\x7f]", pasted):
        return PasteProblem(f"That has blanks or line breaks in it. {wanted}")
    names = authorities(expected.host, expected.port)
    if pasted.lower().startswith(tuple(f"{name}/" for name in names)):  # a browser that hides http://
        pasted = f"http://{pasted}"
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", pasted):
        if "=" not in pasted:
            return PasteProblem(f"That is not the answer. {wanted}")
        return pasted.lstrip("?")
    try:
        parts = urlsplit(pasted)
    except ValueError:
        return PasteProblem(f"That is not a valid address. {wanted}")
    if parts.path.endswith("/oauth2/auth"):
        return PasteProblem(f"That is the address to open, not the one where the browser ends. {wanted}")
    if parts.scheme != "http" or parts.netloc.lower() not in names or parts.path != expected.path:
        return PasteProblem(f"That is another address. {wanted}")
    return parts.query
