"""Sealed sessions: what a ciphertext is bound to, what refresh does with it, and what needs the keychain."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudinary_cli.auth.oauth_config import OAuthConfig
from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome
from cloudinary_cli.auth.sealing import PREFIX, vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url, to_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.resolver import Selection, config_to_api_kwargs, resolve
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse, replace_query
from cloudinary_cli.errors import KeychainUnavailable, ReloginRequired
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.utils.config_resolver import get_cloudinary_config
from test.support.keychain import KeychainFile
from test.support.sandbox_client import SandboxClient
from test.support.tokens import saved_url

PLAIN = Session("acme", "access-token", "refresh-token", 1000, 1300, "api-eu", "https://oauth.cloudinary.com/")


def activate(store: ConfigStore) -> Any:
    return activation.activate(resolve(Selection(config_saved="box"), store.load_fresh(), {}), store)


def ping() -> Any:
    return call_api(loader.module("admin").ping)


@pytest.fixture
def sealed(keychain: KeychainFile) -> Session:
    return vault().seal(PLAIN, vault().new_key()[0])


def test_a_sealed_entry_is_an_ordinary_url_and_opens_again(sealed: Session) -> None:
    url = to_cloudinary_url(sealed)
    assert is_oauth_url(url) and "access-token" not in url and "refresh-token" not in url
    back = from_cloudinary_url(url)
    assert back == replace(sealed, upload_prefix="https://api-eu.cloudinary.com")
    assert replace(vault().open(back), upload_prefix=None) == PLAIN
    assert replace(PLAIN) == vault().open(PLAIN), "a plain session needs no opening"


def test_the_cipher_is_the_standard_one_with_a_fresh_nonce(sealed: Session, keychain: KeychainFile) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    again = vault().seal(PLAIN, sealed.key_id)
    assert again.access_token != sealed.access_token and again.refresh_token != sealed.refresh_token
    (account, text), *more = keychain.secrets.items()
    assert account == f"cloudinary-cli/{sealed.key_id}" and not more
    key = base64.urlsafe_b64decode(text)
    assert len(key) == 32
    data = base64.urlsafe_b64decode(sealed.access_token[len(PREFIX) :])
    bound = [PREFIX, sealed.key_id, "oauth_token", "acme", "api-eu", "https://api-eu.cloudinary.com", ""]
    assert AESGCM(key).decrypt(data[:12], data[12:], json.dumps(bound).encode()) == b"access-token"


@pytest.mark.parametrize(
    "changes",
    [
        {"upload_prefix": "https://evil.example"},
        {"oauth_base_url": "https://evil.example"},
        {"region": "api-evil"},
        {"cloud_name": "other"},
        {"access_token": "refresh"},
        {"access_token": "flip"},
        {"access_token": "plain-text"},
        {"access_token": PREFIX + "!"},
        {"access_token": PREFIX},
    ],
    ids=str,
)
def test_a_changed_entry_does_not_open(sealed: Session, changes: "dict[str, Any]") -> None:
    if changes.get("access_token") == "refresh":
        changes = {"access_token": sealed.refresh_token}
    if changes.get("access_token") == "flip":
        data = bytearray(base64.urlsafe_b64decode(sealed.access_token[len(PREFIX) :]))
        data[-1] ^= 1
        changes = {"access_token": PREFIX + base64.urlsafe_b64encode(bytes(data)).decode()}
    with pytest.raises(ReloginRequired, match="cld login acme --region api"):
        vault().open(replace(sealed, **changes), "acme")


def test_another_logins_key_does_not_open_it(sealed: Session) -> None:
    other, _ = vault().new_key()
    with pytest.raises(ReloginRequired, match="cannot be decrypted"):
        vault().open(replace(sealed, key_id=other), "acme")


@pytest.mark.parametrize("kept", [None, "", "too short", "not base64 \u00e9", base64.b64encode(bytes(31)).decode()])
def test_a_deleted_or_damaged_key_requires_a_login(
    sealed: Session,
    keychain: KeychainFile,
    kept: Any,
) -> None:
    account = f"cloudinary-cli/{sealed.key_id}"
    keychain.path.write_text(json.dumps({} if kept is None else {account: kept}))
    vault.cache_clear()
    with pytest.raises(ReloginRequired, match="its key is not in this keychain. Run: cld login acme"):
        vault().open(sealed, "acme")


# -- refresh


def test_refresh_of_a_sealed_login_saves_sealed_tokens(
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    old = keychain.save_login(box, store)
    key_id = parse(saved_url(store, "box")).get("keyring")
    result = Refresher(store).refresh("box", saved_url(store, "box"))
    assert result.outcome is RefreshOutcome.REFRESHED and result.error is None and result.url == saved_url(store, "box")
    saved = from_cloudinary_url(saved_url(store, "box"))
    assert saved.key_id == key_id and saved.access_token.startswith(PREFIX) and saved.is_fresh()
    opened = vault().open(saved)
    assert opened.access_token != old.access_token and opened.refresh_token != old.refresh_token
    assert str(opened.refresh_token) not in Path(store.path).read_text()
    assert not parse(saved_url(store, "box")).has(refresh_state.KEY)
    assert keychain.calls == ["get"], "one look into the keychain for the whole refresh"
    assert box.is_refresh_token_alive(opened.refresh_token)


def test_a_peer_adopts_a_sealed_rotation(box: SandboxClient, store: ConfigStore, keychain: KeychainFile) -> None:
    session = keychain.save_login(box, store)
    known = saved_url(store, "box")
    Refresher(store).refresh("box", known)
    again = Refresher(store).refresh("box", known)
    assert again.outcome is RefreshOutcome.REFRESHED and again.url == saved_url(store, "box")
    rejected = Refresher(store).refresh("box", known, rejected=session.access_token)
    assert rejected.outcome is RefreshOutcome.REFRESHED and rejected.url == saved_url(store, "box")
    assert box.stats["refresh_exchanges"] == 1


def test_omitted_refresh_token_is_kept_sealed(box: SandboxClient, store: ConfigStore, keychain: KeychainFile) -> None:
    old = keychain.save_login(box, store)
    box.fault(status=200, body={"access_token": "opaque", "expires_in": 300})
    Refresher(store).refresh("box", saved_url(store, "box"))
    opened = vault().open(from_cloudinary_url(saved_url(store, "box")))
    assert (opened.access_token, opened.refresh_token) == ("opaque", old.refresh_token)


def test_a_new_refresh_token_of_a_bad_response_is_saved_sealed(
    box: SandboxClient, store: ConfigStore, keychain: KeychainFile
) -> None:
    keychain.save_login(box, store)
    box.fault(status=200, body={"refresh_token": "NEWRT"})
    assert Refresher(store).refresh("box", saved_url(store, "box")).outcome is RefreshOutcome.FAILED
    assert "NEWRT" not in saved_url(store, "box")
    assert vault().open(from_cloudinary_url(saved_url(store, "box"))).refresh_token == "NEWRT"


def test_a_refused_sealed_token_is_sent_once(
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    session = keychain.save_login(box, store)
    assert box.is_refresh_token_alive(session.refresh_token)
    box.call("DELETE", "requests")
    for _ in range(2):
        result = Refresher(store).refresh("box", saved_url(store, "box"))
        assert isinstance(result.error, ReloginRequired) and "cld login box" in str(result.error)
    assert len(box.requests()) == 1


@pytest.mark.parametrize("rejected", [False, True])
def test_nothing_is_sent_and_nothing_saved_while_the_keychain_is_locked(
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
    rejected: bool,
) -> None:
    session = keychain.save_login(box, store)
    before = saved_url(store, "box")
    keychain.use("LockedKeyring")
    kind = {"rejected": session.access_token} if rejected else {}
    box.call("DELETE", "requests")
    result = Refresher(store).refresh("box", before, **kind)
    assert result.outcome is RefreshOutcome.FAILED and isinstance(result.error, KeychainUnavailable)
    assert saved_url(store, "box") == before and box.requests() == []
    keychain.use("FileKeyring")
    assert Refresher(store).refresh("box", before, **kind).outcome is RefreshOutcome.REFRESHED, "nothing was lost"


# -- the SDK seam


def test_the_sdk_gets_the_opened_token(box: SandboxClient, store: ConfigStore, keychain: KeychainFile) -> None:
    session = keychain.save_login(box, store, stale=False)
    config = activate(store)
    assert config.has_oauth and keychain.calls == [], "nothing before the token is read"
    assert ping() == {"status": "ok"} and config.oauth_token == session.access_token
    assert keychain.calls == ["get"]
    assert config.__dict__["oauth_token"].startswith(PREFIX), "what a view shows is not the token"
    kwargs = config_to_api_kwargs(config)
    assert kwargs["oauth_token"] == session.access_token and "keyring" not in kwargs


def test_a_rejected_sealed_token_is_renewed_once(
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.save_login(box, store, stale=False)
    config = activate(store)
    first = config.oauth_token
    box.call("POST", "clock", {"offset": 1000})  # the server calls the token expired
    assert ping() == {"status": "ok"}
    assert box.stats["refresh_exchanges"] == 1 and config.oauth_token != first
    assert config.invalidate_token(first) is True, "another token is there already"
    assert box.stats["refresh_exchanges"] == 1


def test_static_uses_of_a_sealed_url(box: SandboxClient, store: ConfigStore, keychain: KeychainFile) -> None:
    session = keychain.save_login(box, store, stale=False)
    assert OAuthConfig.from_url(saved_url(store, "box")).oauth_token == session.access_token
    assert get_cloudinary_config("box").oauth_token == session.access_token
    changed = replace_query(saved_url(store, "box"), {"upload_prefix": "https://evil.example"})
    with pytest.raises(ReloginRequired):
        OAuthConfig.from_url(changed).oauth_token  # noqa: B018


def test_a_login_of_that_name_just_before_the_first_use_is_adopted(
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.save_login(box, store, stale=False)
    config, old_key = activate(store), parse(saved_url(store, "box")).get("keyring")
    replacement = keychain.save_login(box, store, stale=False)
    vault().forget(old_key)
    assert config.oauth_token == replacement.access_token and ping() == {"status": "ok"}


def test_another_accounts_login_of_that_name_is_not_adopted(
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.save_login(box, store, stale=False)
    config, old_key = activate(store), parse(saved_url(store, "box")).get("keyring")
    keychain.save_login(box, store, stale=False, cloud_name="elsewhere")
    vault().forget(old_key)
    with pytest.raises(ReloginRequired, match="another account"):
        config.oauth_token  # noqa: B018


def test_a_locked_keychain_is_reported_once_and_not_as_a_failed_refresh(
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keychain.save_login(box, store)
    keychain.use("LockedKeyring")
    activate(store)
    for _ in range(2):
        with pytest.raises(KeychainUnavailable, match="locked. Unlock it .* cld login box --no-keyring"):
            ping()
    assert caplog.records == [] and box.requests("/v1_1") == []
    assert keychain.calls == ["get"], "remembered by the process"
