"""Rows at the bottom of a terminal that a thread redraws in place. `console` writes everything else.

`rich` is not used: its progress display takes 55 to 130 ms to import, brings three packages, and prints by itself, so
the redaction and the escaping of `console` would have to be repeated for it.
"""

from __future__ import annotations

import os
import threading
from typing import IO, Any, Callable, NamedTuple, Sequence, Tuple

from cloudinary_cli.system.signals import is_writable
from cloudinary_cli.text import display_width, fitted

_REDRAW_SECONDS = 0.1
_ERASE_SECONDS = 1.0
_DEFAULT_SIZE = (80, 24)
_COLORS = {"red": "\x1b[31m", "yellow": "\x1b[33m"}


class Row(NamedTuple):
    """One row: a text that is cut if the terminal is too narrow, and a detail on its right that is kept."""

    text: str
    detail: str = ""  # ASCII
    color: str = ""


# Returns the rows for a terminal with this number of columns and lines.
Render = Callable[[int, int], Sequence[Row]]


class Region:
    """The rows of one terminal, shown while the `with` block runs.

    The cursor is left at the beginning of the first row. So erasing needs no count of rows, which would be wrong after
    a resize: a terminal that wraps its lines again keeps the cursor at its character.

    :param clean: makes a text safe to show. :param lock: of the console, reentrant.
    """

    def __init__(
        self, stream: IO[str], render: Render, clean: Callable[[str], str], has_color: bool, lock: Any
    ) -> None:
        self._stream = stream
        self._render = render
        self._clean = clean
        self._has_color = has_color
        self._lock = lock
        self._is_shown = False
        self._stopped = threading.Event()
        self.is_line_open = False  # an unfinished line, such as a question, is in the place of the first row

    def __enter__(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        # If the terminal is stopped (Ctrl-S), another thread may hold the lock, and the program must still end.
        if self._lock.acquire(timeout=_ERASE_SECONDS):
            try:
                self.erase()
            finally:
                self._lock.release()

    def _work(self) -> None:
        try:
            while not self._stopped.wait(_REDRAW_SECONDS):
                # A write to a terminal that is stopped (Ctrl-S) would block, and hold the lock.
                if is_writable(self._stream.fileno()) and _is_foreground(self._stream.fileno()):
                    self.draw()
        except (OSError, ValueError):
            pass  # the terminal was closed

    def erase(self) -> None:
        """Make room for other text. Call it with the lock."""
        if self._is_shown:
            self._is_shown = False
            self._write("\r\x1b[J")

    def draw(self) -> None:
        """Show the current rows."""
        with self._lock:
            if self._stopped.is_set() or self.is_line_open:
                return
            columns, lines = self._size()
            rows = self._render(columns, lines)[: max(1, lines - 2)]
            if not rows:
                self.erase()
                return
            # The last column stays free, because a full line makes some terminals wrap.
            texts = [f"{self._line(row, columns - 1)}\x1b[K" for row in rows]
            up = f"\x1b[{len(rows) - 1}A" if len(rows) > 1 else ""
            self._is_shown = True
            self._write("\r" + "\n".join(texts) + f"\x1b[J{up}\r")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _size(self) -> Tuple[int, int]:
        try:
            columns, lines = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return _DEFAULT_SIZE
        return columns or _DEFAULT_SIZE[0], lines or _DEFAULT_SIZE[1]

    def _line(self, row: Row, width: int) -> str:
        encoding = getattr(self._stream, "encoding", None) or "ascii"
        detail = row.detail[:width]
        space = width - len(detail) - (2 if detail else 0)
        # Escaped before it is measured, because an escape takes more columns than the character.
        text = self._clean(row.text).encode(encoding, "backslashreplace").decode(encoding)
        text = fitted(text, max(0, space))
        if detail:
            text += " " * (width - len(detail) - display_width(text)) + detail
        color = _COLORS.get(row.color) if self._has_color else None
        return f"{color}{text}\x1b[0m" if color else text


def _is_foreground(descriptor: int) -> bool:
    """False for a background job of a shell, whose rows would overwrite what the user types."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except (OSError, AttributeError):  # not the controlling terminal, or Windows
        return True
