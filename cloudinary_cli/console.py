"""Prints, prompts, colors and checks for terminals. Data goes to stdout, all other text to stderr."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional, Sequence

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, Declined
from cloudinary_cli.text import aligned, colored_json, one_line, printable, redact, secrets_in, to_json

if TYPE_CHECKING:
    from cloudinary_cli.system.line_reader import LineReader
    from cloudinary_cli.system.region import Region, Render


class Console:
    """Access to the three standard streams. Streams that are not given are looked up in `sys` on each use."""

    def __init__(
        self,
        stdin: Optional[IO[str]] = None,
        stdout: Optional[IO[str]] = None,
        stderr: Optional[IO[str]] = None,
        environ: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self._environ: Mapping[str, str] = os.environ if environ is None else environ
        self.arguments: Sequence[str] = ()
        self.draws_progress, self.waited = True, 0.0  # --no-progress; the seconds in which the user was asked
        self._secrets: Optional[Sequence[str]] = None
        self._region: Optional[Region] = None
        self._lock = threading.RLock()

    @property
    def stdin(self) -> Optional[IO[str]]:
        return self._stdin or sys.stdin

    @property
    def stdout(self) -> Optional[IO[str]]:
        return self._stdout or sys.stdout

    @property
    def stderr(self) -> Optional[IO[str]]:
        return self._stderr or sys.stderr

    def hide_secrets_of(self, arguments: Sequence[str]) -> None:
        """Remove the secrets in these command-line arguments from all text that is not data."""
        self.arguments, self._secrets = arguments, None

    def safe(self, text: str) -> str:
        """Return text for stderr: secrets removed, control characters escaped."""
        if self._secrets is None:  # computed on first use, because most commands print nothing here
            self._secrets = secrets_in(self.arguments)
        return printable(redact(text, self._secrets))

    # -- terminals

    def is_interactive(self) -> bool:
        """True when stdin is a terminal, so a user can answer questions."""
        return _is_terminal(self.stdin)

    def stdout_is_terminal(self) -> bool:
        """True when stdout is a terminal, so data on it are read by the user and not by a program."""
        return _is_terminal(self.stdout)

    def shows_color(self, stream: Optional[IO[str]]) -> bool:
        """True for a terminal, unless NO_COLOR (https://no-color.org) is set and not empty."""
        return not self._environ.get("NO_COLOR") and self._environ.get("TERM") != "dumb" and _is_terminal(stream)

    # -- data

    def data(self, text: str, newline: bool = True) -> None:
        """Write data to stdout without changing it.

        :raises CliError: stdout is closed, or its disk is full. :raises BrokenPipeError: the reader has exited.
        """
        if self.stdout is None:  # Python sets it to None if the file descriptor is closed
            raise CliError("The output cannot be written: stdout is closed.")
        with self._lock:
            if self._region is not None:
                self._region.erase()
            try:
                _write(self.stdout, text + ("\n" if newline else ""))
            except BrokenPipeError:
                raise
            except OSError as error:
                raise CliError(f"The output cannot be written: {error.strerror or error}.") from error

    def data_lines(self, *lines: str) -> None:
        """Write lines of data to stdout, with control characters escaped so that each remains one line."""
        self.data("\n".join(one_line(line, None) for line in lines))

    def table(self, rows: Sequence[Sequence[str]], gap: str = "  ", fit: bool = False) -> None:
        """Write rows to stdout with aligned columns, with `fit` cut to the width of a terminal; see text.aligned()."""
        self.data(aligned(rows, gap, self.table_width() if fit else None))

    def table_width(self) -> Optional[int]:
        """The columns of the terminal that stdout is; None for a pipe or a file, which get whole cells."""
        from cloudinary_cli.system.region import terminal_size

        return terminal_size(self.stdout)[0] if self.stdout is not None and self.stdout_is_terminal() else None

    def json(self, obj: Any) -> None:
        """Write a value to stdout as indented JSON, in color on a terminal."""
        text = to_json(obj, getattr(self.stdout, "encoding", None))
        self.data(colored_json(text) if self.shows_color(self.stdout) else text)

    # -- messages on stderr

    def info(self, text: str, color: Optional[str] = None) -> None:
        """Print a line without a prefix; `-v WARNING` and higher levels hide it."""
        logger.info("%s", text, extra={"color": color})

    def success(self, text: str) -> None:
        self.info(text, "green")

    def warning(self, text: str) -> None:
        logger.warning("%s", text)

    def error(self, text: str) -> None:
        logger.error("%s", text)

    def debug(self, text: str) -> None:
        logger.debug("%s", text)

    def notice(self, text: str) -> None:
        """Print text that `-v` does not hide, because the user needs it to continue, such as a login URL.

        It may have several lines, so callers pass untrusted parts through one_line().
        """
        self.message(self.safe(text) + "\n")

    def message(self, text: str) -> None:
        """Write to stderr without changing the text. Rows of live() are erased first and redrawn below it."""
        with self._lock, suppress(OSError):  # a broken stderr must not end the command
            if self._region is not None:
                self._region.erase()
            _write(self.stderr, text)
            self._redraw_region(not text.endswith("\n"))

    # -- rows at the bottom of a terminal

    def has_display(self) -> bool:
        """True when live() shows its rows: stderr is a terminal that can redraw lines, and the user wants progress."""
        return self.draws_progress and _is_terminal(self.stderr) and self._environ.get("TERM") != "dumb"

    @contextmanager
    def live(self, render: "Render") -> Iterator[None]:
        """Show the rows of `render` below all other text while the block runs, if there is a display."""
        stream = self.stderr
        if stream is None or not self.has_display():
            yield
            return
        from cloudinary_cli.system.region import Region

        color = self.shows_color(stream)
        self._region = Region(stream, render, lambda text: one_line(self.safe(text), None), color, self._lock)
        with self._region:
            yield

    def _redraw_region(self, is_line_open: bool) -> None:
        if self._region is not None:
            self._region.is_line_open = is_line_open
            self._region.draw()

    # -- questions: prompts go to stderr, so they never mix with piped data

    def prompt(self, message: str, hint: Optional[str] = None) -> Optional[str]:
        """Ask for one line. Return None when stdin is closed; `hint` then says what to type instead."""
        self.message(self.safe(message))
        begun = time.monotonic()
        answer = self._typed(self._stdin_line)
        self.waited += time.monotonic() - begun
        self._redraw_region(False)  # the terminal has echoed Enter
        if answer is None:
            self.warning("No input available." + (f" {hint}" if hint else ""))
        return answer

    def _typed(self, read: Callable[[], Optional[str]]) -> Optional[str]:
        """Return what `read` does. Begin a new line if that is nothing, because the user has not typed Enter."""
        answer = None
        try:
            answer = read()
        finally:
            if answer is None:  # closed, unreadable, or Ctrl-C
                self.message("\n")
        return answer

    def _stdin_line(self) -> Optional[str]:
        with suppress(OSError, ValueError):
            line = self.stdin.readline() if self.stdin is not None else ""
            return line.strip() if line else None
        return None

    def lines(self) -> "Optional[LineReader]":
        """Return a non-blocking reader of stdin, for callers that also wait for other events; None without a stdin."""
        from cloudinary_cli.system.line_reader import LineReader

        try:
            return None if self.stdin is None or self.stdin.closed else LineReader(self.stdin)
        except (OSError, ValueError):  # a stream without a file descriptor
            return None

    def read_secret(self, message: str) -> Optional[str]:
        """Read one line of stdin without echo. Return None at its end. The prompt is shown on a terminal only."""
        if not self.is_interactive():
            return self._stdin_line()
        return self._typed(lambda: self._hidden_line(message))

    def _hidden_line(self, message: str) -> Optional[str]:
        import getpass

        with suppress(EOFError, OSError, ValueError):
            return getpass.getpass(self.safe(message)).strip()
        return None

    def confirm(self, message: str, hint: Optional[str] = "Use --force (-F) to skip the question.") -> bool:
        """Ask a yes/no question. The default is no, also when stdin is closed."""
        return (self.prompt(f"{one_line(message, None)} (y/N) ", hint) or "").lower() in ("y", "yes")

    def pick(self, title: str, options: Sequence[str], hint: Optional[str] = None) -> Optional[int]:
        """Show a numbered menu and return the index of the chosen option, or None when the user cancels.

        :raises Declined: stdin is closed, or the input is not a number of the menu.
        """
        numbers = [str(number) for number in range(1, len(options) + 1)]
        lines = [title, *(f"  {number}. {one_line(option, None)}" for number, option in zip(numbers, options))]
        choice = self.prompt("\n".join(lines) + f"\nChoose [1-{len(options)}, Enter cancels]: ", hint)
        if choice is None:
            raise Declined("No selection was made.")
        if choice and choice not in numbers:
            raise Declined(f"Invalid selection: '{one_line(choice, 20)}' is not a number from 1 to {len(options)}.")
        return numbers.index(choice) if choice else None


def _is_terminal(stream: Optional[IO[str]]) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _write(stream: Optional[IO[str]], text: str) -> None:
    if stream is None:  # stderr is closed
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        # In a C locale, escape the characters that cannot be encoded instead of failing after the work is done.
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
