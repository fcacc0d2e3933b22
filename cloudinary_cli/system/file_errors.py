"""Turns the errors of files and of a missing stdin into CliErrors."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Iterator

from cloudinary_cli.errors import CliError


@contextmanager
def file_errors(problem: str) -> Iterator[None]:
    """Raise an OSError of the block as a CliError: `problem`, such as "Cannot read a.jpg", and the system's reason.

    :raises CliError: the block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        raise CliError(f"{problem}: {error.strerror or error}.") from error


def stdin_descriptor(what: str) -> int:
    """The file descriptor of stdin.

    :raises CliError: there is none. The message names `what` is to be read from it.
    """
    try:
        return sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):  # missing, closed, or without a file descriptor
        raise CliError(f"There is no stdin to read {what} from. Give the name of a file.") from None
