"""Calls after a 401: one repetition with another token, and no token for another account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List

import pytest

from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ApiError, AuthenticationError
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from test.support.active_login import activate, ping
from test.support.sandbox_client import SandboxClient
from test.support.tls import TinyServer, reply


def test_401_is_retried_once_keyed_on_the_rejected_token(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    activate(store)
    box.call("POST", "clock", {"offset": 1000})
    assert ping() == {"status": "ok"}
    assert box.stats["refresh_exchanges"] == 1 and len(box.requests("/v1_1")) == 2


def test_401_that_stays_is_final_and_names_the_command(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    activate(store)
    box.fault("/v1_1", times=None, status=401, body={"error": {"message": "no"}})
    with pytest.raises(AuthenticationError, match="cld login box"):
        ping()
    assert len(box.requests("/v1_1")) == 2 and box.stats["refresh_exchanges"] == 1


def test_other_refusals_are_not_retried(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    activate(store)
    box.fault("/v1_1", times=None, status=403, body={"error": {"message": "no"}})
    with pytest.raises(ApiError, match="Error 403 - no"):
        ping()
    assert len(box.requests("/v1_1")) == 1 and box.stats["refresh_exchanges"] == 0


def test_large_upload_renews_between_chunks(box: SandboxClient, store: ConfigStore, tmp_path: Path) -> None:
    """The SDK's own hook: after a 401 on a chunk it calls oauth_token_refresh_callback and sends the chunk again."""
    box.save_login(store, stale=False)
    activate(store)
    file = tmp_path / "big.bin"
    file.write_bytes(os.urandom(12_000_000))
    box.fault("/v1_1", skip=1, status=401, body={"error": {"message": "expired"}})
    done = call_api(loader.module("uploader").upload_large, str(file), chunk_size=5_500_000, resource_type="raw")
    assert done["bytes"] == 12_000_000 and box.stats["refresh_exchanges"] == 1


def authorizations(server: TinyServer) -> List[Any]:
    return [seen.headers["Authorization"] for seen in server.seen]


def test_another_accounts_call_gets_no_token_of_ours(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    activate(store)
    with TinyServer(lambda handler: reply(handler, body='{"status": "ok"}')) as target:
        ping(upload_prefix=target.url, cloud_name="t", api_key="k", api_secret="s")
        upload = loader.module("uploader").upload
        call_api(upload, "http://x/a.jpg", upload_prefix=target.url, cloud_name="t", api_key="k", api_secret="s")
    assert authorizations(target)[0].startswith("Basic ") and authorizations(target)[1] is None
    assert all(session.access_token not in seen.body for seen in target.seen)


def test_a_users_own_token_is_used(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    activate(store)
    with TinyServer(lambda handler: reply(handler, body='{"status": "ok"}')) as target:
        ping(upload_prefix=target.url, oauth_token="USERTOKEN")
    assert authorizations(target) == ["Bearer USERTOKEN"]
