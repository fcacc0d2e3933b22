"""Ctrl-C at each kind of question of a real terminal, also at the worst moment: just before the program waits for input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import List

import pytest

from cloudinary_cli.auth.session import to_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.early_signal import early_signal
from test.support.logins import LOGIN
from test.support.terminal import Terminal

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD at a pseudo-terminal")

URL = "cloudinary://111111111111111:TOPSECRET@demo"

# What each command has shown when it waits for input.
QUESTIONS = {
    "confirm": (["admin", "delete_resources", "a"], "(y/N) "),
    "pick": (["logout"], "Enter cancels]: "),
    "secret": (["config", "-n", "x", "-"], "CLOUDINARY_URL: "),
    "data": (["url", "-"], ""),
}


@pytest.mark.parametrize(["command", "question"], QUESTIONS.values(), ids=QUESTIONS)
def test_ctrl_c_just_before_the_program_waits_for_input_ends_it(
    store: ConfigStore, tmp_path: Path, command: List[str], question: str
) -> None:
    store.save({name: to_cloudinary_url(LOGIN) for name in ("alpha", "beta")})
    env = {"CLOUDINARY_URL": URL, **early_signal(tmp_path, "read")}
    with Terminal.cld(*command, env=env, timeout=20) as terminal:
        terminal.expect(question)
        terminal.expect("\nInterrupted." if question else "Interrupted.")
        assert terminal.wait() == 130, terminal.text


def test_ctrl_c_at_a_hidden_question_restores_the_echo(tmp_path: Path) -> None:
    script = f"trap : INT; {sys.executable} -m cloudinary_cli config -n x -; stty -a"
    with Terminal(["sh", "-c", script]) as terminal:
        terminal.expect("CLOUDINARY_URL: ")
        terminal.press("\x03")
        terminal.expect("\nInterrupted.")
        assert terminal.wait() == 0
        assert " echo " in terminal.text, terminal.text


def test_a_hidden_question_of_a_background_job_that_may_not_read_the_terminal_is_one_error() -> None:
    cld = f"{sys.executable} -m cloudinary_cli config -n x - </dev/tty"
    with Terminal(["bash", "-c", f"set -m; trap '' TTIN TTOU; {cld} & wait $!; echo status $?"]) as terminal:
        terminal.expect("status 1")
        terminal.wait()
        assert "CLOUDINARY_URL: " in terminal.text and "Errno" not in terminal.text, terminal.text
