"""`cld config -n` and `-url`: checking and saving a URL."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.cld_config import A, Run, posix, saved
from test.support.sandbox_client import SandboxClient
from test.support.terminal import run_in_terminal
from test.support.waiting import wait_until

# -- saving


def test_new_checks_saves_and_tells(cld: Run, store: ConfigStore, url: str, box: SandboxClient) -> None:
    done = cld("config", "-n", "my box", url)
    assert (done.code, done.out) == (0, "")
    assert done.err.split("\n")[:2] == ["Config 'my box' saved!", "Example usage: cld -C 'my box' <command>"]
    assert "'my box' is the default" in done.err
    assert saved(store) == {"my box": url, "__default__": "my box"}, "stored as typed"
    assert len(box.requests("/v1_1/sandbox/ping")) == 1
    done = cld("config", "-n", "two", url)
    assert "default" not in done.err and saved(store)["__default__"] == "my box"
    assert "is the default" in cld("config", "-n", "three", url, "--set-default").err
    assert saved(store)["__default__"] == "three"


def test_from_url_is_named_after_the_cloud(invoke: Run, store: ConfigStore, url: str) -> None:
    assert invoke("config", "-url", f"CLOUDINARY_URL={url}", "-j").out == (
        '{\n  "name": "sandbox",\n  "outcome": "saved",\n  "default": true\n}\n'
    )
    assert saved(store)["sandbox"] == url, "the pasted prefix is not part of it"
    assert invoke("config", "-n", "", url).code == 0
    assert list(saved(store)) == ["sandbox", "__default__"]


def test_the_url_can_come_from_stdin_and_so_stay_out_of_the_process_list(
    cld: Run, store: ConfigStore, url: str
) -> None:
    assert cld("config", "-n", "x", "-", input=f"CLOUDINARY_URL={url}\n").code == 0
    assert saved(store)["x"] == url
    done = cld("config", "-url", "-", input="")
    assert done.code == 1 and "Expected cloudinary://<api_key>" in done.err


@posix
def test_a_url_typed_at_the_terminal_is_not_shown(store: ConfigStore, url: str) -> None:
    screen = run_in_terminal(["config", "-n", "x", "-"], [("CLOUDINARY_URL: ", url)])
    assert screen.code == 0 and "sandbox-secret" not in screen.text
    assert saved(store)["x"] == url


@pytest.mark.parametrize(
    "bad",
    ["http://k:TOPSECRET@c", "", "cloudinary://", "cloudinary://c", "cloudinary://k:TOPSECRET/x@c", "cloudinary://k@c"],
)
def test_new_with_an_unusable_url(invoke: Run, store: ConfigStore, bad: str) -> None:
    done = invoke("config", "-n", "x", bad)
    assert done.code == 1 and "Error: Invalid value for -n: " in done.err
    assert "TOPSECRET" not in done.text and saved(store) == {}


def test_a_failed_ping_saves_nothing(invoke: Run, store: ConfigStore, url: str) -> None:
    done = invoke("config", "-n", "x", url.replace("sandbox-secret", "WRONGSECRET"))
    assert done.code == 1 and done.err.startswith("error: ") and "WRONGSECRET" not in done.text
    assert " rejected the API key of the URL. " in done.err
    assert saved(store) == {} and done.out == ""


def test_a_reserved_name_is_refused_before_any_network(
    invoke: Run, store: ConfigStore, url: str, box: SandboxClient
) -> None:
    for name in ("__x__", "__default__"):
        done = invoke("config", "-n", name, url)
        assert done.code == 1 and f"'{name}' is reserved" in done.err
    assert box.requests("/v1_1") == [] and saved(store) == {}


def test_the_environment_does_not_leak_into_the_checked_configuration(cld: Run, url: str, box: SandboxClient) -> None:
    env = {"CLOUDINARY_URL": "cloudinary://ek:es@envc?oauth_token=ENVTOK12345&timeout=9"}
    assert cld("config", "-n", "x", url, env=env).code == 0
    (request,) = box.requests("/v1_1")
    assert request["path"] == "/v1_1/sandbox/ping" and request["authorization"].startswith("Basic ")


def test_an_api_key_entry_is_replaced_silently(invoke: Run, store: ConfigStore, url: str) -> None:
    store.save({"x": A})
    assert invoke("config", "-n", "x", url).code == 0
    assert saved(store)["x"] == url


def test_a_login_is_not_replaced_without_consent(cld: Run, store: ConfigStore, url: str, box: SandboxClient) -> None:
    session = box.save_login(store, "f")
    before = saved(store)
    done = cld("config", "-n", "f", url)
    assert done.code == 1 and "cld logout f" in done.err and "--force" in done.err
    assert saved(store) == before and box.requests("/v1_1") == []
    done = cld("config", "-n", "f", url, "--force")
    assert done.code == 0 and "The login it held was revoked." in done.err
    assert saved(store)["f"] == url
    assert not box.is_refresh_token_alive(session.refresh_token)


@posix
def test_at_a_terminal_the_user_is_asked(store: ConfigStore, url: str, box: SandboxClient) -> None:
    session = box.save_login(store, "f")
    before = saved(store)
    screen = run_in_terminal(["config", "-n", "f", url], [("(y/N) ", "n")])
    assert screen.code == 1 and "Nothing was changed." in screen.text and saved(store) == before
    assert run_in_terminal(["config", "-n", "f", url], [("(y/N) ", "y")]).code == 0
    assert saved(store)["f"] == url
    assert not box.is_refresh_token_alive(session.refresh_token)


def test_saving_the_same_login_again_does_not_revoke_it(invoke: Run, store: ConfigStore, box: SandboxClient) -> None:
    session = box.save_login(store, "f", stale=False)
    assert invoke("config", "-n", "f", saved(store)["f"] + "&timeout=60").code == 0
    assert saved(store)["f"].endswith("&timeout=60")
    assert box.is_refresh_token_alive(session.refresh_token)


def test_a_login_that_appears_during_the_ping_is_kept(store: ConfigStore, url: str, box: SandboxClient) -> None:
    box.fault("/v1_1/sandbox/ping", delay=60, status=200, body={"status": "ok"})
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "config", "-n", "f", url],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: box.requests("/v1_1/sandbox/ping"))
    box.save_login(store, "f")
    login = saved(store)["f"]
    box.clear_faults()
    assert "'f' is a login" in process.communicate(timeout=20)[1] and process.returncode == 1
    assert saved(store)["f"] == login


def test_a_revocation_that_fails_is_said(invoke: Run, store: ConfigStore, url: str, box: SandboxClient) -> None:
    box.save_login(store, "f")
    box.fault("/oauth2/revoke", times=None, status=500)
    done = invoke("config", "-n", "f", url, "--force")
    assert done.code == 1 and "error: " in done.err and saved(store)["f"] == url
