"""The only room that prints, prompts, colours or asks isatty: data goes to stdout, everything else to stderr."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import IO, TYPE_CHECKING, Any, Mapping, Optional, Sequence

import click

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, Declined
from cloudinary_cli.text import aligned, one_line, printable, redact, secrets_in, to_json

if TYPE_CHECKING:
    from cloudinary_cli.system.line_reader import LineReader

_PREFIX_COLOURS = {"warning": "yellow", "error": "red", "critical": "red", "debug": "blue"}
LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")


class Console:
    """The three standard streams and the rules for writing to them. Streams are looked up when used."""

    def __init__(
        self,
        stdin: Optional[IO[str]] = None,
        stdout: Optional[IO[str]] = None,
        stderr: Optional[IO[str]] = None,
        environ: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self._environ = environ
        self._arguments: Sequence[str] = ()
        self._secrets: Optional[Sequence[str]] = None
        self._status = ""
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
        """Keep the secrets of this command line out of everything that is not data."""
        self._arguments, self._secrets = arguments, None

    def safe(self, text: str) -> str:
        """Text for stderr: without secrets, control characters escaped."""
        if self._secrets is None:  # not before: most commands say nothing
            self._secrets = secrets_in(self._arguments)
        return printable(redact(text, self._secrets))

    # -- what kind of streams these are

    def is_interactive(self) -> bool:
        """True when a person can answer: stdin is a terminal."""
        return _is_terminal(self._stdin or sys.stdin)

    def shows_colour(self, stream: Optional[IO[str]]) -> bool:
        """Colour only on a terminal, and not when NO_COLOR (https://no-color.org) is non-empty."""
        environ = os.environ if self._environ is None else self._environ
        return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb" and _is_terminal(stream)

    # -- data

    def data(self, text: str, newline: bool = True) -> None:
        """Write data to stdout as it is.

        :raises CliError: stdout is closed, or its disk is full. A reader that has gone is a BrokenPipeError.
        """
        if self.stdout is None:  # what Python makes of a closed descriptor
            raise CliError("The output cannot be written: stdout is closed.")
        with self._lock:
            self._erase_status()
            try:
                _write(self.stdout, text + ("\n" if newline else ""))
            except BrokenPipeError:
                raise
            except OSError as error:
                raise CliError(f"The output cannot be written: {error.strerror or error}.") from error

    def data_lines(self, *lines: str) -> None:
        """Write lines of data to stdout; control characters in them are escaped, so that each stays one line."""
        self.data("\n".join(one_line(line, None) for line in lines))

    def table(self, rows: Sequence[Sequence[str]], gap: str = "  ") -> None:
        """Write rows to stdout with aligned columns, see text.aligned()."""
        self.data(aligned(rows, gap))

    def json(self, obj: Any) -> None:
        """Write a value to stdout as indented JSON, coloured only on a terminal."""
        text = to_json(obj, getattr(self.stdout, "encoding", None))
        self.data(_coloured_json(text) if self.shows_colour(self.stdout) else text)

    # -- prose

    def info(self, text: str, colour: Optional[str] = None) -> None:
        """A bare line on stderr, hidden by -v WARNING and above."""
        logger.info("%s", text, extra={"colour": colour})

    def success(self, text: str) -> None:
        """An info line in green."""
        self.info(text, "green")

    def warning(self, text: str) -> None:
        logger.warning("%s", text)

    def error(self, text: str) -> None:
        logger.error("%s", text)

    def debug(self, text: str) -> None:
        logger.debug("%s", text)

    def notice(self, text: str) -> None:
        """Text on stderr that -v does not hide: what the user must see to go on, such as a login URL.

        It may have several lines, so what comes from elsewhere is given through one_line().
        """
        self.prose(self.safe(text) + "\n")

    def prose(self, text: str) -> None:
        """Write to stderr as it is; a status line makes room and comes back."""
        with self._lock:
            status, self._status = self._status, self._erase_status()
            _write(self.stderr, text)
            if text.endswith("\n"):
                self._draw_status(status)

    # -- a line that changes: on a terminal only, and always the last one

    def shows_status(self) -> bool:
        """True when stderr is a terminal that can redraw a line."""
        environ = os.environ if self._environ is None else self._environ
        return _is_terminal(self.stderr) and environ.get("TERM") != "dumb"

    def status(self, text: str) -> None:
        """Show `text` as the last line of the terminal in the place of the one before; empty removes it."""
        if not self.shows_status():
            return
        with self._lock:
            self._erase_status()
            self._draw_status(one_line(self.safe(text), self._columns() - 1))

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self.stderr.fileno()).columns or 80 if self.stderr else 80
        except (OSError, ValueError):
            return 80

    def _erase_status(self) -> str:
        if self._status:
            _write(self.stderr, "\r\x1b[K")
        self._status = ""
        return ""

    def _draw_status(self, text: str) -> None:
        if text:
            _write(self.stderr, text)
        self._status = text

    # -- questions: the prompt is prose, so it goes to stderr and never into piped data

    def prompt(self, message: str, hint: Optional[str] = None) -> Optional[str]:
        """Ask for one line. None when stdin is closed; the hint then says what to type instead."""
        self.prose(self.safe(message))
        answer = self._stdin_line()
        if answer is None:
            self.prose("\n")
            self.warning("No input available." + (f" {hint}" if hint else ""))
        return answer

    def _stdin_line(self) -> Optional[str]:
        try:
            line = self.stdin.readline() if self.stdin is not None else ""
        except (OSError, ValueError):
            line = ""
        return line.strip() if line else None

    def lines(self) -> "Optional[LineReader]":
        """Lines of stdin as they come, for a wait that also has other ends; None when there is no stdin to read."""
        from cloudinary_cli.system.line_reader import LineReader

        stream = self._stdin or sys.stdin
        try:
            return None if stream is None or stream.closed else LineReader(stream)
        except (OSError, ValueError):  # not a stream of the system
            return None

    def read_secret(self, message: str) -> Optional[str]:
        """One line of stdin that a terminal does not echo; without a terminal nothing is asked. None at its end."""
        if not self.is_interactive():
            return self._stdin_line()
        import getpass

        try:
            return getpass.getpass(self.safe(message)).strip()
        except EOFError:
            return None

    def confirm(self, message: str, hint: Optional[str] = "Use --force (-F) to skip the question.") -> bool:
        """A yes/no question whose default is no, also when nobody answers."""
        return (self.prompt(f"{one_line(message, None)} (y/N) ", hint) or "").lower() in ("y", "yes")

    def pick(self, title: str, options: Sequence[str], hint: Optional[str] = None) -> Optional[int]:
        """Show a numbered menu and return the index of the chosen option, or None when the user cancels.

        :raises Declined: stdin is closed, or the input is not a number of the menu.
        """
        lines = [title] + [f"  {number}. {one_line(option, None)}" for number, option in enumerate(options, 1)]
        choice = self.prompt("\n".join(lines) + f"\nChoose [1-{len(options)}, Enter cancels]: ", hint)
        if choice is None:
            raise Declined("No selection was made.")
        if not choice:
            return None
        if not choice.isascii() or not choice.isdigit() or not 1 <= int(choice) <= len(options):
            raise Declined(f"Invalid selection: '{one_line(choice, 20)}' is not a number from 1 to {len(options)}.")
        return int(choice) - 1


