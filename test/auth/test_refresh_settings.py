"""Settings and entries that a refresh meets before it sends anything: one clear line, and a login that stays healthy."""

from __future__ import annotations

from typing import Callable

import pytest

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from test.conftest import Result
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Result]

PROXIES = [
    "localhost:9",
    "://",
    "http://",
    "http://[",
    "ftp://x",
    "http://u:p@:0",
    "http://127.0.0.1:99999",
    "http://u:\u20ac@127.0.0.1:9",
    "http:// x",
]


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_setting_that_cannot_be_used_is_named_and_harms_no_login(
    cld: Run, box: SandboxClient, store: ConfigStore, proxy: str
) -> None:
    box.save_login(store)
    before = store.load_fresh()
    # localhost, so that NO_PROXY rules of the machine do not apply.
    done = cld("config", "-r", "box", env={"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "", "no_proxy": ""})
    assert done.code == 1 and "proxy" in done.err and "Check http_proxy." in done.err, done.err
    assert "Traceback" not in done.err and store.load_fresh() == before
    assert cld("config", "-r", "box").code == 0


@pytest.mark.parametrize(
    "setting",
    [
        {"CLOUDINARY_OAUTH_REDIRECT_HOST": "localhost"},
        {"CLOUDINARY_OAUTH_REDIRECT_PORT": "99999"},
        {"CLOUDINARY_OAUTH_BASE_URL": "http://evil.example"},
        {"CLOUDINARY_OAUTH_SCOPES": "\udcff"},
        {"CLOUDINARY_OAUTH_CLIENT_ID": "no such client"},
        {"CLOUDINARY_OAUTH_CLIENT_ID": "a\udcffb"},
        {"REQUESTS_CA_BUNDLE": "/no/such/file"},
        {"CLOUDINARY_REGION": "no region"},
    ],
    ids=lambda setting: ascii(sorted(setting.items())[0]),
)
def test_a_wrong_setting_never_costs_the_login(
    cld: Run, box: SandboxClient, store: ConfigStore, setting: "dict[str, str]"
) -> None:
    box.save_login(store)
    for _ in range(3):
        done = cld("-C", "box", "config", "-r", env=setting)
        assert "Traceback" not in done.err and "codec" not in done.err, done.err
        assert not parse(store.load_fresh()["box"]).has(refresh_state.KEY)
    assert cld("config", "-r", "box", "--force").code == 0


@pytest.mark.parametrize("written", ["a/b:c,d", "a%2fb%3ac%2cd", "a/b%3Ac,d"])
def test_new_tokens_are_saved_whatever_spelling_the_entry_has(written: str, store: ConfigStore) -> None:
    """A file edited by hand or by another program may percent-encode other characters than this one does."""
    store.save({"w": f"cloudinary://acme?oauth_token=t&refresh_token={written}&expires_at=1"})
    store.save({**store.load(), "copy": store.load()["w"]})
    presented = []

    def refresh(token: str, *args: object, **options: object) -> "dict[str, object]":
        presented.append((token, parse(store.load_fresh()["w"]).has(refresh_state.KEY)))
        return {"access_token": "new", "refresh_token": "rt_2", "expires_in": 300}

    result = Refresher(store, refresh=refresh).refresh("w", store.load()["w"])
    assert result.outcome is RefreshOutcome.REFRESHED and presented == [("a/b:c,d", True)]
    assert {from_cloudinary_url(store.load_fresh()[name]).refresh_token for name in ("w", "copy")} == {"rt_2"}
