"""Pasted responses: they pass the checks of a redirect, and any other text gets advice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudinary_cli.auth.callback_response import AuthorizationError, AuthorizationResponse
from cloudinary_cli.auth.pasted_response import ExpectedRedirect, PasteProblem, parse_pasted

URI = "http://127.0.0.1:49421/callback"
ISSUER = "https://oauth.example/"
EXPECTED = ExpectedRedirect("127.0.0.1", 49421, "/callback", "S", [ISSUER], URI)
QUERY = "code=C&state=S&iss=https%3A%2F%2Foauth.example%2F"


@pytest.mark.parametrize(
    "text",
    [
        f"{URI}?{QUERY}",
        f"  {URI}?{QUERY}\r",
        f"'{URI}?{QUERY}'",
        f"<{URI}?{QUERY}>",
        f"{URI}?{QUERY}#_=_",
        f"127.0.0.1:49421/callback?{QUERY}",
        QUERY,
        f"?{QUERY}",
    ],
)
def test_the_forms_of_a_pasted_response(text: str) -> None:
    assert parse_pasted(text, EXPECTED) == AuthorizationResponse("C", "S", ISSUER)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("hello", "not the response"),
        ("C", "not the response"),
        ("code=C", "'state'"),
        ("code=C&state=other", "'state'"),
        (f"{URI}?code=C&state=S&iss=https%3A%2F%2Fevil.example", "another authorization server"),
        (f"{URI}?code=C&state=S&code=D", "twice"),
        (f"{URI}?state=S", "neither a code nor an error"),
        (f"https://127.0.0.1:49421/callback?{QUERY}", "another address"),
        (f"http://127.0.0.1:1/callback?{QUERY}", "another address"),
        (f"http://127.0.0.2:49421/callback?{QUERY}", "another address"),
        (f"http://127.0.0.1:49421/other?{QUERY}", "another address"),
        (f"http://evil@127.0.0.1:49421/callback?{QUERY}", "another address"),
        (f"https://oauth.example/oauth2/auth?{QUERY}", "address to open"),
        (f"{URI}?{QUERY} {URI}", "spaces"),
        ("http://[?x=1", "not a valid address"),
    ],
)
def test_the_error_for_a_wrong_text_has_the_reason_and_repeats_nothing(text: str, reason: str) -> None:
    found = parse_pasted(text, EXPECTED)
    assert isinstance(found, PasteProblem) and reason in found.advice and URI in found.advice
    assert "evil" not in found.advice and "code=C" not in found.advice


def test_a_pasted_error_response_is_an_error() -> None:
    found = parse_pasted(f"{URI}?error=access_denied&state=S", EXPECTED)
    assert found == AuthorizationError("access_denied", "")


@settings(deadline=None)  # a time limit of each example would fail on a busy machine
@given(st.text())
def test_any_text_gets_an_error(text: str) -> None:
    assert isinstance(parse_pasted(text, EXPECTED), (PasteProblem, AuthorizationError))
