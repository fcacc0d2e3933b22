"""`cld login` with regions, CLOUDINARY_OAUTH_* settings and files that cannot be used. Real processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest

from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import replace_query
from test.support.commands import Cld
from test.support.sandbox_client import SandboxClient
from test.support.waiting import wait_until

KEY = "cloudinary://a:b@c"
posix = pytest.mark.skipif(os.name != "posix", reason="symbolic links of POSIX")


@pytest.fixture
def port() -> Iterator[Any]:
    """A listening socket to which nothing may connect."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener


def is_visited(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_a_region_that_names_another_host_is_refused(
    cld: Cld, env: Dict[str, str], store: ConfigStore, tmp_path: Path, port: socket.socket
) -> None:
    opened = tmp_path / "opened"
    plain = {name: value for name, value in env.items() if "BASE_URL" not in name and "PREFIX" not in name}
    region = f"api-abc@127.0.0.1:{port.getsockname()[1]}/"
    done = cld("login", "inj", "--region", region, env={**plain, "BROWSER": f"touch {opened}"})
    assert done.code == 1 and "Invalid region" in done.err and "for example: eu" in done.err
    assert "/oauth2/" not in done.err and not opened.exists() and store.load() == {} and not is_visited(port)


@pytest.mark.parametrize("command", [["config", "-r", "inj", "-f"], ["-C", "inj", "admin", "ping"], ["logout", "inj"]])
def test_a_saved_region_that_names_another_host_gets_no_token(
    cld: Cld, box: SandboxClient, store: ConfigStore, port: socket.socket, command: List[str]
) -> None:
    box.save_login(store, "inj")
    region = f"api-abc@127.0.0.1:{port.getsockname()[1]}/"
    with store.transaction() as cfg:
        cfg["inj"] = replace_query(cfg["inj"], {"oauth_base_url": None, "region": region})
    done = cld(*command)
    # The ping goes on with the access token that there is, which the server still takes.
    assert done.code == (0 if "ping" in command else 1) and "Invalid region" in done.err
    assert not is_visited(port)


@pytest.mark.parametrize(
    "given, name, region", [(" EU ", "sandbox-eu", "api-eu"), ("apix", "sandbox-apix", "api-apix")]
)
def test_the_derived_name_of_a_region(
    cld: Cld, env: Dict[str, str], store: ConfigStore, given: str, name: str, region: str
) -> None:
    done = cld("login", "--region", given, env=env)
    assert done.code == 0 and f"Saved as '{name}'" in done.err
    assert from_cloudinary_url(store.load()[name]).region == region


def test_a_login_of_another_cloud_is_not_replaced_because_its_name_is_that_of_the_cloud(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    other = box.save_login(store, "sandbox", cloud_name="other")
    before = store.load_fresh()["sandbox"]
    done = cld("login", env=env)
    assert done.code == 0 and "Saved as 'sandbox-oauth'" in done.err, done.err
    assert store.load_fresh()["sandbox"] == before and box.is_refresh_token_alive(other.refresh_token)


# -- the settings of the client


@pytest.mark.parametrize("value", ["abc", "0"])
def test_a_bad_port_affects_the_login_only(cld: Cld, env: Dict[str, str], value: str) -> None:
    bad = {**env, "CLOUDINARY_OAUTH_REDIRECT_PORT": value}
    done = cld("login", env=bad)
    assert done.code == 1 and done.err.count("\n") == 1 and "port number from 1 to 65535" in done.err
    for args in (["--version"], ["--help"], ["config", "-ls"], ["logout"]):
        assert cld(*args, env=bad).code == 0


def test_empty_settings_are_the_defaults(cld: Cld, env: Dict[str, str]) -> None:
    names = ("CLIENT_ID", "SCOPES", "REDIRECT_HOST", "REDIRECT_PORT")
    empty = {f"CLOUDINARY_OAUTH_{name}": "" for name in names}
    done = cld("login", "--no-browser", "--timeout", "1", env={**env, **empty})
    assert done.code == 1 and "client_id=a920ea9c-531b-4613-9783-1d4f4cc10655&" in done.err
    assert "scope=openid+offline_access+asset_management+upload&" in done.err
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A49421%2Fcallback&" in done.err


def test_another_redirect_host_is_not_listened_on(cld: Cld, env: Dict[str, str], box: SandboxClient) -> None:
    done = cld("login", env={**env, "CLOUDINARY_OAUTH_REDIRECT_HOST": "0.0.0.0"})
    assert done.code == 1 and "must be a loopback IP address, such as 127.0.0.1" in done.err
    assert "/oauth2/" not in done.err and box.stats["authorization_requests"] == 0


# -- the file


@posix
@pytest.mark.parametrize("obstacle", ["a linked lock", "a byte order mark", "a broken file", "an empty file"])
def test_an_unwritable_file_is_reported_before_the_browser_opens(
    cld: Cld, env: Dict[str, str], box: SandboxClient, config_json: Path, obstacle: str
) -> None:
    if obstacle == "a linked lock":
        os.symlink("victim", f"{config_json}.lock")
    else:
        data = {"a byte order mark": b"\xef\xbb\xbf{}", "a broken file": b"{", "an empty file": b""}[obstacle]
        config_json.write_bytes(data)
    done = cld("login", env=env)
    assert done.code == 1 and str(config_json) in done.err.splitlines()[-1]
    assert box.stats["authorization_requests"] == 0 and "/oauth2/" not in done.err


def test_a_bad_default_does_not_stop_a_login(cld: Cld, env: Dict[str, str], store: ConfigStore) -> None:
    store.save({"a": "garbage", "__default__": "a"})
    assert cld("login", "fresh", "--set-default", env=env).code == 0
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}
    assert cld("logout", "fresh").code == 0
    assert store.load_fresh()["a"] == "garbage"


def test_an_api_key_entry_that_appears_during_the_login_is_kept(
    env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    alive = box.stats["live_grants"]
    box.fault(mode="after", delay=60)
    login = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "login", "k"],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: box.stats["code_exchanges"])
    store.save({"k": KEY})
    box.clear_faults()
    err: Optional[str] = login.communicate(timeout=30)[1]
    assert login.returncode == 1 and "'k' is a saved API-key configuration" in str(err)
    assert store.load_fresh() == {"k": KEY}
    assert box.stats["live_grants"] == alive, "the grant that could not be saved was revoked"


