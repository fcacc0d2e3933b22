"""Reads a text file of entries with any delimiter, block by block: it may be larger than memory, or never end."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from typing import IO, Iterator, Union

from cloudinary_cli.errors import CliError

_BLOCK_CHARACTERS = 64 * 1024
# Far more than any URL: what is longer is a file without the delimiter.
_LONGEST_ENTRY_CHARACTERS = 1024 * 1024
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}


def unescape(delimiter: str) -> str:
    r"""What a delimiter of the command line stands for: `\n`, `\r`, `\t`, `\0` and `\\` as in C, else itself.

    :raises CliError: it is empty.
    """
    if not delimiter:
        raise CliError("The delimiter is empty. Give the text between two entries, for example -d , or -d '\\t'.")
    return re.sub(r"\\([nrt0\\])", lambda match: _ESCAPES[match[1]], delimiter)


def read_entries(path: str, delimiter: str) -> Iterator[str]:
    """The entries of a UTF-8 file, or of stdin for `-`, without the white space around them; empty ones are left out.

    Bytes that are not UTF-8 become lone surrogates (PEP 383).

    :raises CliError: it cannot be read, or an entry has no end.
    """
    try:
        with _opened(path) as file:
            yield from _split(file, delimiter, path)
    except OSError as error:
        raise CliError(f"Cannot read {path}: {error.strerror or error}.") from error


def check_readable(path: str) -> None:
    """:raises CliError: the file is not there, or cannot be read."""
    if path == "-":
        return
    if os.path.isdir(path):
        raise CliError(f"{path} is a directory. Give a file with one URL a line, or - for stdin.")
    if not os.path.exists(path):
        raise CliError(f"No such file: {path}. Give a file with one URL a line, or - for stdin.")
    if not os.access(path, os.R_OK):
        raise CliError(f"Cannot read {path}: Permission denied.")


@contextmanager
def _opened(path: str) -> Iterator[IO[str]]:
    # newline="" keeps "\r": it may be the delimiter, and is stripped where it is not. utf-8-sig drops a BOM.
    source: Union[int, str] = _stdin() if path == "-" else path
    with open(source, encoding="utf-8-sig", errors="surrogateescape", newline="", closefd=path != "-") as file:
        yield file


def _stdin() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):  # none at all, closed, or no file
        raise CliError("There is no stdin to read from. Give the name of a file.") from None


def _split(file: IO[str], delimiter: str, path: str) -> Iterator[str]:
    rest = ""
    while True:
        block = _next_block(file)
        parts = (rest + block).split(delimiter)
        rest = parts.pop()
        yield from filter(None, (part.strip() for part in parts))
        if not block:
            break
        if len(rest) > _LONGEST_ENTRY_CHARACTERS:
            raise CliError(f"{path} has an entry of more than a million characters. Is the delimiter (-d) right?")
    if rest.strip():
        yield rest.strip()


def _next_block(file: IO[str]) -> str:
    """The next line, in pieces where it is long: from a pipe it is there before the block would be full."""
    return file.readline(_BLOCK_CHARACTERS)
