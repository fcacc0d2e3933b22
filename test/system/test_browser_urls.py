"""Browser programs receive an ASCII web URL, and never as part of a command that an interpreter parses."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from cloudinary_cli.system.browser import open_browser

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs are scripts")

Program = Callable[[str], "Recorder"]
WSL = {"WSL_DISTRO_NAME": "Debian"}
HOSTILE = "https://h/a?b=\u2018;calc;\u2019\u201a$(calc)\u201b`calc`'\"&c=1 2\x1b\n"


class Recorder:
    """A program that records its arguments and environment."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"#!{sys.executable}\nimport json, os, sys\n"
            f"with open({self.path!r} + '.log', 'a') as log: log.write(json.dumps([sys.argv[1:], dict(os.environ)]) + '\\n')\n"
        )
        path.chmod(0o755)

    @property
    def calls(self) -> List[Any]:
        log = Path(self.path + ".log")
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes a program of that name, the only kind that is found."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return lambda name: Recorder(tmp_path / "bin" / name)


def test_powershell_never_gets_the_url_as_part_of_its_command(program: Program) -> None:
    powershell = program("powershell.exe")
    assert open_browser(HOSTILE, WSL)
    ((arguments, environment),) = powershell.calls
    assert arguments == ["-NoProfile", "-NonInteractive", "-Command", "Start-Process $env:CLD_BROWSER_URL"]
    assert environment["CLD_BROWSER_URL"] == (
        "https://h/a?b=%E2%80%98%3Bcalc%3B%E2%80%99%E2%80%9A%24%28calc%29%E2%80%9B%60calc%60%27%22&c=1%202%1B%0A"
    )
    assert environment["WSLENV"].split(":")[-1] == "CLD_BROWSER_URL/w", "WSL hands over only what WSLENV names"


def test_the_variables_that_wsl_shares_already_stay_shared(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    powershell = program("powershell.exe")
    monkeypatch.setenv("WSLENV", "MINE/p")
    assert open_browser("https://h/", WSL)
    assert powershell.calls[0][1]["WSLENV"] == "MINE/p:CLD_BROWSER_URL/w"


def test_wslview_gets_a_url_without_quotes_and_dollar_signs(program: Program) -> None:
    wslview = program("wslview")
    assert open_browser(HOSTILE, WSL)
    ((arguments, _),) = wslview.calls
    assert len(arguments) == 1 and arguments[0].isascii() and not set(arguments[0]) & set("'\"`$;() ")


@pytest.mark.parametrize("setting", ["{}", "{} %s", "{} --new-tab"])
def test_every_browser_gets_an_ascii_url(program: Program, setting: str) -> None:
    browser = program("firefox")
    assert open_browser("https://h/\u00e9\u202e\ud800 x?y=%41&z='#f", {"BROWSER": setting.format(browser.path)})
    assert browser.calls[0][0][-1] == "https://h/%C3%A9%E2%80%AE%ED%A0%80%20x?y=%41&z='#f"


@pytest.mark.parametrize(
    "url",
    ["--new-window", "-h", "file:///etc/passwd", "javascript:alert(1)", "ms-settings:", "https:///x", "https://[", ""],
)
def test_anything_but_a_web_url_is_not_opened(program: Program, url: str) -> None:
    browser, powershell = program("firefox"), program("powershell.exe")
    assert not open_browser(url, {"BROWSER": browser.path})
    assert not open_browser(url, WSL)
    assert browser.calls == powershell.calls == []


@pytest.mark.parametrize(
    "words",
    ["cmd.exe /c start", "cmd /c start %s", "powershell.exe -Command Start-Process %s", "sh -c 'x %s'", "pwsh -c"],
)
def test_a_command_interpreter_gets_only_a_url_without_special_characters(program: Program, words: str) -> None:
    name, _, rest = words.partition(" ")
    browser = program(name)
    setting: Dict[str, str] = {"BROWSER": f"{browser.path} {rest}"}
    for url in ("https://h/a?b=1&calc.exe", "https://h/%PATH%", "https://h/;id", "https://h/$(id)", "https://h/'"):
        assert not open_browser(url, setting)
    assert browser.calls == []
    assert open_browser("http://127.0.0.1:49421/login/a-Z_9", setting)
    assert "http://127.0.0.1:49421/login/a-Z_9" in browser.calls[0][0][-1]


def test_a_shell_script_that_takes_the_url_as_a_parameter_gets_any_url(program: Program) -> None:
    shell = program("sh")
    assert open_browser("https://h/?a=1&b=2", {"BROWSER": f"{shell.path} -c 'exec x \"$0\"' %s"})
    assert shell.calls[0][0][-1] == "https://h/?a=1&b=2"
