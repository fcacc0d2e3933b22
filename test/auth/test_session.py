"""Sessions: token responses, and their cloudinary:// URL."""

from __future__ import annotations

import time
from typing import Any, Dict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudinary_cli.auth.session import (
    Session,
    from_cloudinary_url,
    from_fields,
    is_oauth_url,
    refresh_token_of,
    strip_oauth_internal_keys,
    to_cloudinary_url,
    with_tokens,
)
from cloudinary_cli.config.url import parse
from cloudinary_cli.errors import InvalidTokenResponse
from test.support.tokens import jwt

NOW = 1_795_479_759


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


def test_the_other_server_and_the_key_are_kept_with_the_entry() -> None:
    session = Session("c", "t", oauth_base_url="http://127.0.0.1:8", upload_prefix="http://127.0.0.1:9", key_id="k1")
    url = to_cloudinary_url(session)
    assert from_cloudinary_url(url) == session
    assert from_cloudinary_url(url).token_base_url == "http://127.0.0.1:8"


def test_without_a_server_of_its_own_a_login_belongs_to_its_region() -> None:
    assert Session("c", "t", region="api-eu").token_base_url == "https://oauth.cloudinary.com"
    assert Session("c", "t", region="api-test").token_base_url == "https://oauth-test.cloudinary.com"


def test_the_session_of_an_sdk_config_is_that_of_its_url() -> None:
    session = Session("c", "t", "r", 1, 2, "api-eu", "https://issuer/", "https://o", "https://u", "k1")
    assert from_fields(parse(to_cloudinary_url(session)).fields()) == session
    # The SDK gives None for what is not there; an empty config has no login.
    assert from_fields({"cloud_name": None, "oauth_token": None, "region": None}) == Session("", "")


def test_an_entry_of_the_original_tool_is_read() -> None:
    url = (
        "cloudinary://fakecloud?oauth_token=abc&refresh_token=&issued_at=&expires_at=zzz&region=api-eu&issuer="
        "&upload_prefix=https%3A%2F%2Fapi-eu.cloudinary.com"
    )
    session = from_cloudinary_url(url)
    assert session.refresh_token is None and session.issuer is None
    assert (session.issued_at, session.expires_at, session.region) == (0, 0, "api-eu")
    assert not session.is_fresh()


def test_an_entry_with_a_token_alone_is_a_session_that_has_expired() -> None:
    session = from_cloudinary_url("cloudinary://c?oauth_token=t")
    assert session == Session("c", "t") and session.is_expired(time.time())


@pytest.mark.parametrize(
    "issued, expires, now, fresh",
    [
        # 30 seconds of leeway: a request must not arrive with a token that ended on its way
        (NOW, NOW + 300, NOW + 269, True),
        (NOW, NOW + 300, NOW + 270, False),
        (NOW, NOW + 300, NOW + 269.9, True),
        # at most half the lifetime, so that short-lived tokens are used at all
        (NOW, NOW + 20, NOW + 9, True),
        (NOW, NOW + 20, NOW + 10, False),
        (NOW, NOW + 1, NOW, True),
        # no record of the start, or times that make no sense
        (0, NOW + 300, NOW + 269, True),
        (0, NOW + 300, NOW + 270, False),
        (NOW + 300, NOW, NOW - 29, False),
        (NOW, NOW, NOW - 29, False),
    ],
)
def test_a_session_is_fresh_until_its_leeway_begins(issued: int, expires: int, now: float, fresh: bool) -> None:
    assert Session("c", "t", issued_at=issued, expires_at=expires).is_fresh(now=now) is fresh


def test_the_local_clock_is_used_unless_a_time_is_given() -> None:
    resp = {**response(), "expires_in": 300}
    for session in (Session("c", "t").updated_from(resp), Session.from_token_response(resp)):
        assert session.is_fresh() and session.is_expired(time.time() + 300)


def test_a_token_has_expired_from_its_expiry_on() -> None:
    """RFC 7519 section 4.1.4: "on or after which the JWT MUST NOT be accepted"."""
    session = Session("c", "t", expires_at=NOW)
    assert session.is_expired(NOW) is True and session.is_expired(NOW - 1) is False


tokens = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)


@settings(deadline=None)  # a time limit of each example would fail on a busy machine
@given(tokens, tokens, st.integers(0, 2**40), st.integers(0, 2**40), st.text(max_size=30).filter(bool))
def test_codec_round_trip(access: str, refresh: str, issued: int, expires: int, issuer: str) -> None:
    session = Session("Cloud-1", access, refresh, issued, expires, "api-eu", issuer.strip() or None, None, "https://x")
    text = to_cloudinary_url(session)
    assert is_oauth_url(text) and from_cloudinary_url(text) == session


@settings(deadline=None)  # a time limit of each example would fail on a busy machine
@given(
    tokens, tokens, st.dictionaries(st.sampled_from(["timeout", "a[b]", "x y", "é"]), st.text(min_size=1, max_size=9))
)
def test_unknown_keys_survive_a_rewrite(access: str, refresh: str, extra: Dict[str, str]) -> None:
    from cloudinary_cli.config.url import replace_query

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
        ({"access_token": jwt(claims(exp=NOW))}, "exp"),
        ({"access_token": jwt(claims(exp=10**18 + 1))}, "exp"),
        ({"access_token": jwt(claims(ext={}))}, r"has no claim 'ext\.cloud_name'"),
    ],
)
def test_the_error_of_an_unusable_token_response_names_the_member(resp: Any, named: str) -> None:
    with pytest.raises(InvalidTokenResponse, match=named):
        Session.from_token_response(resp, now=NOW)


