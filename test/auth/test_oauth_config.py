"""The SDK seam: OAuthConfig, the 401 retry, and what is sent to whom; rows T3, T5, T6, T10, T11, T15, C1, G13, S11."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any, Iterator

import pytest

from cloudinary_cli.auth.oauth_config import LiveLogin, OAuthConfig, install_env_config, install_oauth_config
from cloudinary_cli.auth.refresh import Refresher, refresh_lock
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.resolver import ResolvedConfig, Selection, config_to_api_kwargs, resolve
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse, replace_query
from cloudinary_cli.errors import LockTimeout, OAuthError, ReloginRequired
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.utils.config_resolver import get_cloudinary_config
from test.support.active_login import activate, ping
from test.support.sandbox_client import SandboxClient


@pytest.fixture(autouse=True)
def program_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let caplog see the program's logger, as main() has not routed it to a console here."""
    logger = logging.getLogger("cloudinary_cli")
    logger.propagate, before = True, logger.propagate

    yield
    logger.propagate = before


def test_reading_a_fresh_token_does_no_io(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    config = activate(store)
    os.unlink(store.path)
    assert config.oauth_token == config.__dict__["oauth_token"]


def test_another_write_to_config_json_is_no_reason_to_rotate(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    config = activate(store)
    for number in range(3):
        store.save_named(f"n{number}", "cloudinary://k:s@c", True, False)
        os.utime(store.path, (time.time() + number, time.time() + number))
        assert config.oauth_token == session.access_token
    assert box.stats["refresh_exchanges"] == 0


def test_two_logins_in_use_do_not_rotate_each_other(box: SandboxClient, store: ConfigStore) -> None:
    for name in ("f", "g"):
        box.save_login(store, name)
    configs = [OAuthConfig.bind_saved(name, store.load()[name], store) for name in ("f", "g")]
    tokens = [config.oauth_token for config in configs]
    for _ in range(5):
        os.utime(store.path)
        assert [config.oauth_token for config in configs] == tokens
    assert box.stats["refresh_exchanges"] == 2, "one each, since both were stale"


def test_stale_token_is_renewed_when_the_sdk_reads_it(box: SandboxClient, store: ConfigStore) -> None:
    old = box.save_login(store)
    config = activate(store)
    assert config.has_oauth and box.stats["refresh_exchanges"] == 0, "nothing is refreshed before a read"
    assert ping() == {"status": "ok"}
    assert box.stats["refresh_exchanges"] == 1 and config.oauth_token != old.access_token
    assert config.__dict__["refresh_token"] == from_cloudinary_url(store.load_fresh()["box"]).refresh_token


def test_token_is_a_data_descriptor_and_internals_are_hidden() -> None:
    config = OAuthConfig.from_url("cloudinary://c?oauth_token=t")
    config.__dict__["oauth_token"] = "other"
    assert isinstance(vars(OAuthConfig)["oauth_token"], property) and config.oauth_token == "other"
    config.oauth_token = "set"
    assert config.__dict__["oauth_token"] == "set"
    assert "oauth_token_refresh_callback" not in vars(config) and config.oauth_token_refresh_callback is None
    assert all(key.startswith("_") for key, value in vars(config).items() if isinstance(value, LiveLogin))


def test_static_configs_never_refresh(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store)
    url = store.load()["box"]
    for config in (OAuthConfig.from_url(url), install_oauth_config(url)):
        assert config.oauth_token == session.access_token and config.invalidate_token(session.access_token) is False
    env = {"CLOUDINARY_CLOUD_NAME": "c", "CLOUDINARY_OAUTH_TOKEN": "tok", "CLOUDINARY_SECURE": "false"}
    config = install_env_config(env)
    assert (config.oauth_token, config.secure, config.has_oauth) == ("tok", False, True)
    assert len(box.requests()) == box.stats["code_exchanges"]


def test_nothing_leaks_in_from_the_environment(monkeypatch: pytest.MonkeyPatch, store: ConfigStore) -> None:
    monkeypatch.setenv(
        "CLOUDINARY_URL", "cloudinary://ek:es@envc?oauth_token=ENVTOK&secure_distribution=leak&api_proxy=x"
    )
    store.save({"a": "cloudinary://key:secret@acloud"})
    for selection in (Selection(config_saved="a"), Selection(config="cloudinary://key:secret@acloud")):
        config = activation.activate(resolve(selection, store.load(), os.environ), store)
        assert not config.has_oauth and config.secure_distribution is None and config.api_proxy is None
        assert (config.cloud_name, config.api_key, config.api_secret) == ("acloud", "key", "secret")


def test_case_is_kept_and_false_is_false() -> None:
    config = OAuthConfig.from_url("cloudinary://k:s@MixedCase?secure=false&private_cdn=true")
    assert (config.cloud_name, config.secure, config.private_cdn) == ("MixedCase", False, True)


def test_an_attribute_error_in_the_getter_is_not_swallowed(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)

    def broken(*args: Any, **options: Any) -> Any:
        raise AttributeError("'list' object has no attribute 'get'")

    live = LiveLogin("box", store.load()["box"], Refresher(store, refresh=broken))
    config = OAuthConfig(parse(store.load()["box"]).fields(), live)
    with pytest.raises(OAuthError, match="Internal error"):
        _ = config.oauth_token


def test_one_warning_and_one_request_for_many_reads(
    box: SandboxClient, store: ConfigStore, caplog: pytest.LogCaptureFixture
) -> None:
    now = int(time.time())
    box.save_login(store, issued_at=now - 290, expires_at=now + 10)
    box.fault(status=500, times=None)
    before = len(box.requests())
    config = activate(store)
    tokens = {config.oauth_token for _ in range(20)}
    assert len(tokens) == 1 and len(box.requests()) == before + 1
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1 and "'box'" in warnings[0].getMessage() and "HTTP 500" in warnings[0].getMessage()


def test_expired_login_that_is_refused_fails_at_once_with_the_command(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store)
    assert box.is_refresh_token_alive(session.refresh_token)
    activate(store)
    for _ in range(3):
        with pytest.raises(ReloginRequired, match="cld login box"):
            ping()
    assert not box.requests("/v1_1"), "no API call is made with a token known to be dead"


def test_clear_text_hosts_are_warned_about(store: ConfigStore, caplog: pytest.LogCaptureFixture) -> None:
    for host, warned in (("http://api.example", True), ("http://127.0.0.1:9", False), ("https://api.example", False)):
        caplog.clear()
        fields = {"cloud_name": "c", "oauth_token": "t", "upload_prefix": host}
        activation.activate(ResolvedConfig(fields=fields), store)
        assert ("in clear" in caplog.text) is warned


def test_debug_log_holds_no_token(box: SandboxClient, store: ConfigStore, cld: Any) -> None:
    session = box.save_login(store)
    box.fault(
        status=400, body={"error": "invalid_grant", "error_description": "x", "refresh_token": session.refresh_token}
    )
    done = cld("-v", "DEBUG", "-C", "box", "admin", "ping")
    assert done.code == 1 and "debug: Refresh of 'box' failed" in done.err
    for secret in (session.access_token, str(session.refresh_token)):
        assert secret not in done.text and secret[-6:] not in done.text


def test_debug_log_holds_no_secret_of_an_argument(box: SandboxClient, store: ConfigStore, cld: Any) -> None:
    session = box.save_login(store, stale=False)
    box.fault("/v1_1/", times=None, status=400, body={"error": {"message": "refused"}})
    secrets = ["-o", "api_secret", "TOPSECRETVALUE", "-o", "api_key", "k", "-o", "oauth_token", "OTHERTOKENVALUE"]
    done = cld("-v", "DEBUG", "-C", "box", "uploader", "destroy", "x", "-F", *secrets)
    assert done.code == 1 and "refused" in done.err
    for secret in ("TOPSECRETVALUE", "OTHERTOKENVALUE", session.access_token, str(session.refresh_token)):
        assert secret not in done.text


def test_a_config_as_call_arguments_has_no_bookkeeping(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    kwargs = config_to_api_kwargs(activate(store))
    assert kwargs["oauth_token"] == session.access_token and kwargs["upload_prefix"] == box.url
    assert not {"refresh_token", "issued_at", "expires_at", "region", "issuer", "oauth_base_url"} & set(kwargs)


def test_target_config_is_refreshed_and_the_active_one_put_back(
    box: SandboxClient, store: ConfigStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.save_login(store, "target")
    active = install_oauth_config("cloudinary://k:s@active")
    target = get_cloudinary_config("target")
    assert target.cloud_name == "sandbox" and box.stats["refresh_exchanges"] == 1
    assert loader.load().config() is active


def test_unsaved_tokens_are_saved_at_the_end_of_the_command(box: SandboxClient, store: ConfigStore) -> None:
    """Contract 4: the write failed after the token was spent; the command goes on and tries again."""
    box.save_login(store)
    elsewhere = store.path + ".moved"

    def posting(*args: Any, **options: Any) -> Any:
        from cloudinary_cli.auth import flow

        response = flow.refresh(*args)
        os.rename(store.path, elsewhere)  # a real obstacle: a directory stands where the file should be
        os.mkdir(store.path)
        return response

    live = LiveLogin("box", store.load()["box"], Refresher(store, refresh=posting))
    config = OAuthConfig(parse(store.load()["box"]).fields(), live)
    token = config.oauth_token
    os.rmdir(store.path)
    os.rename(elsewhere, store.path)
    config.flush()
    saved = from_cloudinary_url(store.load_fresh()["box"])
    assert saved.access_token == token and box.is_refresh_token_alive(saved.refresh_token)


def test_entry_replaced_by_hand_is_not_mixed_up(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    config = activate(store)
    with store.transaction() as cfg:
        cfg["box"] = replace_query("cloudinary://k:s@other", {})
    with pytest.raises(OAuthError):
        _ = config.oauth_token


def held_login(box: SandboxClient, store: ConfigStore, left: int) -> OAuthConfig:
    """A login with a token that has `left` seconds, of a process that gives up the wait for a lock at once."""
    now = int(time.time())
    box.save_login(store, issued_at=now + left - 300, expires_at=now + left)
    live = LiveLogin("box", store.load()["box"], Refresher(store, lock_timeout=0.1))
    return OAuthConfig(parse(store.load()["box"]).fields(), live)


@pytest.mark.parametrize("left", [10, -10])
def test_contract_7_a_lock_that_a_peer_keeps(
    box: SandboxClient, store: ConfigStore, caplog: pytest.LogCaptureFixture, left: int
) -> None:
    """A token that is still valid is used, aloud; without one the command ends, to be tried again (75)."""
    config = held_login(box, store, left)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with refresh_lock(store, "box"):
            held.set()
            release.wait(20)

    peer = threading.Thread(target=hold)
    peer.start()
    held.wait(20)
    try:
        if left > 0:
            assert config.oauth_token == config.__dict__["oauth_token"]
            assert "'box'" in caplog.text and "locked by another process" in caplog.text
        else:
            with pytest.raises(LockTimeout) as caught:
                _ = config.oauth_token
            assert caught.value.exit_code == 75
    finally:
        release.set()
        peer.join()
    assert box.stats["refresh_exchanges"] == 0
