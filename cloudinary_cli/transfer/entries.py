"""Reads the entries of a text file with any delimiter, in blocks: the file may be larger than memory, or endless."""

from __future__ import annotations

import os
import re
from typing import IO, Any, Iterator, Union

from cloudinary_cli.errors import CliError
from cloudinary_cli.system.file_access import file_errors, stdin_descriptor

_BLOCK_CHARACTERS = 64 * 1024
# Much longer than any URL. A longer entry means that the file does not contain the delimiter.
_LONGEST_ENTRY_CHARACTERS = 1024 * 1024
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}


def unescape(delimiter: str) -> str:
    r"""Replace the escapes `\n`, `\r`, `\t`, `\0` and `\\` in a delimiter of the command line.

    :raises CliError: the delimiter is empty.
    """
    if not delimiter:
        raise CliError("The delimiter is empty. Give the text between two entries, for example -d , or -d '\\t'.")
    return re.sub(r"\\([nrt0\\])", lambda match: _ESCAPES[match[1]], delimiter)


def read_entries(path: str, delimiter: str) -> Iterator[str]:
    """Yield the entries of a UTF-8 file, or of stdin for `-`, without surrounding white space. Empty ones are skipped.

    Bytes that are not UTF-8 become lone surrogates (PEP 383).

    :raises CliError: the file cannot be read, or an entry has no end.
    """
    # newline="" keeps "\r", which may be the delimiter; otherwise strip() removes it. utf-8-sig removes a BOM.
    source: Union[int, str] = stdin_descriptor("the URLs") if path == "-" else path
    options: Any = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": "", "closefd": path != "-"}
    with file_errors(f"Cannot read {path}"), open(source, **options) as file:
        yield from _split(file, delimiter, path)


def check_readable(path: str) -> None:
    """:raises CliError: the file does not exist, or cannot be read."""
    if path == "-":
        return
    if os.path.isdir(path):
        raise CliError(f"{path} is a directory. Give a file with one URL a line, or - for stdin.")
    if not os.path.exists(path):
        raise CliError(f"No such file: {path}. Give a file with one URL a line, or - for stdin.")
    if not os.access(path, os.R_OK):
        raise CliError(f"Cannot read {path}: Permission denied.")


def _split(file: IO[str], delimiter: str, path: str) -> Iterator[str]:
    rest = ""
    while True:
        # readline() returns a line, or a part of a long one. Unlike read(), it does not wait until a block is full.
        block = file.readline(_BLOCK_CHARACTERS)
        parts = (rest + block).split(delimiter)
        rest = parts.pop()
        yield from filter(None, (part.strip() for part in parts))
        if not block:
            break
        if len(rest) > _LONGEST_ENTRY_CHARACTERS:
            raise CliError(f"{path} has an entry of more than a million characters. Is the delimiter (-d) right?")
    if rest.strip():
        yield rest.strip()