# -- which configuration the next command uses


def test_a_variable_that_overrides_the_new_login_is_reported(cld: Cld, env: Dict[str, str], store: ConfigStore) -> None:
    store.save({"other": KEY})
    shadowed = {**env, "CLOUDINARY_CONFIG_NAME": "other"}
    done = cld("login", "fresh", "--set-default", env=shadowed)
    assert done.code == 0 and "warning: CLOUDINARY_CONFIG_NAME is 'other' in this shell" in done.err
    assert "cld -C fresh <command>" in done.err and store.load_fresh()["__default__"] == "fresh"
    done = cld("login", "other2", env={**env, "CLOUDINARY_CONFIG_NAME": "other2"})
    assert done.code == 0 and "warning" not in done.err


def test_the_configuration_of_a_directory_that_overrides_the_new_login_is_reported(
    cld: Cld, env: Dict[str, str], store: ConfigStore
) -> None:
    store.save({"other": KEY})
    assert cld("config", "--local", "other").code == 0
    done = cld("login", "fresh", "--set-default", env=env)
    assert done.code == 0 and "uses 'other' (cld config --local), not the default." in done.err
    assert "cld -C fresh <command>" in done.err
    Path(store.path).with_name("directories.json").write_text("{")
    assert cld("login", "fresh", env=env).code == 0


def test_a_command_without_a_configuration_fails_at_once_and_names_the_variable(
    cld: Cld, box: SandboxClient, env: Dict[str, str], store: ConfigStore
) -> None:
    done = cld("admin", "ping", env=env, timeout=20)
    assert done.code == 1 and done.out == "" and "can set CLOUDINARY_URL to such a URL" in done.err
    store.save({"a": KEY, "b": KEY})
    done = cld("admin", "ping", env=env, timeout=20)
    assert done.code == 1 and "export CLOUDINARY_CONFIG_NAME=<name>" in done.err and "cld -C <name>" in done.err
    assert box.stats["authorization_requests"] == 0 and "/oauth2/" not in done.err
