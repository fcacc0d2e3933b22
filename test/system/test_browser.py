"""The variable BROWSER: its entries, their arguments and order; and the programs of WSL. Real processes."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Callable, List

import pytest

from cloudinary_cli.system.browser import browser_commands, open_browser

URL = "https://example.com/a?b=%41&c='d'"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs are scripts")


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., str]:
    """A program that records its arguments. With `until`, it runs until that file exists."""

    def make(name: str, status: int = 0, until: str = "") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"#!{sys.executable}\nimport json, os, sys, time\nprint('noise')\n"
            f"with open({str(path)!r} + '.log', 'a') as log: log.write(json.dumps(sys.argv[1:]) + '\\n')\n"
            f"while {until!r} and not os.path.exists({until!r}): time.sleep(0.05)\n"
            f"open({str(path)!r} + '.done', 'w').close()\nsys.exit({status})\n"
        )
        path.chmod(0o755)
        return str(path)

    return make


def calls(path: str) -> List[List[str]]:
    import json

    log = Path(path + ".log")
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize(
    "setting, words",
    [
        ("firefox", ["firefox", "U"]),
        ("firefox -P work", ["firefox", "-P", "work", "U"]),
        ("open -a 'Google Chrome' %s", ["open", "-a", "Google Chrome", "U"]),
        ("x --url=%s --ratio=50%% &", ["x", "--url=U", "--ratio=50%"]),
    ],
)
def test_arguments(setting: str, words: List[str]) -> None:
    assert browser_commands(setting, ":")[0].for_url("U") == words


def test_entries_are_tried_in_order(program: Callable[..., str]) -> None:
    bad, good, never = program("bad", 1), program("good"), program("never")
    setting = os.pathsep.join(["/nonexistent/x", bad, f"{shlex.quote(good)} --profile 'my own' %s", never])
    assert open_browser(URL, {"BROWSER": setting})
    assert calls(bad) == [[URL]] and calls(good) == [["--profile", "my own", URL]] and calls(never) == []


def test_browser_is_read_at_call_time(program: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = program("one"), program("two")
    for path in (one, two):
        monkeypatch.setenv("BROWSER", path)
        assert open_browser(URL)
    assert (calls(one), calls(two)) == ([[URL]], [[URL]])


def test_a_path_with_blanks_needs_no_quotes(program: Callable[..., str]) -> None:
    path = program("My Browser")
    assert open_browser(URL, {"BROWSER": path}) and calls(path) == [[URL]]


def test_nothing_else_is_opened_when_the_choice_fails(program: Callable[..., str], tmp_path: Path) -> None:
    assert not open_browser(URL, {"BROWSER": program("bad", 3), "WSL_DISTRO_NAME": "Debian"})
    assert not open_browser(URL, {"BROWSER": "'open quote"})


def test_a_browser_that_stays_open_counts_as_opened(program: Callable[..., str], tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    path = program("stays", 1, until=str(closed))
    assert open_browser(URL, {"BROWSER": path})
    assert open_browser(URL, {"BROWSER": f"{path} %s &"})
    assert not os.path.exists(f"{path}.done"), "it was not waited for"
    closed.touch()


def test_a_browsers_noise_stays_out_of_stdout(program: Callable[..., str], capfd: pytest.CaptureFixture[str]) -> None:
    assert open_browser(URL, {"BROWSER": f"{program('loud')} %s"})
    captured = capfd.readouterr()
    assert captured.out == "" and "noise" in captured.err


def test_wsl_opens_in_windows(program: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    powershell = program("bin/powershell.exe")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    wsl = {"WSL_DISTRO_NAME": "Debian"}
    assert open_browser(URL, wsl)
    assert calls(powershell) == [["-NoProfile", "-NonInteractive", "-Command", "Start-Process $env:CLD_BROWSER_URL"]]
    wslview = program("bin/wslview")
    assert open_browser(URL, wsl)
    assert calls(wslview) == [[URL.replace("'", "%27")]] and len(calls(powershell)) == 1