class ConsoleHandler(logging.Handler):
    """Shows log records as prose on stderr: info bare, other levels with a prefix, secrets redacted.

    A record is one line, whatever names and texts of a server are in it; only a traceback has several, each with the
    prefix.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.console.prose(self._render(record) + "\n")
        except Exception:  # noqa: BLE001 - a broken stderr must not break the command (logging's own rule)
            self.handleError(record)

    def _render(self, record: logging.LogRecord) -> str:
        text = one_line(self.console.safe(record.getMessage()), None)
        if record.exc_info and record.exc_info[0]:
            trace = logging.Formatter().formatException(record.exc_info)
            text = "\n".join([text, *map(self.console.safe, trace.splitlines())])
        colourful = self.console.shows_colour(self.console.stderr)
        level = record.levelname.lower()
        if level == "info":
            colour = getattr(record, "colour", None)
            return click.style(text, fg=colour) if colour and colourful else text
        prefix = f"{level}: "
        if colourful:
            prefix = click.style(prefix, fg=_PREFIX_COLOURS.get(level))
        return "\n".join(prefix + line for line in text.split("\n"))


def install_logging(console: Console, level: str = "INFO") -> None:
    """Route the program's logger to this console. Called by main(), never at import."""
    for handler in [h for h in logger.handlers if isinstance(h, ConsoleHandler)]:
        logger.removeHandler(handler)
    logger.addHandler(ConsoleHandler(console))
    logger.propagate = False
    set_level(level)


def set_level(level: str) -> None:
    """Set the threshold of the program's logger; any case."""
    logger.setLevel(level.upper())


def _is_terminal(stream: Optional[IO[str]]) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _write(stream: Optional[IO[str]], text: str) -> None:
    if stream is None:  # stderr is closed: nobody wants the prose
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        # A C locale: show what can be shown, escape the rest, rather than fail after the work is done.
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _coloured_json(text: str) -> str:
    from pygments import highlight
    from pygments.formatters.terminal import TerminalFormatter
    from pygments.lexers.data import JsonLexer

    return str(highlight(text, JsonLexer(), TerminalFormatter())).strip("\n")
