"""Errors of files as one line, stdin, and paths that name a file descriptor."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from typing import Iterator, Optional

from cloudinary_cli.errors import CliError

_DESCRIPTORS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


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


def own_descriptor(path: str) -> Optional[int]:
    """The number of the file descriptor that a path such as /dev/stdout or /dev/fd/3 names; None for other paths.

    For output, write to a duplicate of it. If it is a regular file (`> out`, `>> out`), opening the path would
    overwrite what others have written, and a rename would replace the file while they still write to the old one.
    """
    match = re.match(r"/(?:dev|proc/self)/fd/([0-9]{1,9})\Z", path)
    return int(match[1]) if match else _DESCRIPTORS.get(path)
