"""The parser of authorization responses: which queries are accepted, and why others are rejected."""

from __future__ import annotations

import random
from typing import List, Union

import pytest

from cloudinary_cli.auth.callback_response import (
    AuthorizationError,
    AuthorizationResponse,
    Rejection,
    parse_authorization_response,
)

STATE = "s3cret-State_of-22chars"
ISSUERS = ["https://oauth.example", "https://oauth.example/"]


def parse(query: str, state: str = STATE, issuers: Union[List[str], None] = None) -> object:
    return parse_authorization_response(query, state, ISSUERS if issuers is None else issuers)


@pytest.mark.parametrize(
    ("query", "code", "issuer"),
    [
        (f"code=abc&state={STATE}", "abc", None),
        (f"state={STATE}&code=abc&scope=openid+upload&session_state=1", "abc", None),
        (f"code=a%2Bb%3D+%26c;d&state={STATE}", "a+b= &c;d", None),
        (f"code=abc&state={STATE}&iss=https%3A%2F%2Foauth.example", "abc", "https://oauth.example"),
        (f"code=abc&state={STATE}&iss=https://oauth.example/", "abc", "https://oauth.example/"),
        (f"&code=abc&&state={STATE}&", "abc", None),
        # RFC 6749 3.1: without a value a parameter counts as omitted.
        (f"code=abc&state={STATE}&error=&iss=", "abc", None),
    ],
)
def test_genuine_response(query: str, code: str, issuer: object) -> None:
    assert parse(query) == AuthorizationResponse(code, STATE, issuer)  # type: ignore[arg-type]


def test_genuine_error_response() -> None:
    outcome = parse(f"error=access_denied&error_description=The+user+said+no&state={STATE}&iss=https://oauth.example")
    assert outcome == AuthorizationError("access_denied", "The user said no")
    assert str(outcome) == "access_denied: The user said no"
    assert str(parse(f"error=server_error&state={STATE}")) == "server_error"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("code=abc&state=bad", Rejection.OTHER_STATE),
        (f"code=abc&state={STATE[:-1]}", Rejection.OTHER_STATE),
        (f"code=abc&state={STATE}x", Rejection.OTHER_STATE),
        (f"code=abc&state={STATE.lower()}", Rejection.OTHER_STATE),
        ("code=abc&state=%C3%A9", Rejection.OTHER_STATE),
        ("code=abc", Rejection.OTHER_STATE),
        ("code=abc&state=", Rejection.OTHER_STATE),
        (f"code=abc&State={STATE}", Rejection.OTHER_STATE),
        (f"code=abc&state={STATE}&state={STATE}", Rejection.REPEATED),
        (f"code=abc&state=bad&state={STATE}", Rejection.REPEATED),
        (f"code=abc&state=&state={STATE}", Rejection.REPEATED),
        (f"code=abc&code=def&state={STATE}", Rejection.REPEATED),
        (f"code=abc&%63ode=def&state={STATE}", Rejection.REPEATED),
        (f"error=a&error=b&state={STATE}", Rejection.REPEATED),
        ("error=x", Rejection.OTHER_STATE),
        ("error=access_denied&state=bad", Rejection.OTHER_STATE),
        (f"code=abc&state={STATE}&iss=https://evil.example/", Rejection.OTHER_ISSUER),
        (f"code=abc&state={STATE}&iss=HTTPS://oauth.example", Rejection.OTHER_ISSUER),
        (f"code=abc&state={STATE}&iss=https://oauth.exampl", Rejection.OTHER_ISSUER),
        (f"code=abc&state={STATE}&iss=https://oauth.example/x", Rejection.OTHER_ISSUER),
        (f"error=access_denied&state={STATE}&iss=https://evil.example/", Rejection.OTHER_ISSUER),
        (f"code=abc&state={STATE}&iss=https://oauth.example&iss=https://evil.example", Rejection.REPEATED),
        (f"code=abc&error=access_denied&state={STATE}", Rejection.CONTRADICTORY),
        (f"state={STATE}", Rejection.EMPTY),
        (f"code=&state={STATE}", Rejection.EMPTY),
        ("", Rejection.OTHER_STATE),
        # Not UTF-8; not the characters of a code
        (f"code=%FF&state={STATE}", Rejection.MALFORMED),
        ("code=abc&state=%ff", Rejection.MALFORMED),
        (f"code=a%0d%0ab&state={STATE}", Rejection.MALFORMED),
        (f"code=a%00&state={STATE}", Rejection.MALFORMED),
        (f"code=%C3%A9&state={STATE}", Rejection.MALFORMED),
    ],
)
def test_any_other_query_is_rejected(query: str, reason: Rejection) -> None:
    assert parse(query) is reason


def test_error_texts_are_escaped_for_one_line() -> None:
    outcome = parse(f"error=%1b%5b31mpwned%0aLogged+in.+Saved+as+x&error_description=%E2%80%AEevil%0d%9B&state={STATE}")
    assert outcome is Rejection.MALFORMED  # %9B alone is no UTF-8
    outcome = parse(
        f"error=%1b%5b31mpwned%0aLogged+in.+Saved+as+x&error_description=%E2%80%AEevil%0d%C2%9B&state={STATE}"
    )
    assert str(outcome) == "\\x1b[31mpwned\\nLogged in. Saved as x: \\u202eevil\\r\\x9b"
    assert len(str(parse(f"error={'e' * 5000}&error_description={'d' * 5000}&state={STATE}"))) < 500


def test_error_texts_do_not_show_tokens() -> None:
    outcome = parse(f"error=x&error_description=access_token%3DAAAABBBB+was+refused&state={STATE}")
    assert "AAAABBBB" not in str(outcome)


def test_without_an_expected_state_the_caller_compares() -> None:
    assert parse("code=abc&state=any", state="") == AuthorizationResponse("abc", "any", None)
    assert parse("code=abc&state=a&state=b", state="") is Rejection.REPEATED
    assert parse("error=x", state="") == AuthorizationError("x")


def test_without_expected_issuers_none_is_compared() -> None:
    query = f"code=abc&state={STATE}&iss=https://other.example"
    assert parse(query, issuers=[]) == AuthorizationResponse("abc", STATE, "https://other.example")


def test_no_random_query_without_the_state_is_accepted() -> None:
    random_ = random.Random(6749)
    pieces = ["code", "state", "error", "iss", "=", "&", "%", "%FF", "%00", "+", ";", "abc", STATE[:-1], "é", "\udcff"]
    for _ in range(5000):
        query = "".join(random_.choice(pieces) for _ in range(random_.randint(0, 14)))
        assert isinstance(parse(query), Rejection), query
