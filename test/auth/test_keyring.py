"""`cld login --keyring` with a keychain that works: real processes, the sandbox, a real backend of keyring."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict

from cloudinary_cli.auth.sealing import PREFIX, vault
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from test.support.commands import Cld
from test.support.keychain import KeychainFile
from test.support.login_browser import browser
from test.support.sandbox_client import SandboxClient
from test.support.tokens import saved_url


def test_an_encrypted_login_saves_no_plain_token(
    cld: Cld,
    env: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
    box: SandboxClient,
) -> None:
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 0 and done.out == "" and "the key is in the keychain" in done.err
    parsed = parse(saved_url(store))
    assert parsed.get("oauth_token").startswith(PREFIX) and parsed.get("refresh_token").startswith(PREFIX)
    assert list(keychain.secrets) == [f"cloudinary-cli/{parsed.get('keyring')}"]
    opened = vault().open(from_cloudinary_url(saved_url(store)))
    file = Path(store.path).read_text()
    for secret in (opened.access_token, opened.refresh_token, *keychain.secrets.values()):
        assert str(secret) not in file and str(secret) not in done.text
    assert all(isinstance(value, str) for value in json.loads(file).values()), "one flat object of strings"
    assert box.is_refresh_token_alive(opened.refresh_token)


def test_the_sdk_parses_a_sealed_entry(logged_in: Dict[str, str], store: ConfigStore) -> None:
    """Other versions of the tool use the SDK to parse the entry."""
    code = "import cloudinary; c = cloudinary.config(); print(c.cloud_name, c.oauth_token[:8], c.upload_prefix)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CLOUDINARY_URL": saved_url(store)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"sandbox {PREFIX} {logged_in['CLOUDINARY_UPLOAD_PREFIX']}\n", done.stderr


def test_the_whole_life_of_a_sealed_login(
    cld: Cld,
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}
    box.call("POST", "clock", {"offset": 1000})  # the server calls the token expired
    again = cld("admin", "ping")
    assert json.loads(again.out) == {"status": "ok"} and again.err == ""
    assert box.stats["refresh_exchanges"] == 1
    assert cld("config", "--refresh-all", "--force").code == 0
    assert box.stats["refresh_exchanges"] == 2
    last = vault().open(from_cloudinary_url(saved_url(store)))
    out = cld("logout", "work")
    assert out.code == 0 and "revoked and removed" in out.err
    assert store.load_fresh() == {} and keychain.secrets == {}
    assert not box.is_refresh_token_alive(last.refresh_token)


def test_listing_and_default_rules_do_not_access_the_keychain(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.use("HangingKeyring")
    rows = json.loads(cld("config", "-ls", "--json").out)
    assert [(row["name"], row["cloud_name"], row["type"], row["default"]) for row in rows] == [
        ("work", "sandbox", "oauth", True)
    ]
    assert "work" in cld("config", "-ls").out
    shown = json.loads(cld("config", "-s", "work", "--json").out)
    assert shown["type"] == "oauth" and shown["oauth_token"].startswith("****") and shown["keyring"]
    for args in (["config"], ["config", "-s", "work"], ["config", "-ud"], ["config", "-d", "work"], ["url", "a"]):
        assert cld(*args).code == 0
    assert keychain.calls == []


def test_many_processes_make_one_exchange(
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.save_login(box, store, "work")  # stale by the local clock
    command = [sys.executable, "-m", "cloudinary_cli", "-C", "work", "admin", "ping"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    results = [run.communicate(timeout=120) for run in runs]
    assert [json.loads(out) for out, _ in results] == [{"status": "ok"}] * 8, results
    assert box.stats["refresh_exchanges"] == 1


# -- logging in again


def test_the_next_login_is_encrypted_too_and_the_old_session_is_revoked_with_its_key(
    cld: Cld,
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    old, old_keys = vault().open(from_cloudinary_url(saved_url(store))), set(keychain.secrets)
    again = cld("login", "work", env=logged_in)
    assert again.code == 0 and "The previous session of that name was revoked." in again.err, again.err
    assert parse(saved_url(store)).get("oauth_token").startswith(PREFIX)
    assert len(keychain.secrets) == 1 and not old_keys & set(keychain.secrets)
    assert not box.is_refresh_token_alive(old.refresh_token)
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


def test_no_keyring_saves_the_tokens_without_encryption(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    assert cld("login", "work", "--no-keyring", env=logged_in).code == 0
    assert not parse(saved_url(store)).has("keyring") and PREFIX not in saved_url(store) and keychain.secrets == {}
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


def test_the_next_login_with_a_derived_name_is_encrypted_too(
    cld: Cld,
    env: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    assert cld("login", "--keyring", env=env).code == 0
    assert cld("login", env=env).code == 0
    assert parse(saved_url(store, "sandbox")).has("keyring") and len(keychain.secrets) == 1


def test_a_login_that_cannot_be_saved_leaves_no_key(
    cld: Cld,
    env: Dict[str, str],
    config_json: Path,
    tmp_path: Path,
    keychain: KeychainFile,
) -> None:
    taken = json.dumps({"work": "cloudinary://k:s@other"})
    env["BROWSER"] = browser(tmp_path, f"open({str(config_json)!r}, 'w').write({taken!r})\nget(url)")
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 1 and "API-key configuration" in done.err
    assert keychain.secrets == {} and "set" in keychain.calls and config_json.read_text() == taken


def test_config_new_revokes_the_sealed_login_that_it_replaces_and_deletes_its_key(
    cld: Cld,
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    old = vault().open(from_cloudinary_url(saved_url(store)))
    url = box.server.environment(Path("unused"))["CLOUDINARY_URL"]
    done = cld("config", "-n", "work", url, "--force")
    assert done.code == 0 and "was revoked" in done.err, done.err
    assert saved_url(store) == url and keychain.secrets == {} and not box.is_refresh_token_alive(old.refresh_token)
