"""Sends the program's log records to the console: one line each, with a prefix for the level and without secrets."""

from __future__ import annotations

import logging

import click

from cloudinary_cli.console import Console
from cloudinary_cli.defaults import logger
from cloudinary_cli.text import one_line

_PREFIX_COLORS = {"warning": "yellow", "error": "red", "critical": "red", "debug": "blue"}
LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")


class ConsoleHandler(logging.Handler):
    """Prints log records on stderr, with secrets redacted and a prefix for all levels except info.

    A record is always one line, even if names or messages from a server contain line breaks. Only a traceback has
    several lines, each with the prefix.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.console.message(self._render(record) + "\n")
        except Exception:  # noqa: BLE001 - like the handlers of logging: a malformed record must not end the command
            self.handleError(record)

    def _render(self, record: logging.LogRecord) -> str:
        text = one_line(self.console.safe(record.getMessage()), None)
        if record.exc_info and record.exc_info[0]:
            trace = logging.Formatter().formatException(record.exc_info)
            text = "\n".join([text, *map(self.console.safe, trace.splitlines())])
        colorful = self.console.shows_color(self.console.stderr)
        level = record.levelname.lower()
        if level == "info":
            color = getattr(record, "color", None)
            return click.style(text, fg=color) if color and colorful else text
        prefix = f"{level}: "
        if colorful:
            prefix = click.style(prefix, fg=_PREFIX_COLORS.get(level))
        return "\n".join(prefix + line for line in text.split("\n"))


def install_logging(console: Console, level: str = "INFO") -> None:
    """Send the program's log records to this console. Called by main(), not on import."""
    for handler in [h for h in logger.handlers if isinstance(h, ConsoleHandler)]:
        logger.removeHandler(handler)
    logger.addHandler(ConsoleHandler(console))
    logger.propagate = False
    set_level(level)


def set_level(level: str) -> None:
    """Set the threshold of the program's logger; the name of the level is case-insensitive."""
    logger.setLevel(level.upper())