@pytest.mark.parametrize(
    "name", ["evil?upload_prefix=http://evil&x=1", "u:p@vic", "a/b", "__x__", "__default__", "", "-a", "a b", "é", 5]
)
def test_cloud_name_claim_is_validated(name: Any) -> None:
    with pytest.raises(InvalidTokenResponse, match=r"ext\.cloud_name"):
        Session.from_token_response(response(ext={"cloud_name": name}), now=NOW)


def test_a_cloud_name_that_the_caller_knows_needs_no_claim() -> None:
    for ext in (None, {"cloud_name": "fakecloud"}):
        assert Session.from_token_response(response(ext=ext), cloud_name="known", now=NOW).cloud_name == "known"


def test_case_of_the_cloud_name_is_kept() -> None:
    session = Session.from_token_response(response(ext={"cloud_name": "MixedCase"}), now=NOW)
    assert parse(to_cloudinary_url(session)).cloud_name == "MixedCase"


def test_numeric_text_claims_are_accepted() -> None:
    session = Session.from_token_response(response(iat=str(NOW), exp=str(NOW + 300)), now=NOW)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 300)


@pytest.mark.parametrize("shift", [-4000, -60, 60, 4000])
def test_times_are_put_on_the_local_clock(shift: int) -> None:
    session = Session.from_token_response(response(iat=NOW + shift, exp=NOW + shift + 300), now=NOW)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 300)


@pytest.mark.parametrize("shift, kept", [(-6, False), (-5, True), (5, True), (6, False)])
def test_the_servers_own_times_are_kept_where_the_clocks_agree(shift: int, kept: bool) -> None:
    session = Session.from_token_response(response(iat=NOW + shift, exp=NOW + shift + 300), now=NOW)
    assert session.issued_at == (NOW + shift if kept else NOW)
    assert session.expires_at - session.issued_at == 300


@pytest.mark.parametrize(
    "expires_in, lifetime",
    [(60, 60), ("60", 60), (1, 1), (0, 300), (-1, 300), (None, 300), (True, 300), ([], 300), ("soon", 300)],
)
def test_a_usable_expires_in_is_preferred_to_claims(expires_in: Any, lifetime: int) -> None:
    session = Session.from_token_response({**response(), "expires_in": expires_in}, now=NOW)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + lifetime)


def test_a_lifetime_of_one_second_is_accepted() -> None:
    session = Session.from_token_response(response(exp=NOW + 1), now=NOW)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 1)


@pytest.mark.parametrize("issuer", [None, "", 5, ["https://oauth.cloudinary.com/"]])
def test_an_issuer_that_is_not_a_string_is_ignored(issuer: Any) -> None:
    assert Session.from_token_response(response(iss=issuer), now=NOW).issuer is None


@pytest.mark.parametrize("token", [None, "", 5, "a b", "a\r\nX-Evil: 1"])
def test_an_unusable_refresh_token_is_ignored(token: Any) -> None:
    assert refresh_token_of({"refresh_token": token}) is None and refresh_token_of([token]) is None
    assert Session.from_token_response({**response(), "refresh_token": token}, now=NOW).refresh_token is None


@pytest.mark.parametrize(
    "given, kept", [({}, "rt_old"), ({"refresh_token": ""}, "rt_old"), ({"refresh_token": "n"}, "n")]
)
def test_a_refresh_replaces_only_what_the_response_contains(given: Any, kept: str) -> None:
    """RFC 6749 section 6: a refresh token that the response omits stays in use."""
    old = Session("c", "t", "rt_old", 1, 2, "api-eu", "https://issuer/", "https://o", "https://u", "k1")
    new = old.updated_from({"access_token": "opaque", "expires_in": 60, **given}, now=NOW)
    expected = Session("c", "opaque", kept, NOW, NOW + 60, "api-eu", "https://issuer/", "https://o", "https://u", "k1")
    assert new == expected


@pytest.mark.parametrize("token", ["opaque", jwt({}), jwt({"exp": NOW + 9}), jwt({"iat": NOW}), jwt([])])
def test_the_default_lifetime_is_five_minutes(token: str) -> None:
    """RFC 6749 section 5.1 only recommends `expires_in`, and an access token need not be a JWT."""
    session = Session("c", "t", "r").updated_from({"access_token": token}, now=NOW)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 300)


def test_bookkeeping_never_reaches_api_arguments() -> None:
    fields = parse(to_cloudinary_url(Session("c", "t", "r", 1, 2, oauth_base_url="https://x"))).fields()
    kept = strip_oauth_internal_keys({**fields, "refresh_state": "x"})
    assert set(kept) == {"cloud_name", "api_key", "api_secret", "private_cdn", "oauth_token", "upload_prefix"}


def test_tokens_are_not_in_the_repr() -> None:
    assert "SECRET" not in repr(Session("c", "SECRET1", "SECRET2"))
