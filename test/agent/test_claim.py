"""`cld agent cloud list` and `cld agent cloud claim`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable

import pytest

from test.support.agent_responses import SIGNUP, account, cloud, saved
from test.support.terminal import run_in_terminal

Run = Callable[..., Any]
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX terminal")


def claimable(name: str = "cc", expires: str = "2999-01-01T00:00:00Z", url: str = "https://claim.example/t") -> str:
    from urllib.parse import urlencode

    return f"cloudinary://k:s@{name}?" + urlencode({"claim_url": url, "expires_at": expires, "custom": "kept"})


def test_claim_prints_the_url_where_stdout_is_no_terminal(invoke: Run, save: Any) -> None:
    save(plain="cloudinary://k:s@c", one=claimable())
    for args in ([], ["one"], ["--print"], ["one", "--no-open"]):
        done = invoke("agent", "cloud", "claim", *args)
        assert (done.code, done.out, done.err) == (0, "https://claim.example/t\n", "")
    expected = {"cloud_name": "cc", "claim_url": "https://claim.example/t", "expires_at": "2999-01-01T00:00:00Z"}
    assert json.loads(invoke("agent", "cloud", "claim", "--json").out) == expected


@pytest.mark.parametrize(
    "entries", [{}, {"a": "cloudinary://k:s@c"}, {"old": claimable(expires="2001-01-01T00:00:00Z")}]
)
def test_nothing_to_claim_is_an_error(invoke: Run, save: Any, entries: Any) -> None:
    save(**entries)
    for option in ([], ["--json"]):
        done = invoke("agent", "cloud", "claim", *option)
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1) and "No unclaimed cloud is saved" in done.err


def test_claim_by_name_errors_and_warnings(invoke: Run, save: Any) -> None:
    save(plain="cloudinary://k:s@c", old=claimable(expires="978307200"), odd=claimable(expires="soon"))
    done = invoke("agent", "cloud", "claim", "nope")
    assert done.code == 1 and "Config nope does not exist" in done.err
    done = invoke("agent", "cloud", "claim", "plain")
    assert done.code == 1 and "cannot be fetched again" in done.err
    done = invoke("agent", "cloud", "claim", "old")
    assert done.code == 0 and done.out and done.err.startswith("warning: 'old' has expired")
    assert invoke("agent", "cloud", "claim").out, "a cloud whose expiry cannot be read counts as unexpired"


def test_names_in_advice_are_quoted_for_the_shell(agent: Run, server: Any, config_json: Path) -> None:
    server.on("POST", "", cloud())
    done = agent("cloud", "create", "--name", "two words")
    assert "cld -C 'two words' <command>" in done.err and "cld agent cloud claim 'two words'\n" in done.err
    server.on("POST", "", account())
    assert agent(*SIGNUP, "--name", "my own").code == 0
    assert "cld -C 'my own' <command>" in agent(*SIGNUP).err


def test_several_clouds_are_a_menu(cld: Run, save: Any) -> None:
    save(one=claimable("c1", url="https://claim.example/1"), two=claimable("c2", url="https://claim.example/2"))
    done = cld("agent", "cloud", "claim", input="2\n")
    assert (done.code, done.out) == (0, "https://claim.example/2\n") and "1. one (cloud c1)" in done.err
    done = cld("agent", "cloud", "claim", input="\n")
    assert (done.code, done.out) == (0, "") and "Canceled." in done.err
    done = cld("agent", "cloud", "claim")
    assert (done.code, done.out) == (1, "") and "No selection was made." in done.err
    done = cld("agent", "cloud", "claim", input="3\n")
    assert (done.code, done.out) == (1, "") and "Invalid selection" in done.err


@posix
def test_claim_opens_the_page_on_a_terminal(save: Any, tmp_path: Path) -> None:
    save(one=claimable(), bad=claimable(url="file:///etc/passwd"))
    seen = tmp_path / "seen"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >> {seen}\n')
    script.chmod(0o700)
    screen = run_in_terminal(["agent", "cloud", "claim", "one"], env={"BROWSER": str(script)})
    assert screen.code == 0 and "https://claim.example/t" in screen.text and "--done" in screen.text
    assert seen.read_text() == "https://claim.example/t\n"
    screen = run_in_terminal(["agent", "cloud", "claim", "bad"], env={"BROWSER": str(script)})
    assert screen.code == 1 and "not an https URL" in screen.text and seen.read_text().count("\n") == 1
    run_in_terminal(["agent", "cloud", "claim", "one", "--json"], env={"BROWSER": str(script)})
    assert seen.read_text().count("\n") == 1, "--json never opens a browser"


def test_list(invoke: Run, save: Any) -> None:
    assert invoke("agent", "cloud", "list", "--json").out == "[]\n"
    assert invoke("agent", "cloud", "list").out == ""
    save(plain="cloudinary://k:s@c", one=claimable("c1"), old=claimable("c2", "2001-01-01T00:00:00Z"), bad=7)
    rows = json.loads(invoke("agent", "cloud", "list", "--json").out)
    assert [(row["name"], row["cloud_name"], row["expired"]) for row in rows] == [
        ("one", "c1", False),
        ("old", "c2", True),
    ]
    assert rows[0]["claim_url"] == "https://claim.example/t" and rows[0]["status"].startswith("unclaimed, expires in")
    lines = invoke("agent", "cloud", "list").out.splitlines()
    assert "STATUS" in lines[0] and lines[1].startswith("one") and "unclaimed, expired" in lines[2]


def test_a_claimed_cloud_stops_being_shown_as_unclaimed(invoke: Run, save: Any, config_json: Path) -> None:
    save(one=claimable("c1"))
    assert invoke("agent", "cloud", "claim", "one", "--done").code == 0
    assert saved(config_json)["one"] == "cloudinary://k:s@c1?custom=kept"
    assert invoke("agent", "cloud", "list", "--json").out == "[]\n"
    assert "unclaimed" not in invoke("config", "-ls").out
    assert invoke("agent", "cloud", "claim", "one", "--done", "--json").code == 1
