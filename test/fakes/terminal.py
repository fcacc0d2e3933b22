"""Runs `cld` at a pseudo-terminal and types the answers when the questions appear. POSIX only."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple


@dataclass(frozen=True)
class Screen:
    """How the command ended, and all that the terminal showed; `out` is stdout where it was not the terminal."""

    code: int
    text: str
    out: str = ""


def run_in_terminal(
    args: Sequence[str],
    dialogue: Sequence[Tuple[str, str]] = (),
    env: Optional[Dict[str, str]] = None,
    pipe_stdout: bool = False,
    timeout: float = 30,
) -> Screen:
    """Run `cld ARGS`; each pair of `dialogue` is a text to wait for and what is then typed (without Enter)."""
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", *args],
        stdin=slave,
        stdout=subprocess.PIPE if pipe_stdout else slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", **(env or {})},
        start_new_session=True,
    )
    os.close(slave)
    try:
        text = _converse(master, list(dialogue), time.monotonic() + timeout)
        out = process.stdout.read().decode() if process.stdout else ""
        return Screen(process.wait(timeout), text.replace("\r\n", "\n"), out)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _converse(master: int, dialogue: List[Tuple[str, str]], deadline: float) -> str:
    seen, searched = "", 0
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(master, 4096)
        except OSError:  # Linux: the other side is closed
            break
        if not data:
            break
        seen += data.decode("utf-8", "replace")
        while dialogue and dialogue[0][0] in seen[searched:]:
            expected, answer = dialogue.pop(0)
            searched = seen.index(expected, searched) + len(expected)
            os.write(master, answer.encode() + b"\n")
    assert not dialogue, f"never asked {dialogue[0][0]!r}; seen: {seen!r}"
    return seen
