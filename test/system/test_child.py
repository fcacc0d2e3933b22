"""A command that runs as a child process (`cld exec`) gets each signal once."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from test.support.commands import posix
from test.support.terminal import Terminal

CHILD = """
import signal, time
interrupts, seen = [], 0
signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
print("ready", flush=True)
for _ in range(5):
    while len(interrupts) == seen:
        time.sleep(0.01)
    time.sleep(0.5)  # a second signal for the same Ctrl-C would arrive now
    seen = len(interrupts)
    print("seen", flush=True)
print("interrupts:", seen, flush=True)
"""


@posix
def test_ctrl_c_reaches_the_command_once_although_its_stdin_is_a_file(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    python = shlex.quote(sys.executable)
    command = f"{python} -m cloudinary_cli -c cloudinary://k:s@demo exec -- {python} {script} < {script}"
    with Terminal(["sh", "-c", command]) as terminal:
        terminal.expect("ready")
        for _ in range(5):
            terminal.press("\x03")
            terminal.expect("seen")
        assert "interrupts: 5\n" in terminal.expect("interrupts: ") + terminal.expect("\n")
