"""What a terminal of a given width shows after a program has written to it: enough of ECMA-48 for the display."""

from __future__ import annotations

import re
from typing import List

from cloudinary_cli.text import display_width

_PART = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(.)", re.DOTALL)


class ScreenEmulator:
    """The lines of a terminal that is high enough never to scroll. A wide character is followed by an empty cell."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._cells: List[List[str]] = [[]]
        self._row = self._column = 0
        self.has_wrapped = False

    def write(self, text: str) -> "ScreenEmulator":
        for number, command, char in _PART.findall(text):
            if command:
                self._control(command, number)
            elif char == "\r":
                self._column = 0
            elif char == "\n":
                self._move(self._row + 1)
            else:
                self._put(char)
        return self

    @property
    def lines(self) -> List[str]:
        return ["".join(cells).rstrip() for cells in self._cells]

    def _control(self, command: str, number: str) -> None:
        if command == "A":
            self._row -= int(number or 1)
        elif command in "KJ":
            del self._cells[self._row][self._column :]
            if command == "J":
                del self._cells[self._row + 1 :]
        else:
            assert command == "m", f"unknown control sequence {command!r}"

    def _move(self, row: int) -> None:
        self._row = row
        while len(self._cells) <= row:
            self._cells.append([])

    def _put(self, char: str) -> None:
        width, line = display_width(char), self._cells[self._row]
        if not width and line:
            line[self._column - 1] += char
            return
        if self._column + width > self._columns:
            self.has_wrapped = True
            self._column = 0
            self._move(self._row + 1)
            line = self._cells[self._row]
        line.extend([" "] * (self._column - len(line)))
        line[self._column : self._column + width] = [char] + [""] * (width - 1)
        self._column += width
