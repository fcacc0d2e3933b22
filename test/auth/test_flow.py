"""The OAuth protocol: vectors, forms and errors (RFC 6749, 7009, 7636, 8414, 9207)."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from cloudinary_cli import defaults
from cloudinary_cli.auth import flow
from cloudinary_cli.auth.token_http import TokenHttpResponse
from cloudinary_cli.errors import ConfigError, Delivery, TokenEndpointError
from test.support.tls import TinyServer, reply


def test_rfc_7636_appendix_b_vector() -> None:
    assert flow.challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == (
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_pkce_pair_is_fresh_and_well_formed() -> None:
    pairs = {flow.generate_pkce_pair() for _ in range(100)}
    assert len({verifier for verifier, _ in pairs}) == 100
    for verifier, challenge in pairs:
        assert re.match(r"[A-Za-z0-9_-]{43}\Z", verifier)  # 32 octets, as RFC 7636 section 4.1 recommends
        assert challenge == flow.challenge_of(verifier)


def test_state_is_fresh() -> None:
    assert len({flow.generate_state() for _ in range(100)}) == 100 and len(flow.generate_state()) == 22


def test_authorization_request() -> None:
    url = flow.build_authorize_url("CH", "ST", "http://127.0.0.1:49421/callback", "eu")
    assert url.startswith("https://oauth.cloudinary.com/oauth2/auth?")
    assert parse_qsl(urlsplit(url).query) == [
        ("client_id", defaults.OAUTH_DEFAULT_CLIENT_ID),
        ("response_type", "code"),
        ("scope", defaults.OAUTH_DEFAULT_SCOPES),
        ("redirect_uri", "http://127.0.0.1:49421/callback"),
        ("state", "ST"),
        ("code_challenge", "CH"),
        ("code_challenge_method", "S256"),
    ]


@pytest.mark.parametrize(
    "given, region, api, oauth",
    [
        (None, "api", "https://api.cloudinary.com", "https://oauth.cloudinary.com"),
        ("", "api", "https://api.cloudinary.com", "https://oauth.cloudinary.com"),
        ("eu", "api-eu", "https://api-eu.cloudinary.com", "https://oauth.cloudinary.com"),
        ("api-eu", "api-eu", "https://api-eu.cloudinary.com", "https://oauth.cloudinary.com"),
        ("ap", "api-ap", "https://api-ap.cloudinary.com", "https://oauth.cloudinary.com"),
        ("test", "api-test", "https://api-test.cloudinary.com", "https://oauth-test.cloudinary.com"),
        ("api-geo-1", "api-geo-1", "https://api-geo-1.cloudinary.com", "https://oauth-geo-1.cloudinary.com"),
        (" EU ", "api-eu", "https://api-eu.cloudinary.com", "https://oauth.cloudinary.com"),
        ("apix", "api-apix", "https://api-apix.cloudinary.com", "https://oauth-apix.cloudinary.com"),
    ],
)
def test_regions(given: str, region: str, api: str, oauth: str) -> None:
    assert defaults.normalize_region(given) == region
    assert defaults.api_host_for_region(given) == api
    assert defaults.oauth_base_url_for_region(given) == oauth
    assert defaults.oauth_token_url_for_region(given) == oauth + "/oauth2/token"


@pytest.mark.parametrize(
    "region", ["api-abc@127.0.0.1:8443/", "eu.evil.example", "a/b", "a#b", "a\nb", "-", "api-", "a--b", "x" * 60, "é"]
)
def test_region_is_validated(region: str) -> None:
    with pytest.raises(ConfigError, match="region"):
        defaults.normalize_region(region)


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "1.5", "٣"])
def test_bad_redirect_port_is_one_clear_error(value: str) -> None:
    with pytest.raises(ConfigError, match="CLOUDINARY_OAUTH_REDIRECT_PORT"):
        defaults.oauth_settings({"CLOUDINARY_OAUTH_REDIRECT_PORT": value})


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "192.168.1.1", "evil.example", "::", "127.0.0.1@x"])
def test_redirect_host_must_be_loopback(host: str) -> None:
    with pytest.raises(ConfigError, match="CLOUDINARY_OAUTH_REDIRECT_HOST"):
        defaults.oauth_settings({"CLOUDINARY_OAUTH_REDIRECT_HOST": host})


def test_empty_variables_count_as_unset() -> None:
    names = ("CLIENT_ID", "SCOPES", "REDIRECT_HOST", "REDIRECT_PORT")
    assert defaults.oauth_settings({f"CLOUDINARY_OAUTH_{name}": "" for name in names}) == defaults.oauth_settings({})
    assert (
        defaults.oauth_settings({"CLOUDINARY_OAUTH_REDIRECT_HOST": "::1"}).redirect_uri == "http://[::1]:49421/callback"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example",
        "ftp://x",
        "https://",
        "https://u:p@h",
        "https://h?x=1",
        "https://h#x",
        "x",
        "https://h\\@i",
    ],
)
def test_base_url_override_must_be_https_or_loopback(url: str) -> None:
    with pytest.raises(ConfigError, match="CLOUDINARY_OAUTH_BASE_URL"):
        defaults.oauth_base_url_override({"CLOUDINARY_OAUTH_BASE_URL": url})


@pytest.mark.parametrize("url", ["https://h/", "http://127.0.0.1:8", "http://[::1]:8"])
def test_base_url_override(url: str) -> None:
    assert defaults.oauth_base_url_override({"CLOUDINARY_OAUTH_BASE_URL": url}) == url.rstrip("/")


def form_sent(call: Any) -> "tuple[str, Dict[str, str], Any]":
    with TinyServer(lambda handler: reply(handler, body='{"ok": 1}')) as server:
        call(server.url)
    seen = server.seen[0]
    return seen.path, dict(parse_qsl(seen.body)), seen.headers


def test_code_exchange_form() -> None:
    path, form, headers = form_sent(
        lambda url: flow.exchange_code("C", "V", "http://127.0.0.1:1/callback", base_url=url)
    )
    assert path == "/oauth2/token" and headers["Authorization"] is None
    assert form == {
        "grant_type": "authorization_code",
        "code": "C",
        "redirect_uri": "http://127.0.0.1:1/callback",
        "client_id": defaults.OAUTH_DEFAULT_CLIENT_ID,
        "code_verifier": "V",
    }


def test_refresh_form_has_no_password_grant_and_no_secret() -> None:
    path, form, headers = form_sent(lambda url: flow.refresh("R", base_url=url))
    assert path == "/oauth2/token" and headers["Authorization"] is None
    client = defaults.OAUTH_DEFAULT_CLIENT_ID
    assert form == {"grant_type": "refresh_token", "refresh_token": "R", "client_id": client}


def test_revocation_form() -> None:
    path, form, _ = form_sent(lambda url: flow.revoke("R", base_url=url))
    client = defaults.OAUTH_DEFAULT_CLIENT_ID
    assert path == "/oauth2/revoke" and form == {"token": "R", "token_type_hint": "refresh_token", "client_id": client}


TOKEN_CALLS = [
    lambda url: flow.exchange_code("C", "V", "http://127.0.0.1:1/callback", base_url=url),
    lambda url: flow.request_tokens(url, {"device_code": "D"}),
    lambda url: flow.refresh("R", base_url=url),
]


@pytest.mark.parametrize("call", TOKEN_CALLS)
@pytest.mark.parametrize("status", [200, 201, 299])
def test_tokens_are_accepted_with_any_2xx_status(call: Any, status: int) -> None:
    with TinyServer(lambda handler: reply(handler, status, '{"access_token": "t"}')) as server:
        assert call(server.url) == {"access_token": "t"}


@pytest.mark.parametrize("call", [*TOKEN_CALLS, lambda url: flow.revoke("R", base_url=url)])
@pytest.mark.parametrize("status", [300, 302, 400, 503])
def test_any_other_status_is_an_error_with_that_status(call: Any, status: int) -> None:
    """RFC 7009 section 2.2.1 too: after a 503 the client must assume that the token still exists."""
    with TinyServer(lambda handler: reply(handler, status, '{"error": "no"}', Retry_After="7")) as server:
        with pytest.raises(TokenEndpointError, match=rf"^HTTP {status} from /oauth2/(token|revoke): no\.$") as caught:
            call(server.url)
    assert (caught.value.status, caught.value.retry_after, caught.value.delivery) == (status, 7, Delivery.RESPONDED)


@pytest.mark.parametrize(
    "status, body, told",
    [
        (300, "", "HTTP 300 from /oauth2/token: a redirect, which is not followed."),
        (399, "<html>", "HTTP 399 from /oauth2/token: a redirect, which is not followed."),
        (400, "", "HTTP 400 from /oauth2/token."),
        (302, '{"error": "no"}', "HTTP 302 from /oauth2/token: no."),
    ],
)
def test_the_error_of_a_redirect_says_so(status: int, body: str, told: str) -> None:
    assert str(refused(status, body)) == told


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_revocation_succeeds_with_any_2xx_status_and_needs_no_json(status: int) -> None:
    with TinyServer(lambda handler: reply(handler, status, "" if status == 204 else "bye")) as server:
        flow.revoke("R", base_url=server.url)
    assert len(server.seen) == 1


@pytest.mark.parametrize("call", TOKEN_CALLS)
@pytest.mark.parametrize("body", ["", "<html>sign in to the hotel's network</html>", "[" * 100_000])
def test_a_page_of_a_proxy_is_not_a_token_response(call: Any, body: str) -> None:
    with TinyServer(lambda handler: reply(handler, 200, body)) as server:
        with pytest.raises(TokenEndpointError, match="HTTP 200 from /oauth2/token is not JSON; is a proxy") as caught:
            call(server.url)
    assert caught.value.delivery is Delivery.RESPONDED and not caught.value.is_refused_grant


def refused(status: int, body: str) -> TokenEndpointError:
    with TinyServer(lambda handler: reply(handler, status, body)) as server:
        with pytest.raises(TokenEndpointError) as caught:
            flow.refresh("r", base_url=server.url)
    return caught.value


def test_the_servers_oauth_error_is_shown() -> None:
    error = refused(400, '{"error": "invalid_grant", "error_description": "bad code"}')
    assert error.is_refused_grant and "invalid_grant: bad code" in str(error)
    assert flow.oauth_error_detail(error) == "invalid_grant: bad code"
    assert flow.oauth_error_body(error) == '{"error": "invalid_grant", "error_description": "bad code"}'


def test_long_descriptions_are_omitted_and_controls_escaped() -> None:
    error = refused(400, json.dumps({"error": "x\x1b[31m\ny", "error_description": "d" * 81}))
    assert str(error) == "HTTP 400 from /oauth2/token: x\\x1b[31m\\ny."


@pytest.mark.parametrize("body", ["", "[1]", "<html>", '{"error": {"a": 1}}', "null"])
def test_error_bodies_of_any_shape(body: str) -> None:
    error = refused(500, body)
    assert not error.is_refused_grant and "HTTP 500" in str(error)
    assert flow.oauth_error_detail(error) is None


METADATA = {"authorization_response_iss_parameter_supported": True}


@pytest.mark.parametrize(
    "issuer, promised",
    [("", True), ("/", True), ("/x", False), (None, False)],
)
def test_metadata_of_another_issuer_is_ignored(issuer: Any, promised: bool) -> None:
    """RFC 8414 section 3.3."""

    def respond(handler: Any) -> None:
        metadata: Dict[str, Any] = dict(METADATA)
        if issuer is not None:
            metadata["issuer"] = server.url + issuer
        reply(handler, body=json.dumps(metadata))

    with TinyServer(respond) as server:
        assert flow.advertises_issuer_parameter(server.url) is promised
    assert server.seen[0].path == "/.well-known/oauth-authorization-server"


@pytest.mark.parametrize(
    "status, body", [(404, "<html>"), (200, "<html>"), (200, "[]"), (200, "[" * 100_000), (500, "{}")]
)
def test_missing_metadata_does_not_require_an_issuer(status: int, body: str) -> None:
    with TinyServer(lambda handler: reply(handler, status, body)) as server:
        assert flow.fetch_metadata(server.url) == {} and flow.advertises_issuer_parameter(server.url) is False


def test_an_unreachable_server_does_not_require_an_issuer() -> None:
    assert flow.fetch_metadata("http://127.0.0.1:9") == {}


def test_the_timeout_for_metadata_is_five_seconds() -> None:
    seen: List[Any] = []

    def send(*args: Any, **options: Any) -> TokenHttpResponse:
        seen.append((args, options))
        return TokenHttpResponse(404, "")

    assert flow.fetch_metadata("https://h", send) == {}
    assert seen == [(("GET", "https://h/.well-known/oauth-authorization-server"), {"timeout": 5})]


def test_no_token_in_a_query_string() -> None:
    with TinyServer(reply) as server:
        flow.refresh("RTOKEN", base_url=server.url)
        flow.revoke("RTOKEN", base_url=server.url)
        flow.exchange_code("CODE", "VERIFIER", "http://127.0.0.1:1/callback", base_url=server.url)
    for seen in server.seen:
        assert parse_qs(urlsplit(seen.path).query) == {} and "TOKEN" not in seen.path
