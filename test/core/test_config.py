"""`cld config` as a user meets it: real processes or main(), a real sandbox for pings, refreshes and revocations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.cld_config import A, B, Run, posix, saved
from test.support.sandbox_client import SandboxClient

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

    from cloudinary_cli.config.store import ConfigStore

    store.save({"a": A})
    ConfigStore().lock_timeout = 0.2  # the store of this test's home; the default is 10 s
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
