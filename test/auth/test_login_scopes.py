"""`cld login --scope`: what is requested, granted, saved and shown, against the sandbox."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudinary_cli.auth.session import Session, from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.commands import Cld
from test.support.sandbox_client import SandboxClient
from test.support.tokens import jwt

DEFAULT = "openid offline_access asset_management upload"


def requested(err: str) -> str:
    """The scopes in the authorization URL that the command printed."""
    (url,) = [line for line in err.splitlines() if "/oauth2/auth?" in line]
    return parse_qs(urlsplit(url).query)["scope"][0]


def test_the_scopes_of_a_login_are_kept_by_the_next_one(cld: Cld, env: Dict[str, str], store: ConfigStore) -> None:
    done = cld("login", "work", "--scope", "upload", "--json", env=env)
    assert done.code == 0 and requested(done.err) == "openid offline_access upload", done.err
    assert json.loads(done.out)["scopes"] == "openid offline_access upload"
    assert "Granted scopes: openid offline_access upload" in done.err and "not granted" not in done.err
    again = cld("login", "work", env={**env, "CLOUDINARY_OAUTH_SCOPES": "openid offline_access asset_management"})
    assert again.code == 0 and requested(again.err) == "openid offline_access upload"
    changed = cld("login", "work", "--scope", "upload asset_management", "--scope", "upload", env=env)
    assert requested(changed.err) == "openid offline_access upload asset_management"
    assert requested(cld("login", "other", env=env).err) == DEFAULT


def test_scopes_are_kept_by_a_refresh_and_shown(
    cld: Cld, env: Dict[str, str], store: ConfigStore, box: SandboxClient
) -> None:
    assert cld("login", "work", "--scope", "upload", env=env).code == 0
    assert cld("config", "-r", "work", "--force").code == 0
    session = from_cloudinary_url(store.load_fresh()["work"])
    assert session.scopes == session.requested_scopes == "openid offline_access upload"
    (row,) = json.loads(cld("config", "-ls", "--json").out)
    assert row["scopes"] == json.loads(cld("whoami", "--json").out)["scopes"] == session.scopes
    assert "SCOPES" in cld("config", "-ls").out and "scopes: openid offline_access upload" in cld("whoami").out
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


def test_a_scope_that_the_server_does_not_grant_is_named(cld: Cld, env: Dict[str, str]) -> None:
    done = cld("login", "work", "--scope", "upload", "--scope", "rule:the-world", "--json", env=env)
    assert done.code == 0 and json.loads(done.out)["scopes"] == "openid offline_access upload"
    assert "warning: Requested and not granted: rule:the-world\n" in done.err


@pytest.mark.parametrize("scope", ["", " ", 'a"b', "a\\b", "ü", "a\nb\x1b"])
def test_what_cannot_be_a_scope_is_refused_before_anything_is_sent(
    cld: Cld, env: Dict[str, str], box: SandboxClient, scope: str
) -> None:
    done = cld("login", "work", "--scope", scope, env=env)
    assert done.code == 1 and "is not the name of a scope" in done.err and "\x1b" not in done.err
    assert box.requests("/oauth2") == []


def test_a_code_for_another_device_requests_the_scopes_too(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    done = cld("login", "tv", "--device", "--scope", "upload", env=env)
    assert done.code == 0, done.err
    assert from_cloudinary_url(store.load_fresh()["tv"]).scopes == "openid offline_access upload"


@pytest.mark.parametrize(
    "response, claims, scopes",
    [
        ({"scope": "a b"}, {"scope": "c"}, "a b"),
        ({}, {"scope": "c d"}, "c d"),
        ({}, {"scp": ["e", "f"]}, "e f"),
        ({"scope": ""}, {"scp": "e"}, "e"),
        ({"scope": ["a", 7, "b\x1b"]}, {}, "a"),
        ({"scope": 7}, {"scp": {}}, None),
        ({}, {}, None),
    ],
)
def test_where_the_server_states_the_granted_scopes(
    response: Dict[str, Any], claims: Dict[str, Any], scopes: Optional[str]
) -> None:
    token = jwt({"iat": 1, "exp": 100, "ext": {"cloud_name": "acme"}, **claims})
    session = Session.from_token_response({"access_token": token, "expires_in": 99, **response})
    assert session.scopes == scopes
    kept = Session("acme", "old", "rt", scopes="before").updated_from({"access_token": token, **response})
    assert kept.scopes == (scopes or "before")
