"""Session and its cloudinary:// form; the rows L9, L10, L13 and T12."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudinary_cli.auth.session import (
    Session,
    from_cloudinary_url,
    is_oauth_url,
    strip_oauth_internal_keys,
    to_cloudinary_url,
    with_tokens,
)
from cloudinary_cli.errors import InvalidTokenResponse
from cloudinary_cli.utils.config_url import parse

NOW = 1_795_479_759


def jwt(claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{payload}.c2ln"


def claims(**changes: Any) -> Dict[str, Any]:
    base = {"iat": NOW, "exp": NOW + 300, "iss": "https://oauth.cloudinary.com/", "ext": {"cloud_name": "fakecloud"}}
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def response(**changes: Any) -> Dict[str, Any]:
    return {"access_token": jwt(claims(**changes)), "refresh_token": "rt_1", "token_type": "bearer", "x": []}


def test_url_is_the_documented_one() -> None:
    session = Session.from_token_response(response(), now=NOW)
    assert to_cloudinary_url(session) == (
        f"cloudinary://fakecloud?oauth_token={session.access_token}&refresh_token=rt_1&issued_at=1795479759"
        "&expires_at=1795480059&region=api&issuer=https%3A%2F%2Foauth.cloudinary.com%2F"
        "&upload_prefix=https%3A%2F%2Fapi.cloudinary.com"
    )


def test_the_other_server_is_kept_with_the_entry() -> None:
    session = Session("c", "t", oauth_base_url="http://127.0.0.1:8", upload_prefix="http://127.0.0.1:9")
    url = to_cloudinary_url(session)
    assert from_cloudinary_url(url) == session
    assert from_cloudinary_url(url).token_base_url == "http://127.0.0.1:8"


def test_entry_of_todays_tool_is_read() -> None:
    url = (
        "cloudinary://fakecloud?oauth_token=abc&refresh_token=&issued_at=&expires_at=zzz&region=api-eu&issuer="
        "&upload_prefix=https%3A%2F%2Fapi-eu.cloudinary.com"
    )
    session = from_cloudinary_url(url)
    assert session.refresh_token is None and session.issuer is None
    assert (session.issued_at, session.expires_at, session.region) == (0, 0, "api-eu")
    assert not session.is_fresh()


tokens = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)


@given(tokens, tokens, st.integers(0, 2**40), st.integers(0, 2**40), st.text(max_size=30).filter(bool))
def test_codec_round_trip(access: str, refresh: str, issued: int, expires: int, issuer: str) -> None:
    session = Session("Cloud-1", access, refresh, issued, expires, "api-eu", issuer.strip() or None, None, "https://x")
    text = to_cloudinary_url(session)
    assert is_oauth_url(text) and from_cloudinary_url(text) == session


@given(
    tokens, tokens, st.dictionaries(st.sampled_from(["timeout", "a[b]", "x y", "é"]), st.text(min_size=1, max_size=9))
)
def test_unknown_keys_survive_a_rewrite(access: str, refresh: str, extra: Dict[str, str]) -> None:
    from cloudinary_cli.utils.config_url import replace_query

    url = replace_query(to_cloudinary_url(Session("c", "t", "r")), extra)
    parsed = parse(with_tokens(url, Session("c", access, refresh, 1, 2)))
    assert {key: parsed.get(key) for key in extra} == extra
    assert (parsed.get("oauth_token"), parsed.get("refresh_token")) == (access, refresh)


@pytest.mark.parametrize(
    "resp, named",
    [
        ({}, "access_token"),
        ([], "JSON object"),
        ({"access_token": None}, "access_token"),
        ({"access_token": 5}, "access_token"),
        ({"access_token": "a\r\nX-Evil: 1"}, "access_token"),
        ({"access_token": "opaque"}, "JWT"),
        ({"access_token": jwt([])}, "JWT"),
        ({"access_token": jwt(claims(ext="text"))}, "ext.cloud_name"),
        ({"access_token": jwt(claims(ext=None))}, "ext.cloud_name"),
        ({"access_token": jwt(claims(iat=None))}, "iat"),
        ({"access_token": jwt(claims(exp="soon"))}, "exp"),
        ({"access_token": jwt(claims(exp=True))}, "exp"),
        ({"access_token": jwt(claims(exp=NOW - 1))}, "exp"),
    ],
)
def test_l13_odd_token_responses_name_what_is_wrong(resp: Any, named: str) -> None:
    with pytest.raises(InvalidTokenResponse, match=named):
        Session.from_token_response(resp, now=NOW)


@pytest.mark.parametrize(
    "name", ["evil?upload_prefix=http://evil&x=1", "u:p@vic", "a/b", "__x__", "__default__", "", "-a", "a b", "é", 5]
)
def test_l9_l10_cloud_name_claim_is_validated(name: Any) -> None:
    with pytest.raises(InvalidTokenResponse, match=r"ext\.cloud_name"):
        Session.from_token_response(response(ext={"cloud_name": name}), now=NOW)


def test_s11_case_of_the_cloud_name_is_kept() -> None:
    session = Session.from_token_response(response(ext={"cloud_name": "MixedCase"}), now=NOW)
    assert parse(to_cloudinary_url(session)).cloud_name == "MixedCase"


def test_numeric_text_claims_are_accepted() -> None:
    session = Session.from_token_response(response(iat=str(NOW), exp=str(NOW + 300)), now=NOW)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 300)


@pytest.mark.parametrize("shift", [-4000, -60, 60, 4000])
def test_t12_times_are_put_on_the_local_clock(shift: int) -> None:
    session = Session.from_token_response(response(iat=NOW + shift, exp=NOW + shift + 300), now=NOW)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 300)


def test_expires_in_is_preferred_to_claims() -> None:
    session = Session.from_token_response({**response(), "expires_in": 60}, now=NOW)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 60)


def test_bookkeeping_never_reaches_api_arguments() -> None:
    fields = parse(to_cloudinary_url(Session("c", "t", "r", 1, 2, oauth_base_url="https://x"))).fields()
    kept = strip_oauth_internal_keys({**fields, "refresh_state": "x"})
    assert set(kept) == {"cloud_name", "api_key", "api_secret", "private_cdn", "oauth_token", "upload_prefix"}


def test_tokens_are_not_in_the_repr() -> None:
    assert "SECRET" not in repr(Session("c", "SECRET1", "SECRET2"))
