"""`cld config`, `-ls` and `-s`: the list and the details of configurations."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.cld_config import A, B, Run, saved
from test.support.sandbox_client import SandboxClient

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


def test_the_list_takes_no_lock_and_uses_no_network(cld: Run, store: ConfigStore, box: SandboxClient) -> None:
    box.save_login(store, "f")
    box.reset()
    with store.lock():
        assert cld("config", "-ls", timeout=20).code == 0
    assert box.requests("/") == []


def test_a_login_that_was_not_used_for_long_is_warned_about(cld: Run, store: ConfigStore, box: SandboxClient) -> None:
    box.save_login(store, "old", issued_at=int(time.time()) - 80 * 86400)
    box.save_login(store, "new")
    for command in (["config", "-ls", "--json"], ["-C", "old", "whoami", "--json"]):
        done = cld(*command)
        assert done.code == 0 and json.loads(done.out)
        assert done.err.startswith("warning: 'old': not used for long") and done.err.count("\n") == 1
        assert done.err.endswith("Renew now: cld config -r old\n")
    assert cld("config", "-r", "old").code == 0
    assert cld("config", "-ls").err == ""
