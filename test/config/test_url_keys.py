"""Query keys that decide where credentials are sent: all code reads the same value, and two values are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import pytest

from cloudinary_cli.auth.oauth_config import OAuthConfig
from cloudinary_cli.auth.session import from_cloudinary_url, with_tokens
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import InvalidConfigUrl
from test.conftest import Result
from test.support.cloudinary_server import CloudinaryServer
from test.support.keychain import KeychainFile
from test.support.sandbox_client import SandboxClient

Cld = Callable[..., Result]

PLAIN = (
    "upload_prefix", "oauth_token", "refresh_token", "issuer", "region", "oauth_base_url", "keyring", "expires_at",
    "issued_at", "refresh_state", "cloud_name", "api_key", "api_secret", "api_proxy", "account_url",
)  # fmt: skip


@pytest.mark.parametrize("key", PLAIN)
@pytest.mark.parametrize(
    "query",
    [
        "{key}=&{key}=SECRET",
        "{key}=SECRET&{key}=SECRET",
        "{key}&a=b&{key}=x",
        "{coded}=x&{key}=y",
        "{key}=x&{key}[a]=y",
    ],
)
def test_a_key_that_decides_about_credentials_may_occur_once(key: str, query: str) -> None:
    coded = "".join(f"%{ord(character):02x}" for character in key)
    with pytest.raises(InvalidConfigUrl, match=f"'{key}'") as caught:
        config_url.parse("cloudinary://c?" + query.format(key=key, coded=coded))
    assert "SECRET" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("query", ["upload_prefix[x]=y", "upload_prefix%5Bx%5D=y", "region[a][b]=y", "issuer[a]b=y"])
def test_such_a_key_has_no_nested_form(query: str) -> None:
    with pytest.raises(InvalidConfigUrl, match="brackets"):
        config_url.parse(f"cloudinary://c?{query}")


@pytest.mark.parametrize(
    "rest",
    [
        "&Upload_Prefix=http://other", "&a=1;upload_prefix=http://other", "&+upload_prefix=http://other",
        "#?upload_prefix=http://other", "#&upload_prefix=http://other", "&upload%2Bprefix=http://other",
        "&upload%255Fprefix=http://other",
    ],
)  # fmt: skip
def test_what_only_looks_like_the_key_changes_nothing(rest: str) -> None:
    url = f"cloudinary://c?oauth_token=t&upload_prefix=https://mine{rest}"
    assert OAuthConfig.from_url(url).upload_prefix == from_cloudinary_url(url).upload_prefix == "https://mine"


def test_a_cloud_named_in_the_query_is_the_cloud_for_every_reader() -> None:
    url = "cloudinary://first?cloud_name=second&oauth_token=t"
    assert OAuthConfig.from_url(url).cloud_name == "second"
    assert from_cloudinary_url(url).cloud_name == "second" == config_url.cloud_name_from_url(url)
    assert config_url.parse("cloudinary://k:s@c?api_key=q").api_key == "q"


def test_a_rotation_replaces_a_key_that_is_written_with_a_line_break() -> None:
    url = "cloudinary://c?oauth_token=a&refresh_\ntoken=old"
    session = from_cloudinary_url(url)
    assert session.refresh_token == "old"
    assert from_cloudinary_url(with_tokens(url, session)).refresh_token == "old"


def test_other_keys_may_occur_twice_and_the_first_value_that_is_not_blank_counts() -> None:
    parsed = config_url.parse("cloudinary://k:s@c?tag=&tag=one&tag=two")
    assert parsed.get("tag") == "one" == parsed.fields()["tag"]


def test_a_keyring_login_does_not_send_its_token_to_a_second_upload_prefix(
    cld: Cld, box: SandboxClient, store: ConfigStore, keychain: KeychainFile, server: CloudinaryServer
) -> None:
    keychain.save_login(box, store, "work", stale=False, upload_prefix=None)
    entry = store.load_fresh()["work"]
    host = next(value for key, value in config_url.parse(entry).query if key == "upload_prefix")
    changed = config_url.replace_query(entry, {"upload_prefix": None}) + f"&upload_prefix=&upload_prefix={server.url}"
    store.save({"work": changed})
    done = cld("-C", "work", "admin", "ping")
    assert server.requests == [], f"the token of {host} was sent to another host"
    assert done.code == 1 and "'upload_prefix' more than once" in done.err and "cld config -rm work" in done.err
    assert len(done.err.splitlines()) == 1 and done.out == ""


def test_every_command_refuses_such_a_url_with_one_line(cld: Cld, config_json: Path, server: CloudinaryServer) -> None:
    url = f"cloudinary://key:TOPSECRET@c?upload_prefix=&upload_prefix={server.url}"
    for command in (
        ["-c", url, "admin", "ping"],
        ["config", "-n", "new", url],
        ["config", "-url", url],
        ["-c", "cloudinary://k:s@c", "clone", url],
    ):
        done = cld(*command, env={"CLOUDINARY_URL": "cloudinary://k:s@c"})
        assert done.code == 1 and "'upload_prefix' more than once" in done.err and "TOPSECRET" not in done.text
    done = cld("admin", "ping", env={"CLOUDINARY_URL": url})
    assert done.code == 1 and "CLOUDINARY_URL is invalid" in done.err and "more than once" in done.err
    assert server.requests == []
    config_json.write_text(json.dumps({"bad": url, "good": server.config_url()}))
    listed = cld("config", "-ls")
    assert listed.code == 0 and "good" in listed.out and "bad" in listed.out
    assert cld("config", "-rm", "bad").code == 0 and list(json.loads(config_json.read_text())) == ["good"]


@pytest.mark.parametrize("repeated", ["&upload_prefix=https://other.example", "&oauth_token=other", "&region[x]=api"])
def test_removing_a_login_with_a_repeated_setting_revokes_it_when_token_and_server_are_clear(
    cld: Cld, box: SandboxClient, store: ConfigStore, repeated: str
) -> None:
    session = box.save_login(store, "work")
    store.save({"work": store.load_fresh()["work"] + repeated})
    done = cld("config", "-rm", "work")
    is_clear = "region" not in repeated
    assert done.code == (0 if is_clear else 1) and store.load_fresh() == {}
    assert ("revoked and deleted" if is_clear else "'region'") in done.err
    assert is_clear or "may stay valid" in done.err
    assert box.is_refresh_token_alive(session.refresh_token) is not is_clear


def test_removing_a_login_with_two_refresh_tokens_sends_neither(
    cld: Cld, box: SandboxClient, store: ConfigStore
) -> None:
    box.save_login(store, "work")
    store.save({"work": store.load_fresh()["work"] + "&refresh_token=OTHERSECRET"})
    done = cld("config", "-rm", "work", "-j")
    assert done.code == 1 and json.loads(done.out) == {"name": "work", "outcome": "revoke_failed"}
    assert "'refresh_token' more than once" in done.err and "OTHERSECRET" not in done.text
    assert box.requests("/oauth2/revoke") == [] and store.load_fresh() == {}


def test_logout_ends_a_login_with_a_repeated_setting(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, "work")
    store.save({"work": store.load_fresh()["work"] + "&upload_prefix=https://other.example"})
    done = cld("logout", "work")
    assert done.code == 0 and "revoked and removed" in done.err and store.load_fresh() == {}
    assert not box.is_refresh_token_alive(session.refresh_token)


def test_a_login_with_a_repeated_setting_counts_as_a_login_that_is_unusable(
    cld: Cld, store: ConfigStore, server: CloudinaryServer
) -> None:
    saved = {"work": "cloudinary://acme?oauth_token=t&refresh_token=rt&region=api&region=api"}
    store.save(saved)
    for command in (["-r", "work"], ["-ra"], ["-r", "work", "--json"], ["-ra", "--json"]):
        done = cld("config", *command)
        assert done.code == 1 and "'work' is unusable" in done.err and "cld config -rm work" in done.err, done.err
        assert "cld login" not in done.err and ("--json" not in command or '"outcome": "failed"' in done.out)
    done = cld("login", "work", "--no-browser")
    assert done.code == 1 and "'work' is a login whose URL repeats a setting" in done.err
    done = cld("config", "-n", "work", server.config_url())
    assert done.code == 1 and "'work' is a login" in done.err
    assert store.load_fresh() == saved
