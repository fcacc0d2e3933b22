"""Runs `cld` or a shell in a pseudo-terminal and types when an expected text appears. POSIX only."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple


@dataclass(frozen=True)
class Screen:
    """The exit status, and everything that the terminal showed. `out` is stdout if it was a pipe."""

    code: int
    text: str
    out: str = ""


class Terminal:
    """A program in a pseudo-terminal that a test controls step by step. Leaving the context kills it."""

    def __init__(
        self,
        command: Sequence[str],
        env: Optional[Dict[str, str]] = None,
        timeout: float = 60,
        pipe_stdout: bool = False,
        columns: int = 0,
    ) -> None:
        import pty

        self._timeout = timeout
        self._seen = ""
        self._searched = 0
        self._master, slave = pty.openpty()
        if columns:
            self.resize(columns)
        environ = {**os.environ, "TERM": "xterm", **(env or {})}
        # Ctrl-C reaches the program only if this is its controlling terminal.
        starter = (
            "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", starter, *command],
            stdin=slave,
            stdout=subprocess.PIPE if pipe_stdout else slave,
            stderr=slave,
            env=environ,
            start_new_session=True,
        )
        os.close(slave)

    @classmethod
    def cld(cls, *args: str, env: Optional[Dict[str, str]] = None, **options: Any) -> "Terminal":
        return cls([sys.executable, "-m", "cloudinary_cli", *args], env, **options)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        """All that the terminal has shown."""
        return self._seen.replace("\r\n", "\n")

    def resize(self, columns: int, lines: int = 24) -> None:
        """Change the size of the window. The kernel sends SIGWINCH."""
        import fcntl
        import termios

        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def raw(self) -> str:
        """All that was written, with its control sequences and line breaks."""
        return self._seen

    def wait_for_output(self) -> None:
        """Wait until the program has written something, and leave it unread."""
        assert select.select([self._master], [], [], self._timeout)[0], "nothing was written"

    def expect(self, wanted: str) -> str:
        """Wait until `wanted` appears after the text that was expected last; all that was shown since, including it."""
        deadline = time.monotonic() + self._timeout
        while wanted not in self._seen[self._searched :]:
            assert time.monotonic() < deadline and self._read(deadline), f"never shown: {wanted!r}; seen: {self.text!r}"
        start, self._searched = self._searched, self._seen.index(wanted, self._searched) + len(wanted)
        return self._seen[start : self._searched].replace("\r\n", "\n")

    def type(self, text: str) -> None:
        """Type a line and Enter."""
        self.press(text + "\n")

    def press(self, keys: str) -> None:
        """Press keys: `\\x03` is Ctrl-C, `\\t` is Tab."""
        os.write(self._master, keys.encode())

    def wait(self) -> int:
        """Read until the program ends; its exit status."""
        deadline = time.monotonic() + self._timeout
        while self._read(deadline):
            pass
        return self.process.wait(self._timeout)

    def _read(self, deadline: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._master, 4096)
        except OSError:  # Linux raises EIO when the other side is closed
            return False
        self._seen += data.decode("utf-8", "replace")
        return bool(data)


def run_in_terminal(
    args: Sequence[str],
    dialogue: Sequence[Tuple[str, str]] = (),
    env: Optional[Dict[str, str]] = None,
    pipe_stdout: bool = False,
    timeout: float = 30,
    program: Sequence[str] = (sys.executable, "-m", "cloudinary_cli"),
) -> Screen:
    """Run `cld ARGS`; each pair of `dialogue` is a text to wait for and what is then typed (without Enter)."""
    with Terminal([*program, *args], env, timeout, pipe_stdout) as terminal:
        for expected, answer in dialogue:
            terminal.expect(expected)
            terminal.type(answer)
        code = terminal.wait()
        stdout = terminal.process.stdout
        return Screen(code, terminal.text, stdout.read().decode() if stdout else "")
