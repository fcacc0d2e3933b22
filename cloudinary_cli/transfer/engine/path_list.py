"""Reads the list of --files-from: relative paths, one a line or separated by NUL bytes."""

from __future__ import annotations

import os
import sys
from typing import Dict, Union

from cloudinary_cli.errors import CliError
from cloudinary_cli.text import nfc, one_line


def listed_paths(file: str) -> Dict[str, str]:
    """The paths of a file, or of stdin for `-`: Unicode normal form C -> the spelling of the list.

    Empty lines are ignored. Lines may end in CR LF. A list with a NUL byte is that of `find -print0`.

    :raises CliError: the file cannot be read, or a path is not relative to the folder. The message has its number.
    """
    text = _content(file)
    separator = "\0" if "\0" in text else "\n"
    paths: Dict[str, str] = {}
    for number, line in enumerate(text.split(separator), 1):
        path = line[:-1] if separator == "\n" and line.endswith("\r") else line
        if path:
            paths[nfc(_relative(path, f"Line {number} of the --files-from list {file}"))] = path
    return paths


def _content(file: str) -> str:
    source: Union[int, str] = _stdin() if file == "-" else file
    try:
        # utf-8-sig removes a byte order mark. Names that are not UTF-8 match no file that can be transferred.
        with open(source, encoding="utf-8-sig", errors="surrogateescape", newline="\n", closefd=file != "-") as stream:
            return stream.read()
    except OSError as error:
        raise CliError(f"Cannot read the --files-from list {file}: {error.strerror or error}.") from error


def _stdin() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):  # missing, closed, or without a file descriptor
        raise CliError("There is no stdin to read the --files-from list from. Give the name of a file.") from None


def _relative(path: str, place: str) -> str:
    """`./a//b.jpg` -> `a/b.jpg`. On Windows a backslash separates names, too."""
    shown = one_line(path)
    slashed = path.replace("\\", "/") if os.name == "nt" else path
    names = [name for name in slashed.split("/") if name not in ("", ".")]
    if slashed.startswith("/") or os.path.splitdrive(path)[0] or ".." in names:
        raise CliError(f"{place}: '{shown}' is not relative to the folder. Write a path such as photos/a.jpg.")
    if not names or slashed.endswith("/"):
        raise CliError(f"{place}: '{shown}' is a directory. List its files, for example those of: find . -type f")
    return "/".join(names)
