"""Decides which items belong to a run: --include and --exclude globs, --files-from, --shard and --retry-failed."""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Pattern, Set, Tuple, Union

from cloudinary_cli.errors import CliError
from cloudinary_cli.system.file_access import file_errors, stdin_descriptor
from cloudinary_cli.text import nfc, one_line
from cloudinary_cli.transfer.engine.records import Outcome, Status

_WILDCARD = re.compile(r"(\\.|/\*\*/|\A\*\*/|/\*\*\Z|\*\*|\*|\?|\[!?\]?(?:\\.|[^\]\\])*\])", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TRANSLATED = {"/**/": "/(?:.*/)?", "**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True)
class Shard:
    """One of `count` parts, numbered from 1. A path is in the same part in every run and on every machine."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """:raises CliError: the text is not I/N with 1 <= I <= N."""
        match = re.match(r"(\d+)/(\d+)\Z", text.strip())
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise CliError(f"--shard {text}: write I/N with I from 1 to N, for example --shard 2/8.")
        return cls(int(match[1]), int(match[2]))

    def includes(self, path: str) -> bool:
        digest = hashlib.sha1(nfc(path).encode("utf-8", "surrogatepass")).digest()  # noqa: S324 - distributes paths
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1


class Rule(NamedTuple):
    """An --include or --exclude. `root` is the directory of all matches, `photos/` for `photos/*.jpg`, or empty."""

    is_included: bool
    pattern: Pattern[str]
    root: str

    @classmethod
    def of(cls, kind: str, glob: str) -> "Rule":
        """:raises CliError: the glob is empty or malformed."""
        names = re.match(r"(?:[^/*?\[\\]+/)*", nfc(glob).rstrip("/").lstrip("/"))
        return cls(kind == "include", compile_glob(glob), names[0] if names else "")


@dataclass(frozen=True)
class ItemFilter:
    """The items that the user has selected. The first rule that matches a path decides."""

    rules: Tuple[Rule, ...] = ()
    shard: Optional[Shard] = None
    only: Optional[FrozenSet[str]] = None
    listed: Optional[Mapping[str, str]] = None  # paths of --files-from: normal form C -> the spelling of the list

    def includes(self, path: str, key: Optional[str] = None) -> bool:
        """True when the item with this relative path (with slashes) belongs to the run.

        An item that no rule matches belongs to it, unless all rules are includes.

        :param key: the item's name in reports, if that is not the path: an image and a video may have the same path.
        """
        if self.only is not None and not self._is_retried(nfc(path if key is None else key)):
            return False
        if self.listed is not None and nfc(path) not in self.listed:
            return False
        if self.shard is not None and not self.shard.includes(path):
            return False
        path = nfc(path)
        return next((rule.is_included for rule in self.rules if rule.pattern.match(path)), self._is_rest_included)

    def may_include(self, path: str) -> bool:
        """True when a file, or anything in a directory (a path with a final slash), may belong to the run."""
        if not path.endswith("/"):
            return self.includes(path)
        if path == "./":
            return True
        path = nfc(path)
        if self.listed is not None and not any(listed.startswith(path) for listed in self.listed):
            return False
        for rule in self.rules:
            # An exclude that matches a directory matches everything in it. An include before it may match a file in it.
            if rule.is_included and (path.startswith(rule.root) or rule.root.startswith(path)):
                return True
            if not rule.is_included and rule.pattern.match(path):
                return False
        return self._is_rest_included

    @property
    def _is_rest_included(self) -> bool:
        """True when the paths that no rule matches belong to the run."""
        return not self.rules or not all(rule.is_included for rule in self.rules)

    def _is_retried(self, name: str) -> bool:
        """True for an item of --retry-failed, and for what is in a directory that could not be read (`name/`)."""
        only = self.only or frozenset()
        return name in only or "./" in only or any(name[: slash.end()] in only for slash in re.finditer("/", name))

    @property
    def is_everything(self) -> bool:
        return not self.rules and self.shard is None and self.only is None and self.listed is None

    def missing(self, paths: Iterable[str]) -> List[Outcome]:
        """A failure for each path of --files-from that is not one of these."""
        if not self.listed:
            return []
        missing = dict(self.listed)
        for path in paths:
            missing.pop(nfc(path), None)
        return [_missing(path) for _, path in sorted(missing.items())]


def _missing(path: str) -> Outcome:
    reason = "--files-from lists it, but there is no such file"
    return Outcome("scan", path, Status.FAILED, reason, message=f"'{one_line(path, None)}' is skipped: {reason}.")


def item_filter(
    filters: Iterable[Tuple[str, str]] = (),
    shard: Optional[str] = None,
    retry_failed: Optional[str] = None,
    files_from: Optional[str] = None,
) -> ItemFilter:
    """Build the filter from ("include" | "exclude", glob) pairs, a shard `I/N`, a report file and a list of paths.

    :raises CliError: a glob, the shard or a path is malformed, or a file cannot be read.
    """
    return ItemFilter(
        tuple(Rule.of(kind, glob) for kind, glob in filters),
        Shard.parse(shard) if shard else None,
        failed_keys(retry_failed) if retry_failed else None,
        listed_paths(files_from) if files_from else None,
    )


def compile_glob(glob: str) -> Pattern[str]:
    """Compile a glob to a pattern for a whole path in Unicode normal form C, with the rules of gitignore(5).

    `*` and `?` match within a name, `**` across directories. A glob without a slash, except a final one, matches the
    name of a file or directory at any depth; a glob with a slash matches the path from the root. A glob that matches a
    directory matches everything in it. With a final slash it matches directories only. A backslash escapes the next
    character.

    :raises CliError: the glob is empty or malformed.
    """
    body = nfc(glob).rstrip("/")
    if not body:
        raise CliError(f"The pattern '{glob}' is empty. Write a glob such as '*.jpg', 'photos/**' or 'tmp/'.")
    any_parent = "" if "/" in body else "(?:.*/)?"
    content = "/.*" if glob.endswith("/") else "(?:/.*)?"
    try:
        return re.compile(f"{any_parent}{translated(body.lstrip('/'))}{content}\\Z", re.DOTALL)
    except re.error as error:
        raise CliError(f"The pattern '{glob}' cannot be used: {error}.") from None


def translated(glob: str) -> str:
    """The regular expression of a glob: `*`, `?` and `[...]` match no slash, the name `**` matches any directories.

    :raises CliError: the glob ends in a backslash, which escapes nothing. :raises re.error: a `[...]` is malformed.
    """
    parts: List[str] = []
    for part in _WILDCARD.split(glob):
        if part in _TRANSLATED:
            parts.append(_TRANSLATED[part])
        elif part.startswith("[") and part.endswith("]"):
            parts.append(f"(?!/)[{_character_class(part[1:-1])}]")
        elif _ESCAPED.fullmatch(part):
            parts.append(re.escape(part[1]))
        elif "\\" in part:
            raise CliError(f"The pattern '{glob}' ends in a backslash. For a backslash in a name, write two.")
        else:
            parts.append(re.escape(part))
    return "".join(parts)


def _character_class(inner: str) -> str:
    """The inside of a glob's brackets as the inside of a regular expression's brackets."""
    negation, inner = ("^", inner[1:]) if inner.startswith("!") else ("", inner)
    # The parts with odd indexes are the escaped characters.
    parts = _ESCAPED.split(inner)
    parts[::2] = [part.replace("[", "\\[") for part in parts[::2]]
    parts[1::2] = [re.escape(part) for part in parts[1::2]]
    return negation + "".join(parts)


def failed_keys(report: str) -> FrozenSet[str]:
    """The paths of a --report file whose last line has a status other than "ok". A rename has two paths.

    :raises CliError: the file cannot be read, or a line is not from a report. The message has the number of the line.
    """
    failed: Set[str] = set()  # without the successes, because a report may have millions of lines
    try:
        with open(report, encoding="utf-8-sig") as file:  # an editor on Windows may have added a BOM
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                paths, status = _report_line(report, number, line)
                (failed.difference_update if status == "ok" else failed.update)(map(nfc, paths))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise CliError(f"Cannot read the --retry-failed file {report}: {reason}.") from error
    return frozenset(failed)


def _report_line(report: str, number: int, line: str) -> Tuple[List[str], str]:
    try:
        item: Any = json.loads(line)
        paths = [item["path"], *([item["from"]] if "from" in item else [])]
        return [str(path) for path in paths], str(item["status"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CliError(
            f"Line {number} of the --retry-failed file {report} was not written by --report. Give the file of a run"
            " with --report."
        ) from None


def listed_paths(file: str) -> Dict[str, str]:
    """The paths of a file, or of stdin for `-`: Unicode normal form C -> the spelling of the list.

    The text is UTF-8, or UTF-16 with a byte order mark. Empty lines are ignored. Lines may end in CR LF. A list with a
    NUL byte is that of `find -print0`.

    :raises CliError: the file cannot be read, or a path is not relative to the folder. The message has its number.
    """
    source: Union[int, str] = stdin_descriptor("the --files-from list") if file == "-" else file
    with file_errors(f"Cannot read the --files-from list {file}"), open(source, "rb", closefd=file != "-") as stream:
        data = stream.read()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # the output of Windows PowerShell
        text = data.decode("utf-16", "replace")
    else:
        # utf-8-sig removes a byte order mark. Names that are not UTF-8 match no file that can be transferred.
        text = data.decode("utf-8-sig", "surrogateescape")
    separator = "\0" if "\0" in text else "\n"
    paths: Dict[str, str] = {}
    for number, line in enumerate(text.split(separator), 1):
        path = line[:-1] if separator == "\n" and line.endswith("\r") else line
        if path:
            paths[nfc(_relative(path, f"Line {number} of the --files-from list {file}"))] = path
    return paths


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
