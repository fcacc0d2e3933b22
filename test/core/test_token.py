"""`cld token`: what it prints, when it renews, and which configurations it refuses; against the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Any]


def test_a_fresh_token_alone_on_stdout(invoke: Run, box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    done = invoke("token", "box")
    assert (done.code, done.out, done.err) == (0, session.access_token + "\n", "")
    assert len(box.requests("/oauth2/token")) == 1, "the login's own"


def test_a_stale_token_is_renewed_and_saved(invoke: Run, box: SandboxClient, store: ConfigStore) -> None:
    old = box.save_login(store)
    done = invoke("token", "box")
    saved = from_cloudinary_url(store.load_fresh()["box"])
    assert (done.code, done.out) == (0, saved.access_token + "\n")
    assert saved.access_token != old.access_token and saved.is_fresh()


@pytest.mark.parametrize("args", [["-C", "box", "token"], ["token"]])
def test_the_active_login(invoke: Run, box: SandboxClient, store: ConfigStore, args: Any) -> None:
    session = box.save_login(store, stale=False)
    done = invoke(*args, env={"CLOUDINARY_CONFIG_NAME": "box"})
    assert (done.code, done.out) == (0, session.access_token + "\n")


def test_the_argument_overrides_the_variable(invoke: Run, box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    done = invoke("token", "box", env={"CLOUDINARY_CONFIG_NAME": "nope"})
    assert (done.code, done.out) == (0, session.access_token + "\n")


def test_json(invoke: Run, box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    found = json.loads(invoke("token", "box", "--json").out)
    assert found["expires_at_utc"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(session.expires_at))
    del found["expires_at_utc"]
    assert found == {
        "schema_version": 1,
        "name": "box",
        "cloud_name": "sandbox",
        "access_token": session.access_token,
        "token_type": "Bearer",
        "expires_at": session.expires_at,
    }


@pytest.mark.parametrize("args", [["token", "key"], ["-C", "key", "token"], ["-c", "cloudinary://k:SECRET@c", "token"]])
def test_an_api_key_is_refused(invoke: Run, config_json: Path, args: Any) -> None:
    config_json.write_text(json.dumps({"key": "cloudinary://k:SECRET@c"}))
    done = invoke(*args)
    assert (done.code, done.out) == (1, "") and "SECRET" not in done.err
    assert "uses an API key" in done.err and "cld login" in done.err and len(done.err.splitlines()) == 1


def test_wrong_calls(invoke: Run, config_json: Path) -> None:
    config_json.write_text(json.dumps({"key": "cloudinary://k:s@c"}))
    unknown = invoke("token", "nope")
    assert (unknown.code, unknown.out) == (1, "") and "cld config -ls" in unknown.err
    both = invoke("-C", "key", "token", "key")
    assert (both.code, both.out) == (1, "") and "not both" in both.err
    nothing = invoke("token")
    assert (nothing.code, nothing.out) == (1, "") and "cld config -d" in nothing.err


def test_a_refused_login_gives_no_token(invoke: Run, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, refresh_token="spent")
    done = invoke("token", "box")
    assert (done.code, done.out) == (1, "") and "Run: cld login box" in done.err


def test_a_token_that_cannot_be_renewed_now(invoke: Run, box: SandboxClient, store: ConfigStore) -> None:
    """An expired token is not printed."""
    session = box.save_login(store)
    box.fault(times=None, status=500)
    done = invoke("token", "box")
    assert (done.code, done.out) == (1, "") and session.access_token not in done.err


def test_a_static_token(invoke: Run, home: Path) -> None:
    env = {"CLOUDINARY_CLOUD_NAME": "c", "CLOUDINARY_OAUTH_TOKEN": "abc"}
    assert invoke("token", env=env).out == "abc\n"
    assert json.loads(invoke("token", "--json", env=env).out)["expires_at"] is None
    broken = invoke("token", env={**env, "CLOUDINARY_OAUTH_TOKEN": "a\nb"})
    assert (broken.code, broken.out) == (1, "")
    expired = invoke("-c", "cloudinary://c?oauth_token=abc&expires_at=2", "token")
    assert (expired.code, expired.out) == (1, "") and "has expired" in expired.err


def test_a_header_for_curl(cld: Run, box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    done = cld("token", "box", "--format", "header")
    assert (done.code, done.out, done.err) == (0, f"Authorization: Bearer {session.access_token}\n", "")


def test_a_variable_for_a_shell_leads_an_sdk_to_the_account(
    cld: Run, box: SandboxClient, store: ConfigStore, tmp_path: Path
) -> None:
    box.save_login(store)
    line = cld("token", "box", "--format", "env")
    assert line.code == 0 and line.out.count("\n") == 1
    code = "import cloudinary.api; print(cloudinary.api.ping()['status'])"
    script = f'{line.out}{sys.executable} -c "{code}"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, cwd=str(tmp_path))
    assert done.stdout == "ok\n", done.stderr
    assert "refresh" not in line.out, "only the token that expires soon"


def test_the_format_json_is_that_of_the_option(cld: Run, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    assert cld("token", "box", "--format", "json").out == cld("token", "box", "--json").out
    assert cld("token", "box", "--json", "--format", "json").code == 0
    for wrong in (["--format", "xml"], ["--json", "--format", "env"]):
        done = cld("token", "box", *wrong)
        assert done.code == 1 and done.out == ""
