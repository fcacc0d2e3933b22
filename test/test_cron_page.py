"""The units and the cron line of docs/cron.md, as systemd and a shell read them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from cloudinary_cli.auth import flow
from cloudinary_cli.config.store import ConfigStore
from test.conftest import REPO
from test.support.commands import Cld, posix
from test.support.sandbox_client import SandboxClient

PAGE = (REPO / "docs" / "cron.md").read_text(encoding="utf-8")


def units() -> Dict[str, str]:
    """The unit files of the page by their names."""
    return dict(re.findall(r"^`~/\.config/systemd/user/([\w.-]+)`:\n\n```ini\n(.*?)^```", PAGE, re.M | re.S))


@pytest.fixture
def user_home(tmp_path: Path) -> Path:
    """The user's home, with `cld` where the page expects it."""
    program = tmp_path / "user" / ".local" / "bin" / "cld"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cloudinary_cli "$@"\n')
    program.chmod(0o755)
    return tmp_path / "user"


def test_the_page_has_a_service_and_its_timer() -> None:
    assert list(units()) == ["cld-refresh.service", "cld-refresh.timer"]
    assert "--json" in units()["cld-refresh.service"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
@pytest.mark.parametrize("broken", [False, True])
def test_systemd_accepts_the_units(user_home: Path, tmp_path: Path, broken: bool) -> None:
    paths = []
    for name, text in units().items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text.replace("OnCalendar=weekly", "OnCalendar=sometimes") if broken else text)
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    env = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "HOME": str(user_home)}
    command = ["systemd-analyze", "--user", "--man=no", "verify", *map(str, paths)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert ("sometimes" in done.stderr) is broken, done.stderr
    assert broken or (done.returncode == 0 and "cld" not in done.stderr), done.stderr


@posix
def test_the_cron_line_is_silent_until_a_login_is_refused(
    user_home: Path, box: SandboxClient, store: ConfigStore
) -> None:
    (line,) = re.findall(r"^```cron\n(.*?)\n```", PAGE, re.M | re.S)
    fields = line.split(None, 5)
    assert all(re.match(r"[\d*/,-]+\Z", field) for field in fields[:5]) and "%" not in fields[5]
    env = {**os.environ, "HOME": str(user_home)}

    def run() -> Any:
        return subprocess.run(["sh", "-c", fields[5]], env=env, capture_output=True, text=True, timeout=60)

    session = box.save_login(store)
    done = run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    session = box.save_login(store)
    flow.revoke(session.refresh_token or "", "api", base_url=box.url)
    done = run()
    assert done.returncode == 1 and done.stdout == "" and "cld login box" in done.stderr


def test_the_documented_members_are_those_that_are_printed(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    (row,) = json.loads(cld("config", "-ra", "--json").out)
    table = PAGE.split("## What it prints", 1)[1].split("## ", 1)[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == list(row)
