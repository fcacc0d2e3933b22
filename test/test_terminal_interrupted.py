"""Ctrl-C at a real terminal while the program writes to it, also when the terminal takes no more output."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List

import pytest

from test.support.sandbox_client import SandboxClient
from test.support.terminal import Terminal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal")


@pytest.fixture
def env(box: SandboxClient, home: Path, tmp_path: Path) -> Dict[str, str]:
    for number in range(30):
        box.put(f"asset-{number:03}")
    (tmp_path / "d").mkdir()
    for number in range(400):
        (tmp_path / "d" / f"a-file-with-a-long-name-{number:03}.txt").write_text(str(number))
    return box.server.environment(home)


# The sandbox lives longer than a test, so each sync has a folder of its own.
COMMANDS = {
    "upload_dir": ["upload_dir", "d", "-f", "there", "-w", "4", "-v", "INFO"],
    "sync": ["sync", "d", "{folder}", "--push", "-F", "-w", "4", "-v", "INFO"],
    "search": ["search", "-A", "-F", "-n", "5"],
}


def press_until_it_ends(terminal: Terminal, most: int = 3) -> int:
    """Send SIGINT, without reading what is shown, until the program ends."""
    for _ in range(most):
        # Ctrl-C at the keyboard would also empty the terminal's buffer, and the write would go on. `kill -INT` does not.
        terminal.process.send_signal(signal.SIGINT)
        try:
            return terminal.process.wait(5)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(f"Ctrl-C does not end it: {terminal.text}")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("seed", range(4))
def test_ctrl_c_at_a_terminal_that_takes_no_output_ends_the_command(
    env: Dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: List[str], seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    with Terminal.cld(*(part.format(folder=tmp_path.name) for part in command), env=env) as terminal:
        terminal.wait_for_output()
        time.sleep(0.4 * seed)  # nothing is read, so the terminal fills
        assert terminal.process.poll() is None, "the command must block on its output"
        code = press_until_it_ends(terminal)
        terminal.wait()
        assert code == 130 and "Traceback" not in terminal.text and "reentrant" not in terminal.text, terminal.text


def test_an_interrupt_is_reported_at_a_terminal_that_is_only_slow(env: Dict[str, str]) -> None:
    with Terminal.cld(*COMMANDS["search"], env=env) as terminal:
        terminal.wait_for_output()
        time.sleep(1)  # nothing is read, so the terminal fills
        assert terminal.process.poll() is None, "the command must block on its output"
        terminal.process.send_signal(signal.SIGINT)
        time.sleep(0.1)  # the handler runs while the terminal is full
        assert terminal.wait() == 130 and "Interrupted." in terminal.text, terminal.text


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("seed", range(4))
def test_ctrl_c_while_a_command_writes_ends_it_without_a_traceback(
    env: Dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: List[str], seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    with Terminal.cld(*(part.format(folder=tmp_path.name) for part in command), env=env) as terminal:
        # Some of the output first: the interpreter's own start is not the command's to handle.
        terminal.expect("asset-" if command[0] == "search" else "a-file-with")
        time.sleep(random.Random(seed).random() * 0.2)
        terminal.press("\x03")
        code = terminal.wait()
        assert "Traceback" not in terminal.text and "reentrant" not in terminal.text, terminal.text[-2000:]
        # A command that had just finished is not interrupted any more. The last thing that Python does is to restore
        # the default action of SIGINT, which ends the process.
        assert code in (0, -signal.SIGINT) or (code == 130 and "Interrupted." in terminal.text), terminal.text[-2000:]


def test_ctrl_c_during_the_start_of_a_command_shows_no_traceback(env: Dict[str, str]) -> None:
    program = (
        "import os, signal, sys\n"
        "from cloudinary_cli import cli\n"
        # A signal while the module of a command is loaded, without a race for the right moment.
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'cloudinary_cli.core.whoami':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['cld', 'whoami']\n"
        "sys.exit(cli.main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 130 and done.stderr == "Interrupted.\n"


@pytest.mark.parametrize("times", [1, 2, 3])
def test_ctrl_c_at_the_end_of_a_command_ends_with_130(env: Dict[str, str], times: int) -> None:
    program = (
        "import atexit, os, signal, sys\n"
        "from cloudinary_cli import cli\n"
        f"atexit.register(lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range({times})])\n"
        "sys.argv = ['cld', '--version']\n"
        "sys.exit(cli.main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 130 and done.stderr == "" and "version" in done.stdout
