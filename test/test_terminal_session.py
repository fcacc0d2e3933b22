"""One working day at a real terminal, end to end: login by paste, completion after -C, the logout picker, Ctrl-C."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.ports import free_port
from test.support.sandbox_client import SandboxClient, redirect_of
from test.support.terminal import Terminal

pytestmark = pytest.mark.skipif(not shutil.which("bash") or os.name == "nt", reason="needs bash at a pseudo-terminal")


def test_a_session_in_bash(box: SandboxClient, home: Path, tmp_path: Path, store: ConfigStore) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "cld").write_text(f'#!/bin/sh\nexec {sys.executable} -m cloudinary_cli "$@"\n')
    (tools / "cld").chmod(0o755)
    env = {
        **box.server.environment(home),
        "CLOUDINARY_URL": "",
        "CLOUDINARY_NO_BROWSER": "1",
        "CLOUDINARY_OAUTH_REDIRECT_PORT": str(free_port()),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "INPUTRC": "/dev/null",
        "PS1": "ready> ",
    }
    with Terminal(["bash", "--norc", "--noprofile"], env) as terminal:
        terminal.expect("ready> ")

        # login by paste, a wrong one first
        for name in ("alpha", "beta"):
            terminal.type(f"cld login {name}")
            shown = terminal.expect("paste that address here")
            url = next(line for line in shown.splitlines() if line.startswith(box.url))
            terminal.type("http://127.0.0.1/wrong")
            terminal.expect("That is another address")
            terminal.type(redirect_of(url))
            terminal.expect(f"Saved as '{name}'")
            terminal.expect("ready> ")

        # completion after -C
        terminal.type('eval "$(cld completion bash)"')
        terminal.expect("ready> ")
        terminal.press("cld -C be\t")
        terminal.expect("cld -C beta")
        terminal.type("whoami")
        assert "warning" not in terminal.expect("state:  valid")
        terminal.expect("ready> ")

        # Ctrl-C at a login
        terminal.type("cld login gamma; echo status=$?")
        terminal.expect("paste that address here")
        terminal.press("\x03")
        terminal.expect("Interrupted.")
        terminal.expect("ready> ")

        # the picker: Ctrl-C, then a choice
        terminal.type("cld logout")
        terminal.expect("2. beta")
        terminal.expect("Enter cancels]: ")
        terminal.press("\x03")
        terminal.expect("Interrupted.")
        terminal.expect("ready> ")
        terminal.type("echo status=$?")
        terminal.expect("status=130")
        terminal.type("cld logout")
        terminal.expect("Enter cancels]: ")
        terminal.type("1")
        terminal.expect("'alpha' was revoked and removed")
        terminal.expect("ready> ")
        terminal.type("exit")
        assert terminal.wait() == 0
    assert sorted(store.load_fresh()) == ["beta"] or sorted(store.load_fresh()) == ["__default__", "beta"]
    assert box.stats["revocations"] == 1
