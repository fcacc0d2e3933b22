"""`cld config` as a user meets it: real processes or main(), a real sandbox for pings, refreshes and revocations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.conftest import Result
from test.support.sandbox_client import SandboxClient
from test.support.terminal import run_in_terminal

Run = Callable[..., Result]
KEYS = "111111111111111:sandbox-secret"
A, B = "cloudinary://ka:sa@a", "cloudinary://kb:sb@b"
posix = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")


@pytest.fixture
def url(box: SandboxClient) -> str:
    """A URL whose ping succeeds."""
    return f"cloudinary://{KEYS}@sandbox?upload_prefix={box.url}"


def saved(store: ConfigStore) -> Dict[str, Any]:
    return store.load_fresh()


# -- views without anything configured


def test_show_default_no_config(invoke: Run) -> None:
    for args in ((), ("--json",)):
        done = invoke("config", *args)
        assert done.code == 1 and done.out == ""
        assert done.err.count("No Cloudinary configuration found.") == 1, "guidance once"
        assert "cloudinary://<api_key>:<api_secret>@<cloud_name>" in done.err


def test_listing_nothing(invoke: Run) -> None:
    done = invoke("config", "-ls")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("No Cloudinary configuration found.\n")
    assert invoke("config", "-ls", "--json").out == "[]\n"


def test_bare_view_names_an_invalid_variable(invoke: Run) -> None:
    done = invoke("config", env={"CLOUDINARY_URL": "http://k:TOPSECRET@x"})
    assert done.code == 1 and "CLOUDINARY_URL is invalid" in done.err and "TOPSECRET" not in done.text
    done = invoke("config", "-ls", env={"CLOUDINARY_URL": "http://k:TOPSECRET@x"})
    assert done.code == 0 and "warning: The environment variable CLOUDINARY_URL is invalid" in done.err


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
    box.fault("/v1_1/sandbox/ping", delay=1.0, status=200, body={"status": "ok"})
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "config", "-n", "f", url],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not box.requests("/v1_1/sandbox/ping"):
        time.sleep(0.01)
    box.save_login(store, "f")
    login = saved(store)["f"]
    assert "'f' is a login" in process.communicate(timeout=20)[1] and process.returncode == 1
    assert saved(store)["f"] == login


def test_a_revocation_that_fails_is_said(invoke: Run, store: ConfigStore, url: str, box: SandboxClient) -> None:
    box.save_login(store, "f")
    box.fault("/oauth2/revoke", times=None, status=500)
    done = invoke("config", "-n", "f", url, "--force")
    assert done.code == 1 and "error: " in done.err and saved(store)["f"] == url


# -- one action at a time


@pytest.mark.parametrize(
    "args, named",
    [
        (("-d", "a", "-ud"), ("-d/", "-ud/")),
        (("-ls", "-rm", "a"), ("-rm/", "-ls/")),
        (("-s", "a", "-ls"), ("-ls/", "-s/")),
        (("-n", "x", A, "-url", B), ("-n/", "-url/")),
        (("-r", "-ra"), ("-r/", "-ra/")),
        (("-r", "a", "-rm", "a", "-ls"), ("-r/", "-rm/", "-ls/")),
    ],
)
def test_two_actions_are_a_usage_error(invoke: Run, store: ConfigStore, args: Any, named: Any) -> None:
    store.save({"a": A, "__default__": "a"})
    done = invoke("config", *args)
    assert done.code == 1 and "cannot be combined" in done.err and all(label in done.err for label in named)
    assert saved(store) == {"a": A, "__default__": "a"} and done.out == ""


@pytest.mark.parametrize(
    "args, reason",
    [
        (("--set-default",), "cld config -d NAME"),
        (("--set-default", "-ls"), "cld config -d NAME"),
        (("--force",), "-f/--force goes with"),
        (("-f", "-rm", "a"), "-f/--force goes with"),
        (("-d", ""), "the name is empty"),
        (("-rm", ""), "the name is empty"),
        (("-s", ""), "the name is empty"),
        (("-r", ""), "the name is empty"),
        (("-url", ""), "Expected cloudinary://"),
        (("a",), "unexpected extra argument"),
        (("-d", "nope"), "no saved configuration is named 'nope'. See: cld config -ls"),
        (("-s", "nope"), "no saved configuration is named 'nope'"),
        (("-r", "nope"), "no saved configuration is named 'nope'"),
        (("-rm", "nope"), "no saved configuration is named 'nope'"),
        (("-rm", "__default__"), "no saved configuration is named '__default__'"),
        (("-d", "__default__"), "no saved configuration is named '__default__'"),
        (("-s", "__default__"), "no saved configuration is named '__default__'"),
        (("-r", "__default__"), "no saved configuration is named '__default__'"),
    ],
)
def test_usage_errors(invoke: Run, store: ConfigStore, args: Any, reason: str) -> None:
    store.save({"a": A, "__default__": "a"})
    done = invoke("config", *args)
    assert done.code == 1 and done.out == "" and "Error: " in done.err and reason in done.err
    assert saved(store) == {"a": A, "__default__": "a"}


# -- the default, removal


def test_default_and_unset(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": A, "b": B})
    assert invoke("config", "-d", "b").err == "'b' is the default now.\n"
    assert saved(store)["__default__"] == "b"
    assert json.loads(invoke("config", "-d", "a", "--json").out) == {"name": "a", "outcome": "default_set"}
    assert invoke("config", "-ud").err == "The default is unset.\n"
    done = invoke("config", "-ud")
    assert (done.code, done.err) == (0, "No default was set.\n")
    assert json.loads(invoke("config", "-ud", "-j").out) == {"name": None, "outcome": "no_default"}
    assert saved(store) == {"a": A, "b": B}


def test_removal_says_what_became_of_the_default(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": A, "b": B, "c": A, "__default__": "a"})
    assert invoke("config", "-rm", "a").err == "Config 'a' deleted. It was the default; none is set now.\n"
    invoke("config", "-d", "b")
    assert invoke("config", "-rm", "b").err == "Config 'b' deleted. The default is now 'c'.\n"
    assert json.loads(invoke("config", "-rm", "c", "-j").out) == {"name": "c", "outcome": "removed"}
    assert saved(store) == {}


def test_removing_a_login_revokes_it(cld: Run, store: ConfigStore, box: SandboxClient) -> None:
    session = box.save_login(store, "f")
    done = cld("config", "-rm", "f")
    assert done.code == 0 and "Login 'f' revoked and deleted." in done.err
    assert saved(store) == {} and not box.is_refresh_token_alive(session.refresh_token)


def test_a_failed_revocation_is_said_and_the_entry_is_gone(invoke: Run, store: ConfigStore, box: SandboxClient) -> None:
    box.save_login(store, "f")
    box.fault("/oauth2/revoke", times=None, status=500)
    done = invoke("config", "-rm", "f", "--json")
    assert done.code == 1 and json.loads(done.out) == {"name": "f", "outcome": "revoke_failed"}
    assert done.err.startswith("error: ") and saved(store) == {}


# -- listing and details


def test_list_and_active(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": A, "b": B, "__default__": "b"})
    assert invoke("config", "-ls").out == (
        "NAME  CLOUD  TYPE     DEFAULT  ACTIVE\na     a      api_key\nb     b      api_key  *        *\n"
    )
    rows = json.loads(invoke("-C", "a", "config", "-ls", "-j", env={"CLOUDINARY_URL": A}).out)
    assert [(row["name"], row["default"], row["active"]) for row in rows] == [
        ("(environment)", False, False),
        ("a", False, True),
        ("b", True, False),
    ]
    done = invoke("-c", "cloudinary://k:TOPSECRET@u", "config", "-ls")
    assert done.out.split("\n")[1].startswith("(command-line)  u") and "TOPSECRET" not in done.text


def test_bare_view_equals_show_of_the_active_one(invoke: Run, store: ConfigStore) -> None:
    store.save(
        {
            "a": "cloudinary://key:0123456789abcdefWXYZ@Acloud/dist.example.com?upload_prefix=http://h",
            "__default__": "a",
        }
    )
    shown = invoke("config")
    assert shown.out.split("\n") == [
        "name: a (api_key) [default, active]",
        "",
        "signature_version:   2",
        "cloud_name:          Acloud",
        "api_key:             key",
        "api_secret:          ****WXYZ",
        "private_cdn:         True",
        "secure_distribution: dist.example.com",
        "upload_prefix:       http://h",
        "",
    ]
    assert shown.out == invoke("config", "-s", "a").out
    as_json = invoke("config", "-j").out
    assert as_json == invoke("config", "-s", "a", "--json").out
    assert json.loads(as_json) == {
        "name": "a",
        "source": "saved",
        "type": "api_key",
        "default": True,
        "active": True,
        "signature_version": 2,
        "cloud_name": "Acloud",
        "api_key": "key",
        "api_secret": "****WXYZ",
        "private_cdn": True,
        "secure_distribution": "dist.example.com",
        "upload_prefix": "http://h",
    }
    assert list(json.loads(as_json))[:5] == ["name", "source", "type", "default", "active"]


def test_a_query_key_does_not_replace_the_header(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": A + "?name=evil&active=evil&type=evil"})
    shown = json.loads(invoke("config", "-s", "a", "-j").out)
    assert (shown["name"], shown["active"], shown["type"]) == ("a", False, "api_key")


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_no_secret_of_the_environment_or_the_command_line_is_shown(invoke: Run, args: Any) -> None:
    env = {
        "CLOUDINARY_CLOUD_NAME": "zz",
        "CLOUDINARY_API_KEY": "k",
        "CLOUDINARY_API_SECRET": "TOPSECRET",
        "CLOUDINARY_PROVISIONING_API_SECRET": "TOPSECRET",
        "CLOUDINARY_ACCOUNT_URL": "account://pk:TOPSECRET@acc",
        "CLOUDINARY_API_PROXY": "http://u:TOPSECRET@proxy:1",
    }
    done = invoke("config", *args, env=env)
    assert done.code == 0 and "TOPSECRET" not in done.text and "http://u:****@proxy:1" in done.out and "acc" in done.out
    done = invoke("-c", "cloudinary://k:TOPSECRET@inl?auth_token[key]=TOPSECRET", "config", *args)
    assert done.code == 0 and "(command-line)" in done.out and "TOPSECRET" not in done.text and "****" in done.out


def test_a_time_out_of_range_breaks_no_view(invoke: Run, store: ConfigStore) -> None:
    store.save({"big": "cloudinary://c?oauth_token=t&refresh_token=r&expires_at=99999999999999999&issued_at=zzz"})
    done = invoke("config", "-s", "big")
    assert done.code == 0 and "99999999999999999 (out of range)" in done.out and done.err == ""
    assert json.loads(invoke("config", "-s", "big", "-j").out)["expires_at"]["utc"] is None


def test_views_never_refresh(invoke: Run, store: ConfigStore, box: SandboxClient) -> None:
    box.save_login(store, "f")
    store.set_default("f")
    box.reset()
    for args in ((), ("-j",), ("-s", "f"), ("-ls",)):
        assert invoke("config", *args).code == 0
    assert box.requests("/oauth2") == [] and "expired" in invoke("config").out


def test_names_with_escapes_are_harmless(invoke: Run, store: ConfigStore) -> None:
    name = "\x1b[31mred\nforged: line"
    store.save({name: A, "__default__": name})
    for args in (("-ls",), (), ("-d", name), ("-r",), ("-s", "\x1b[1m"), ("-rm", "\x1b[1m"), ("-rm", name)):
        done = invoke("config", *args)
        assert "\x1b" not in done.text and "\nforged" not in done.text
    assert saved(store) == {}


def test_a_claimable_cloud(invoke: Run, store: ConfigStore) -> None:
    store.save({"t": A + "?claim_url=https%3A%2F%2Fx%2Fc%3Ftoken%3DT&expires_at=2099-01-01T00:00:00Z"})
    shown = invoke("config", "-s", "t").out
    assert shown.startswith("name: t (api_key) [unclaimed, expires in ") and "https://x/c?token=T" in shown
    assert "cld agent cloud claim t" in shown and "2099-01-01T00:00:00Z (expires in " in shown
    row = json.loads(invoke("config", "-s", "t", "-j").out)
    assert row["claimable_cloud"] is True and row["expired"] is False and row["expires_at"] == "2099-01-01T00:00:00Z"
    assert "1 Claimable Cloud" in invoke("config", "-ls").out


# -- refreshing


def test_refresh_of_the_active_login(cld: Run, store: ConfigStore, box: SandboxClient) -> None:
    box.save_login(store, "f")
    store.set_default("f")
    before = saved(store)["f"]
    done = cld("config", "-r")
    assert (done.code, done.out, done.err) == (0, "", "The token of 'f' was refreshed.\n")
    assert saved(store)["f"] != before
    done = cld("config", "-r", "f")
    assert done.code == 0 and "still fresh" in done.err and "--force" in done.err
    assert json.loads(cld("config", "-r", "f", "-f", "--json").out) == {"name": "f", "outcome": "refreshed"}
    assert box.stats["refresh_exchanges"] == 2


def test_refresh_without_a_saved_active_one_is_a_usage_error(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": A})
    for extra in ((), ("-c", B)):
        done = invoke(*extra, "config", "-r")
        assert done.code == 1 and "cld config -r NAME" in done.err


@pytest.mark.parametrize("entry", [A, "garbage", 1])
def test_refresh_of_what_is_no_login(invoke: Run, store: ConfigStore, entry: Any) -> None:
    store.save({"a": entry})
    done = invoke("config", "-r", "a", "-j")
    assert (done.code, json.loads(done.out)) == (0, {"name": "a", "outcome": "not_oauth"})


def test_a_failed_refresh_says_how_to_log_in_again(invoke: Run, store: ConfigStore, box: SandboxClient) -> None:
    session = box.save_login(store, "f", region="api-eu")
    assert not box.is_refresh_token_alive("nonsense") and session.refresh_token
    box.fault(status=400, body={"error": "invalid_grant"}, times=None)
    done = invoke("config", "-r", "f")
    assert done.code == 1 and done.out == "" and done.err.startswith("error: ")
    assert done.err.count("cld login f --region api-eu") == 1
    assert session.refresh_token not in done.text


def test_a_login_without_refresh_token_fails(invoke: Run, store: ConfigStore) -> None:
    store.save({"f": "cloudinary://c?oauth_token=t&refresh_token=&expires_at=1&region=api"})
    done = invoke("config", "-r", "f", "--json")
    assert done.code == 1 and json.loads(done.out)["outcome"] == "failed" and "cld login f" in done.err


def test_refresh_all(cld: Run, store: ConfigStore, box: SandboxClient) -> None:
    store.save({"z": A, "dead": "cloudinary://c?oauth_token=t&refresh_token=&expires_at=1&region=api-eu"})
    box.save_login(store, "stale")
    box.save_login(store, "fresh", stale=False)
    done = cld("config", "-ra", "--json")
    assert done.code == 1 and "cld login dead --region api-eu" in done.err
    assert json.loads(done.out) == [
        {"name": "dead", "outcome": "failed"},
        {"name": "stale", "outcome": "refreshed"},
        {"name": "fresh", "outcome": "fresh"},
    ]
    assert cld("config", "-rm", "dead").code == 0
    done = cld("config", "-ra", "--force")
    assert (done.code, done.out, done.err) == (0, "", "stale: refreshed\nfresh: refreshed\n")


def test_refresh_all_with_no_login(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": A})
    done = invoke("config", "-ra")
    assert done.code == 0 and "cld login" in done.err
    assert invoke("config", "-ra", "-j").out == "[]\n"


# -- a damaged file


def test_a_bad_default_does_not_lock_the_user_out(invoke: Run, store: ConfigStore) -> None:
    store.save({"a": "garbage", "b": B, "__default__": "a"})
    done = invoke("config")
    assert done.code == 1 and done.err.count("\n") == 1 and "cld config -rm a" in done.err
    done = invoke("config", "-ls")
    assert done.code == 0 and "'a' is unusable" in done.err and "b     b      api_key" in done.out
    assert invoke("config", "-s", "b").code == 0
    assert invoke("config", "-ud").code == 0
    store.set_default("a")
    assert invoke("config", "-rm", "a").code == 0
    assert saved(store) == {"b": B, "__default__": "b"}


@pytest.mark.parametrize("entry", [1, None, {"x": 1}, [], "garbage", "cloudinary://"])
def test_one_malformed_entry_breaks_only_itself(invoke: Run, store: ConfigStore, entry: Any) -> None:
    store.save({"bad": entry, "b": B})
    rows = json.loads(invoke("config", "-ls", "-j").out)
    assert [(row["name"], row["cloud_name"], row["type"]) for row in rows] == [
        ("bad", "", "api_key"),
        ("b", "b", "api_key"),
    ]
    for args in (("-s", "bad"), ("-s", "bad", "--json")):
        done = invoke("config", *args)
        assert done.code == 1 and done.out == "" and done.err.count("\n") == 1 and "'bad' is unusable" in done.err
    assert invoke("config", "-d", "b").code == 0
    assert invoke("config", "-rm", "bad").code == 0
    assert saved(store) == {"b": B, "__default__": "b"}


@pytest.mark.parametrize("data", [b"{", b" ", b"", b"\xff", b"[]", b'"x"', b"null"])
def test_a_corrupt_file_is_named_and_help_works(invoke: Run, config_json: Path, data: bytes) -> None:
    config_json.write_bytes(data)
    for args in (("-ls",), (), ("-ud",), ("-rm", "a"), ("-s", "a"), ("-ra",)):
        done = invoke("config", *args)
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
        assert done.err.startswith(f"error: {config_json} ")
    assert invoke("config", "--help").code == 0 and invoke("login", "-h").code == 0
    assert invoke("-c", A, "config", "-ls").code == 1
    assert config_json.read_bytes() == data


def test_a_byte_order_mark_is_read_with_a_warning(cld: Run, config_json: Path) -> None:
    config_json.write_bytes(b"\xef\xbb\xbf" + json.dumps({"a": A}).encode())
    done = cld("config", "-ls")
    assert done.code == 0 and "a     a      api_key" in done.out
    assert done.err == f"warning: {config_json} starts with a byte order mark. Save it as UTF-8 without BOM.\n"
    done = cld("config", "-d", "a")
    assert done.code == 1 and "byte order mark" in done.err and config_json.read_bytes().startswith(b"\xef\xbb\xbf")


@posix
def test_a_held_lock_is_an_error_with_its_own_code(invoke: Run, store: ConfigStore, config_json: Path) -> None:
    import fcntl

    from cloudinary_cli.config.current import current_store

    store.save({"a": A})
    current_store().lock_timeout = 0.2  # the store of this test's home; the default is 10 s
    with open(f"{config_json}.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert invoke("config", "-ls").code == 0, "reading needs no lock"
        done = invoke("config", "-d", "a")
    assert done.code == 75 and f"{config_json} is locked by another process" in done.err and done.err.count("\n") == 1
    assert invoke("config", "-d", "a").code == 0


def test_many_commands_at_once_lose_nothing(store: ConfigStore, url: str) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "config", "-n", f"c{number}", url], stderr=subprocess.DEVNULL
        )
        for number in range(12)
    ]
    assert [process.wait(60) for process in running] == [0] * 12
    assert sorted(saved(store)) == sorted(["__default__", *(f"c{number}" for number in range(12))])
