"""`cld whoami --verify` against the sandbox."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Any]


def test_verify_of_an_api_key(who: Run, box: SandboxClient, home: Path) -> None:
    env = box.server.environment(home)
    found = who(env=env, more=("--verify",))
    assert (found["state"], found["verified"], found["code"]) == ("valid", True, 0)
    assert len(box.requests("/v1_1/sandbox/ping")) == 1
    wrong = who(env={**env, "CLOUDINARY_URL": env["CLOUDINARY_URL"].replace("@", "SECRET@")}, more=("--verify",))
    assert (wrong["state"], wrong["verified"], wrong["code"]) == ("invalid", False, 1)


def test_verify_of_a_login_renews_it(who: Run, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    found = who("-C", "box", more=("--verify",))
    assert (found["state"], found["verified"], found["code"]) == ("valid", True, 0)
    assert found["expires_at"] > time.time(), "of the new token"


def test_verify_of_a_revoked_login(who: Run, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, refresh_token="RTSECRET")
    found = who("-C", "box", more=("--verify",))
    assert (found["state"], found["verified"], found["code"]) == ("needs-login", False, 1)
    assert "cld login box" in found["err"]
    assert who("-C", "box")["state"] == "needs-login", "and it is known from then on"


@pytest.mark.parametrize("status", [403, 503])
def test_verify_with_a_response_that_says_nothing_about_the_credential(
    who: Run, box: SandboxClient, store: ConfigStore, status: int
) -> None:
    box.save_login(store, stale=False)
    box.fault("/v1_1/sandbox/ping", None, status=status)
    found = who("-C", "box", more=("--verify",))
    assert (found["state"], found["verified"], found["code"]) == ("valid", None, 1)


def test_verify_without_a_response(who: Run, config_json: Path) -> None:
    url = "cloudinary://k:SECRET@c?upload_prefix=http%3A%2F%2F127.0.0.1%3A9"
    config_json.write_text(json.dumps({"key": url}))
    found = who("-C", "key", more=("--verify",))
    assert (found["state"], found["verified"], found["code"]) == ("unverified", None, 1)
    assert found["err"].startswith("error: ")
