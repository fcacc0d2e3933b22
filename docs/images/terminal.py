"""Runs programs in a real pseudo-terminal and keeps what a terminal emulator would show. POSIX only."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from typing import Callable, Mapping, Sequence

import pyte

_READ_SIZE = 65536
_SILENCE = 0.02  # seconds
# The program gets the terminal as its controlling terminal, as it would from a shell.
_STARTER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"


class Recorder:
    """An emulated screen. Each program that `run` starts continues below the output of the one before it."""

    def __init__(self, columns: int, lines: int, environ: Mapping[str, str], directory: str) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._environ = {**environ, "TERM": "xterm-256color"}
        self._directory = directory

    def type_command(self, line: str) -> None:
        """Show a prompt and a command line."""
        self._stream.feed(f"\x1b[32m$\x1b[0m \x1b[1m{line}\x1b[0m\r\n".encode())

    def run(self, program: Sequence[str], is_enough: Callable[[], bool] = lambda: False, timeout: float = 60) -> int:
        """Run a program to its end, or until `is_enough` returns True after some output; then it is killed.

        Returns the exit status. Raises TimeoutError when there is no output for `timeout` seconds.
        """
        master, slave = pty.openpty()
        size = struct.pack("HHHH", self.screen.lines, self.screen.columns, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        process = subprocess.Popen(
            [sys.executable, "-c", _STARTER, *program],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self._environ,
            cwd=self._directory,
            start_new_session=True,
        )
        os.close(slave)
        try:
            while not is_enough() and self._read(master, timeout):
                pass
            if is_enough():
                # A program redraws its progress in several writes; a short silence means that the picture is complete.
                while select.select([master], [], [], _SILENCE)[0] and self._read(master, timeout):
                    pass
                process.kill()
        finally:
            os.close(master)
        return process.wait(timeout)

    def _read(self, master: int, timeout: float) -> bool:
        if not select.select([master], [], [], timeout)[0]:
            raise TimeoutError("\n".join(self.screen.display))
        try:
            data = os.read(master, _READ_SIZE)
        except OSError:  # Linux raises EIO when the program has closed the terminal.
            return False
        self._stream.feed(data)
        return bool(data)
