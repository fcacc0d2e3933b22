"""Parses and checks the query of a redirect as an OAuth authorization response. No I/O."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from enum import Enum
from typing import Collection, Dict, Optional, Union
from urllib.parse import unquote_plus

from cloudinary_cli.errors import AuthorizationDenied
from cloudinary_cli.text import one_line, redact

# RFC 6749 appendix A.11: a code consists of visible ASCII characters and spaces.
_CODE = re.compile(r"[\x20-\x7e]+\Z")


@dataclass(frozen=True)
class AuthorizationResponse:
    """A successful response (RFC 6749 section 4.1.2); `issuer` is its `iss` (RFC 9207), when it has one."""

    code: str
    state: str
    issuer: Optional[str]


@dataclass(frozen=True)
class AuthorizationError:
    """A genuine error response (RFC 6749 section 4.1.2.1). The texts are escaped for use within one line."""

    error: str
    description: str = ""

    def __str__(self) -> str:
        return f"{self.error}: {self.description}" if self.description else self.error


class Rejection(str, Enum):
    """Why a query is not the response to this login. The browser shows the texts; they repeat nothing of the query."""

    MALFORMED = "its parameters cannot be read"
    REPEATED = "it has a parameter twice"
    OTHER_STATE = "it does not belong to the login that is waiting"
    OTHER_ISSUER = "it comes from another authorization server"
    CONTRADICTORY = "it has both a code and an error"
    EMPTY = "it has neither a code nor an error"


Outcome = Union[AuthorizationResponse, AuthorizationError, Rejection]


def denied(reason: str) -> AuthorizationDenied:
    """The error of a login that the authorization server refused; `reason` is its error code and description."""
    return AuthorizationDenied(f"the authorization server responded with '{reason}'. Run the command again to retry.")


def parse_authorization_response(query: str, expected_state: str, expected_issuers: Collection[str]) -> Outcome:
    """Parse the query of a redirect and check that it belongs to this login. If not, return the Rejection.

    :param expected_state: the state of the request; empty: it is not compared here, so the caller must compare it.
    :param expected_issuers: the issuer identifiers that an `iss` may have; empty: it is not compared.
    """
    parameters = _parameters(query)
    if isinstance(parameters, Rejection):
        return parameters
    state = parameters.get("state", "")
    # The state is checked first, so that a request without it learns nothing about the other checks
    # (RFC 6749 section 10.12).
    if expected_state and not hmac.compare_digest(state.encode(), expected_state.encode()):
        return Rejection.OTHER_STATE
    issuer = parameters.get("iss")
    # RFC 9207 section 2.4: simple string comparison, also for error responses.
    if issuer is not None and expected_issuers and issuer not in expected_issuers:
        return Rejection.OTHER_ISSUER
    code, error = parameters.get("code"), parameters.get("error")
    if code and error:
        return Rejection.CONTRADICTORY
    if error:
        return AuthorizationError(_escaped(error), _escaped(parameters.get("error_description", "")))
    if not code:
        return Rejection.EMPTY
    return AuthorizationResponse(code, state, issuer) if _CODE.match(code) else Rejection.MALFORMED


def _parameters(query: str) -> Union[Dict[str, str], Rejection]:
    """The parameters that have a value; one without a value counts as omitted (RFC 6749 section 3.1).

    urllib's parse_qsl is not used, because Python before 3.8.8 also splits at `;` (CVE-2021-23336).
    """
    found: Dict[str, str] = {}
    if not query.isascii():  # RFC 3986: other characters are percent-encoded
        return Rejection.MALFORMED
    for pair in query.split("&"):
        try:
            name, value = (unquote_plus(part, errors="strict") for part in pair.partition("=")[::2])
        except UnicodeDecodeError:
            return Rejection.MALFORMED
        if name in found:
            return Rejection.REPEATED
        if name:
            found[name] = value
    return {name: value for name, value in found.items() if value}


def _escaped(text: str) -> str:
    return one_line(redact(text))
