"""The inventory: rows, their order, the table, the JSON; one bad entry, hostile names, Claimable Clouds, 10,000 entries."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any, Dict, List, Mapping, Optional

import pytest

from cloudinary_cli.config.inventory import ConfigRow, inventory
from cloudinary_cli.config.inventory_table import render_config_table
from cloudinary_cli.config.resolver import Selection, resolve
from cloudinary_cli.utils import config_listing, config_resolver, config_utils

NOW = 1_795_480_000
A, B = "cloudinary://k:s@a", "cloudinary://k:s@b"
LOGIN = "cloudinary://c?oauth_token=t&refresh_token=r&expires_at=1"


def rows(
    cfg: Mapping[str, Any], selection: Optional[Selection] = None, environ: Optional[Dict[str, str]] = None
) -> List[ConfigRow]:
    environ = environ or {}
    return inventory(cfg, resolve(selection or Selection(), cfg, environ), environ, NOW)


def claimable(expires_at: str) -> str:
    return f"cloudinary://k:s@t?claim_url=https%3A%2F%2Fx%2Fclaim%3Ftoken%3DT&expires_at={expires_at}"


def test_order_command_line_environment_then_file_order() -> None:
    cfg = {"z": A, "__default__": "a", "a": LOGIN, "__other__": "x"}
    environ = {"CLOUDINARY_URL": "cloudinary://k:s@e"}
    found = rows(cfg, Selection(config="cloudinary://k:s@u"), environ)
    assert [(row.name, row.source.value, row.type, row.default, row.active) for row in found] == [
        ("(command-line)", "url", "api_key", False, True),
        ("(environment)", "env", "api_key", False, False),
        ("z", "saved", "api_key", False, False),
        ("a", "saved", "oauth", True, False),
    ]
    assert [row.name for row in rows(cfg, None, environ) if row.active] == ["a"], "the default beats the environment"
    assert [row.name for row in rows({"z": A}, None, environ) if row.active] == ["(environment)"]
    assert [row.name for row in rows(cfg, Selection(config_saved="z")) if row.active] == ["z"]
    assert [row.name for row in rows({"z": A}, None, {"CLOUDINARY_URL": "http://x"})] == ["z"]
    assert rows({}) == []


def test_table() -> None:
    found = rows({"a": A, "long-name": LOGIN, "__default__": "long-name"})
    assert render_config_table(found).split("\n") == [
        "NAME       CLOUD  TYPE     DEFAULT  ACTIVE  STATE        EXPIRES IN",
        "a          a      api_key",
        "long-name  c      oauth    *        *       refreshable",
    ]


def test_table_with_an_email_and_a_claimable_cloud() -> None:
    found = rows({"a": A + "?account_email=me@x.org", "t": claimable("2026-11-24T08:26:40Z"), "b": B})
    assert render_config_table(found).split("\n") == [
        "NAME  CLOUD  TYPE     DEFAULT  ACTIVE  EMAIL     STATUS",
        "a     a      api_key                   me@x.org",
        "t     t      api_key                             unclaimed, expires in 8h",
        "b     b      api_key",
        "",
        "1 Claimable Cloud is not claimed yet, and will be deleted on expiry.",
        "Claim with: cld agent cloud claim [NAME]",
    ]


@pytest.mark.parametrize(
    "expires_at, status, expired, footer",
    [
        ("2026-11-24T00:26:39Z", "unclaimed, expired", True, False),
        ("2026-11-24T00:26:50Z", "unclaimed, expires in 1m", False, True),
        ("2026-11-27T00:26:40Z", "unclaimed, expires in 3d", False, True),
        ("", "unclaimed", None, True),
        ("soon", "unclaimed", None, True),
        ("99999999999999999", "unclaimed", None, True),
    ],
)
def test_claim_status(expires_at: str, status: str, expired: Optional[bool], footer: bool) -> None:
    (row,) = rows({"t": claimable(expires_at)})
    assert row.as_json() == {
        "name": "t",
        "cloud_name": "t",
        "type": "api_key",
        "source": "saved",
        "default": False,
        "active": False,
        "status": status,
        "expires_at": expires_at or None,
        "claimable_cloud": True,
        "expired": expired,
    }
    assert ("cld agent cloud claim" in render_config_table([row])) is footer
    assert row.meta()["claimable_cloud"] is True and row.meta()["expired"] is expired


def test_json_of_a_plain_row_has_no_other_keys() -> None:
    (row,) = rows({"a": A})
    assert list(row.as_json()) == ["name", "cloud_name", "type", "source", "default", "active"]
    (row,) = rows({"a": A + "?account_email=e"})
    assert list(row.as_json()) == ["name", "cloud_name", "type", "source", "default", "active", "email"]


def test_bad_entries_are_rows_with_an_empty_cloud() -> None:
    bad = {"n": 1, "o": {"x": 1}, "u": None, "g": "garbage", "l": [], "__default__": "g"}
    found = rows({**bad, "a": A})
    assert [(row.name, row.cloud_name, row.type) for row in found[:-1]] == [(n, "", "api_key") for n in "nougl"]
    assert found[-1].cloud_name == "a"
    assert [row.name for row in found if row.active and row.default] == ["g"]
    assert "NAME" in render_config_table(found)


def test_no_secret_is_in_any_row() -> None:
    secret = "TOPSECRET0123456789"
    urls = [f"cloudinary://k:{secret}@c?x={secret}", f"cloudinary://c?oauth_token={secret}&refresh_token={secret}"]
    found = rows({str(number): url for number, url in enumerate(urls)}, Selection(config=urls[0]))
    assert secret not in repr(found) + render_config_table(found) + json.dumps([row.as_json() for row in found])


def test_control_characters_in_names_are_escaped_in_the_table_and_kept_in_json() -> None:
    name = "\x1b[31mred\nforged  cloud  api_key\u202e"
    found = rows({name: "cloudinary://k:s@c\x9b?account_email=%1b[2J"})
    table = render_config_table(found)
    assert table.count("\n") == 1 and all(c.isprintable() for c in table.replace("\n", ""))
    assert "\\x1b[31mred\\nforged" in table
    assert found[0].as_json()["name"] == name
    assert "\x1b" not in found[0].header()


@pytest.mark.parametrize(
    "cfg, header",
    [
        ({"a": A}, "name: a (api_key)"),
        ({"a": A, "__default__": "a"}, "name: a (api_key) [default, active]"),
        ({"a": LOGIN}, "name: a (oauth)"),
    ],
)
def test_header(cfg: Dict[str, str], header: str) -> None:
    assert rows(cfg)[-1].header() == header


def test_header_of_a_claimable_cloud_says_what_to_do() -> None:
    (live,) = rows({"t": claimable("2026-11-24T08:26:40Z")})
    first, blank, explained, advice = live.header().split("\n")
    assert (first, blank) == ("name: t (api_key) [unclaimed, expires in 8h]", "")
    assert "Claimable Cloud" in explained and advice.endswith("cld agent cloud claim t")
    (dead,) = rows({"t": claimable("2020-11-24T08:26:40Z")})
    assert dead.header().endswith("cld config -rm t")
    (live,) = rows({"a b": claimable("2026-11-24T08:26:40Z")})
    assert live.header().endswith("cld agent cloud claim 'a b'"), "it can be pasted"


def test_functions_for_this_process() -> None:
    config_utils.update_config({"a": A, "b": LOGIN})
    config_utils.set_default_config("b")
    config_resolver.resolve_cli_config(None, None)
    assert [row.name for row in config_listing.list_configs()] == ["a", "b"]
    active = {"name": "b", "source": "saved", "type": "oauth", "default": True, "active": True}
    assert config_listing.active_config_meta() == active
    assert config_listing.config_meta("b", config_utils.load_config()) == active
    assert config_listing.config_meta("a", config_utils.load_config(), {"oauth_token": "x"})["type"] == "oauth"
    config_resolver.resolve_cli_config("cloudinary://k:s@u", None)
    assert config_listing.active_config_meta({"api_key": "k"}) == {
        "name": config_listing.SYNTHETIC_NAMES["url"],
        "source": "url",
        "type": "api_key",
        "default": False,
        "active": True,
    }


def test_ten_thousand_entries_are_listed_in_a_moment() -> None:
    cfg = {f"n{i}": f"cloudinary://c{i}?oauth_token={'e' * 700}&refresh_token=r&expires_at=1" for i in range(10_000)}
    started = time.process_time()
    found = rows(cfg)
    assert len(render_config_table(found).split("\n")) == 10_001
    assert len(json.dumps([row.as_json() for row in found])) > 10_000
    # Measured at 0.3 s; a quadratic step would take minutes.
    assert time.process_time() - started < 10


def test_listing_imports_no_sdk_and_nothing_of_the_network() -> None:
    code = "import sys, cloudinary_cli.config.inventory as m; print(sorted({'cloudinary','requests','ssl','filelock'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
