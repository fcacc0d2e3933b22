"""Reads a line that the user types at a terminal, with or without echo."""

from __future__ import annotations

import select
import sys
from typing import IO, AnyStr, Callable

_SLICE_SECONDS = 0.2


def read_line(stream: IO[AnyStr]) -> AnyStr:
    """Read the next line of a stream, which need not be a terminal; empty at the end.

    At a terminal, wait in short slices until there is a line. A signal that arrives just before a system call does not
    interrupt it, and Python runs the handler only after the call, so a single long read would ignore Ctrl-C until the
    next Enter. On Windows, select() supports sockets only.
    """
    if sys.platform != "win32" and stream.isatty():
        while not select.select([stream], [], [], _SLICE_SECONDS)[0]:
            pass
    return stream.readline()


def read_hidden_line(stream: IO[str], prompt: str, write: Callable[[str], None]) -> str:
    """Read the next line of a terminal without echo, and discard what was typed before; empty at the end.

    :param write: shows the prompt, and a line break in place of the one that is not echoed.
    :raises OSError: the terminal cannot be read.
    """
    if sys.platform == "win32":
        import getpass

        return getpass.getpass(prompt) + "\n"
    import termios

    # getpass() is not used, because it waits in a single long read.
    saved = termios.tcgetattr(stream)
    hidden = [*saved[:3], saved[3] & ~termios.ECHO, *saved[4:]]
    try:
        termios.tcsetattr(stream, termios.TCSAFLUSH, hidden)
        write(prompt)
        return read_line(stream)
    finally:
        termios.tcsetattr(stream, termios.TCSAFLUSH, saved)
        write("\n")
