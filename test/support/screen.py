"""What a terminal shows after a program has written to it. The emulator measures characters by itself (wcwidth)."""

from __future__ import annotations

import re
from typing import List

import pyte

from test.support.terminal import Terminal

_LINES = 1000  # more than a test writes, so nothing scrolls
_FRAME = re.compile(r"\r(?:[^\r]*\x1b\[K(?:\r\n)?)+\x1b\[J")


def shown_after(text: str, columns: int) -> List[str]:
    """The lines of an empty screen after the text."""
    screen = pyte.Screen(columns, _LINES)
    pyte.Stream(screen).feed(text)
    return [line.rstrip() for line in screen.display[: screen.cursor.y + 1]]


def final_lines(terminal: Terminal, columns: int) -> List[str]:
    """What is left on the screen at the end. Fails if a row of the display was wider than the screen."""
    for frame in _FRAME.findall(terminal.raw):
        assert len(shown_after(frame, columns)) == frame.count("\n") + 1, f"a row was wrapped: {frame!r}"
    return shown_after(terminal.raw, columns)
