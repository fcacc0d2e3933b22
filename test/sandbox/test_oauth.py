"""The authorization server: code flow, PKCE, rotation, replay, revocation, expiry."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List

import pytest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import REDIRECT_URI, SCOPE, Control, OAuthClient, claims_of, location_query, session


def test_metadata_names_the_endpoints(sandbox: SandboxServer) -> None:
    data = session().get(sandbox.base_url + "/.well-known/oauth-authorization-server").json()
    assert data["issuer"] == sandbox.base_url + "/"
    assert data["token_endpoint"] == sandbox.base_url + "/oauth2/token"
    assert data["code_challenge_methods_supported"] == ["S256"]
    assert data["authorization_response_iss_parameter_supported"] is True


def test_login_gives_a_working_token(sandbox: SandboxServer, oauth: OAuthClient, control: Control) -> None:
    tokens = oauth.login()
    claims = claims_of(tokens["access_token"])
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 300, SCOPE)
    assert claims["iss"] == sandbox.base_url + "/" and claims["ext"] == {"cloud_name": "sandbox"}
    assert claims["exp"] - claims["iat"] == 300 and claims["sub"] and claims["jti"]
    assert oauth.ping(tokens["access_token"]).json() == {"status": "ok"}
    assert control.stats()["code_exchanges"] == 1


def test_consent_page_is_self_contained_and_escaped(shared_oauth: OAuthClient) -> None:
    page = shared_oauth.authorize(state='"><script>alert(1)</script>')
    assert page.status_code == 200 and "<script" not in page.text
    assert "src=" not in page.text and "https://" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "same-origin"


def test_redirect_carries_code_state_and_issuer(sandbox: SandboxServer, oauth: OAuthClient) -> None:
    response = oauth.decide(oauth.authorize())
    assert response.status_code == 302 and response.headers["Location"].startswith(REDIRECT_URI + "?")
    query = location_query(response)
    assert query["state"] == "the state" and query["iss"] == sandbox.base_url + "/" and query["code"]


def test_denial_carries_error_state_and_issuer(sandbox: SandboxServer, oauth: OAuthClient) -> None:
    query = location_query(oauth.decide(oauth.authorize(), "deny"))
    assert (query["error"], query["state"]) == ("access_denied", "the state")
    assert query["iss"] == sandbox.base_url + "/" and "code" not in query


def test_auto_approve_redirects_at_once(make_sandbox: Callable[..., SandboxServer]) -> None:
    client = OAuthClient(make_sandbox(auto_approve=True))
    response = client.authorize()
    assert response.status_code == 302
    assert client.exchange(location_query(response)["code"]).status_code == 200


def test_consent_needs_the_ticket_of_its_page(shared_oauth: OAuthClient) -> None:
    page = shared_oauth.authorize()
    assert shared_oauth.decide(page, ticket="made up").status_code == 400
    assert shared_oauth.decide(page).status_code == 302
    assert shared_oauth.decide(page).status_code == 400, "a ticket works once"
    other = shared_oauth.authorize(state="other")
    stolen = other.text.split('name="ticket" value="')[1].split('"')[0]
    assert shared_oauth.decide(shared_oauth.authorize(), ticket=stolen).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
    ],
)
def test_pkce_s256_is_required(shared_oauth: OAuthClient, changes: Dict[str, Any]) -> None:
    query = location_query(shared_oauth.authorize(**changes))
    assert query["error"] == "invalid_request" and query["state"] == "the state" and "iss" in query


@pytest.mark.parametrize(
    "uri",
    [
        "https://127.0.0.1:45454/callback",
        "http://localhost:45454/callback",
        "http://192.0.2.1:45454/callback",
        "http://127.0.0.1:45454/other",
        "http://127.0.0.1:45454/callback?x=1",
        "http://evil@127.0.0.1:45454/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1.evil.example/callback",
        None,
    ],
)
def test_foreign_redirect_uris_are_refused_without_redirect(shared_oauth: OAuthClient, uri: str) -> None:
    response = shared_oauth.authorize(redirect_uri=uri)
    assert response.status_code == 400 and "Location" not in response.headers


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1/callback", "http://[::1]:65535/callback", "http://127.9.9.9/callback"]
)
def test_any_loopback_address_and_port_is_accepted(shared_oauth: OAuthClient, uri: str) -> None:
    assert location_query(shared_oauth.decide(shared_oauth.authorize(redirect_uri=uri)))["code"]


def test_unknown_clients_and_response_types_are_refused(shared_oauth: OAuthClient) -> None:
    assert shared_oauth.authorize(client_id="other").status_code == 400
    assert shared_oauth.authorize(response_type="token").status_code in (302, 400)


def test_exchange_checks_client_redirect_uri_and_verifier(oauth: OAuthClient, control: Control) -> None:
    code = oauth.code()
    wrong: List[Dict[str, Any]] = [
        {"redirect_uri": "http://127.0.0.1:45455/callback"},
        {"code_verifier": "x" * 43},
        {"code_verifier": None},
        {"client_id": "other"},
        {"client_id": None},
    ]
    for changes in wrong:
        assert oauth.exchange(code, **changes).status_code in (400, 401), changes
    assert oauth.exchange(code).status_code == 200, "none of the failures spent the code"
    assert control.stats()["refused_grants"] == len(wrong)


def test_replayed_code_ends_the_grant(oauth: OAuthClient, control: Control) -> None:
    code = oauth.code()
    tokens = oauth.exchange(code).json()
    assert oauth.exchange(code).json()["error"] == "invalid_grant"
    assert oauth.ping(tokens["access_token"]).status_code == 401
    assert oauth.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert control.stats()["code_replays"] == 1


def test_codes_expire(oauth: OAuthClient, control: Control) -> None:
    code = oauth.code()
    control.clock(61)
    assert oauth.exchange(code).json()["error"] == "invalid_grant"


def test_refresh_rotates_and_replay_ends_the_family(oauth: OAuthClient, control: Control) -> None:
    first = oauth.login()
    second = oauth.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"] and second["access_token"] != first["access_token"]
    assert oauth.ping(second["access_token"]).status_code == 200
    assert oauth.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert oauth.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert oauth.ping(second["access_token"]).status_code == 401
    stats = control.stats()
    assert (stats["refresh_exchanges"], stats["refresh_replays"], stats["live_grants"]) == (1, 1, 0)


def test_of_twenty_concurrent_refreshes_one_succeeds_and_the_family_is_revoked(
    oauth: OAuthClient, control: Control
) -> None:
    token = oauth.login()["refresh_token"]
    barrier, responses = threading.Barrier(20), []

    def race() -> None:
        client = OAuthClient(oauth.server)
        barrier.wait()
        responses.append(client.refresh(token))

    threads = [threading.Thread(target=race) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [response.json() for response in responses if response.status_code == 200]
    assert len(winners) == 1 and len(responses) == 20
    assert {response.json().get("error") for response in responses} == {None, "invalid_grant"}
    assert oauth.ping(winners[0]["access_token"]).status_code == 401
    assert oauth.refresh(winners[0]["refresh_token"]).status_code == 400
    assert control.stats()["refresh_replays"] == 19


def test_a_retry_in_the_grace_period_is_allowed(make_sandbox: Callable[..., SandboxServer]) -> None:
    server = make_sandbox(rotation_grace=30)
    client, token = OAuthClient(server), OAuthClient(server).login()["refresh_token"]
    assert client.refresh(token).status_code == 200
    assert client.refresh(token).status_code == 200
    Control(server).clock(31)
    assert client.refresh(token).status_code == 400


def test_access_tokens_expire_with_the_clock(oauth: OAuthClient, control: Control) -> None:
    tokens = oauth.login()
    control.clock(200)
    assert oauth.ping(tokens["access_token"]).status_code == 200
    control.clock(301)
    refused = oauth.ping(tokens["access_token"])
    assert refused.status_code == 401 and "expired" in refused.json()["error"]["message"]
    assert oauth.ping(oauth.refresh(tokens["refresh_token"]).json()["access_token"]).status_code == 200
    assert control.stats()["refused_tokens"] == 1


def test_revoking_the_refresh_token_ends_everything(oauth: OAuthClient, control: Control) -> None:
    tokens = oauth.login()
    assert oauth.revoke(tokens["refresh_token"], token_type_hint="refresh_token").status_code == 200
    assert oauth.ping(tokens["access_token"]).status_code == 401
    assert oauth.refresh(tokens["refresh_token"]).status_code == 400
    assert control.stats()["revocations"] == 1


def test_revoking_an_access_token_ends_only_that(shared_oauth: OAuthClient) -> None:
    tokens = shared_oauth.login()
    assert shared_oauth.revoke(tokens["access_token"], token_type_hint="access_token").status_code == 200
    assert shared_oauth.ping(tokens["access_token"]).status_code == 401
    assert shared_oauth.refresh(tokens["refresh_token"]).status_code == 200


def test_revoking_an_unknown_token_is_not_an_error(shared_oauth: OAuthClient) -> None:
    assert shared_oauth.revoke("nonsense").status_code == 200
    assert shared_oauth.revoke("nonsense", client_id="other").status_code in (400, 401)


def test_forged_tokens_are_refused(shared_oauth: OAuthClient) -> None:
    token = shared_oauth.login()["access_token"]
    header, payload, signature = token.split(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + payload + "."
    for forged in (
        f"{header}.{payload}.{signature[:-2]}xx",
        unsigned,
        f"{header}.{payload[:-3]}abc.{signature}",
        "x",
        "",
    ):
        assert shared_oauth.ping(forged).status_code == 401


def test_token_is_for_one_cloud(oauth: OAuthClient, control: Control) -> None:
    control.http.post(control.base + "/clouds", json={"cloud_name": "other"}).raise_for_status()
    assert oauth.ping(oauth.login()["access_token"], "other").status_code == 401
    code = location_query(oauth.decide(oauth.authorize(), cloud="other"))["code"]
    token = oauth.exchange(code).json()["access_token"]
    assert oauth.ping(token, "other").status_code == 200 and oauth.ping(token).status_code == 401


def test_no_offline_access_no_refresh_token(shared_oauth: OAuthClient) -> None:
    response = shared_oauth.exchange(shared_oauth.code(scope="openid upload")).json()
    assert "refresh_token" not in response and response["scope"] == "openid upload"


def test_other_grant_types_are_refused(shared_oauth: OAuthClient) -> None:
    data = {
        "grant_type": "password",
        "client_id": shared_oauth.server.settings.client_id,
        "username": "a",
        "password": "b",
    }
    response = session().post(shared_oauth.server.base_url + "/oauth2/token", data=data)
    assert response.status_code == 400 and response.json()["error"] == "unsupported_grant_type"


def test_grants_survive_a_restart(make_sandbox: Callable[..., SandboxServer], tmp_path: Any) -> None:
    first = make_sandbox(data_dir=tmp_path / "kept")
    tokens = OAuthClient(first).login()
    first.stop()
    client = OAuthClient(make_sandbox(data_dir=tmp_path / "kept"))
    assert client.ping(tokens["access_token"]).status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 400


def test_repeated_parameters_are_refused(shared_oauth: OAuthClient) -> None:
    url = shared_oauth.authorize().url
    for name in ("client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"):
        response = shared_oauth.http.get(f"{url}&{name}=other", allow_redirects=False)
        assert response.status_code == 400 or location_query(response)["error"] == "invalid_request", name
