"""The end of a run in words: totals, failures by their cause, and the command that continues or retries the run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Sequence

from cloudinary_cli.console import Console
from cloudinary_cli.progress import counted, readable_size, readable_time
from cloudinary_cli.system.file_access import own_descriptor
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.records import Outcome, Status

MAX_NAMES = 10
MAX_CAUSES = 20
# What differs between two failures of the same cause: quoted names, URLs and numbers. Three digits may be a status.
_VARIABLE = re.compile(r"'[^']*'|\bhttps?://\S+|\b(?!\d{3}\b)\d+")


def listed(names: Sequence[str], most: int = MAX_NAMES, count: int = 0) -> List[str]:
    """The first names, and `and 40 more`. Each is one line of safe text.

    :param count: of all names, if `names` has only some of them.
    """
    lines = [one_line(name, None) for name in names[:most]]
    more = max(count, len(names)) - len(lines)
    return lines + ([f"and {more} more"] if more else [])


@dataclass
class _Group:
    """The failures of one cause. Only the first names are kept, because a run may have millions of failures."""

    reason: str
    keys: List[str] = field(default_factory=list)
    count: int = 0


class Failures:
    """The failures of a run by their cause."""

    def __init__(self) -> None:
        self._groups: Dict[str, _Group] = {}

    def add(self, outcome: Outcome) -> None:
        reason = (outcome.error or "unknown").rstrip(".")
        for name in filter(None, (outcome.key, outcome.public_id)):
            reason = reason.replace(name, "...") if len(name) > 3 else reason
        cause = _VARIABLE.sub("", reason)
        if cause not in self._groups and len(self._groups) >= MAX_CAUSES:
            cause = reason = "other causes"
        group = self._groups.setdefault(cause, _Group(reason))
        group.count += 1
        if len(group.keys) < MAX_NAMES:
            group.keys.append(outcome.key)

    def lines(self) -> List[str]:
        """`2 failed: Invalid image file: a.jpg, b.jpg`, for each cause; the most frequent one is last."""
        lines = []
        for group in sorted(self._groups.values(), key=lambda group: group.count):
            count = group.count
            more = f" and {count - len(group.keys)} more" if count > len(group.keys) else ""
            names = ", ".join(one_line(key, None) for key in sorted(group.keys))
            lines.append(f"{count} failed: {one_line(group.reason)}: {names}{more}")
        return lines


def totals_line(counts: Mapping[Status, int], size: int, seconds: float, retries: int) -> str:
    """`Ended after 4 s: 12 items done, 1 failed, 3.2 MiB (0.8 MiB/s), 2 retries`."""
    words = {Status.FAILED: "failed", Status.SKIPPED: "skipped", Status.CANCELLED: "not tried"}
    parts = [f"{counted(counts.get(Status.OK, 0), 'item', 'items')} done"]
    parts += [f"{counts[status]} {word}" for status, word in words.items() if counts.get(status)]
    rate = f" ({readable_size(size / seconds)}/s)" if seconds >= 1 else ""
    parts += [f"{readable_size(size)}{rate}"] if size else []
    parts += [counted(retries, "retry", "retries")] if retries else []
    return f"Ended after {readable_time(seconds)}: {', '.join(parts)}"


def next_command(console: Console, report: Optional[str], earlier: Optional[str]) -> str:
    """The command that repeats what was not done; empty if it has a secret, `-`, or a pipe such as /dev/fd/63.

    :param report: the --report of this run, if it contains all items. :param earlier: its --retry-failed.
    """
    arguments = list(console.arguments)
    values = [argument.rpartition("=")[2] for argument in arguments]
    if any(value == "-" or own_descriptor(value) is not None for value in values):
        return ""
    if report is not None and report != earlier:
        end = arguments.index("--") if "--" in arguments else len(arguments)
        arguments[end:end] = ["--retry-failed", report]
    command = subprocess.list2cmdline(["cld", *arguments]) if os.name == "nt" else shlex.join(["cld", *arguments])
    return command if console.arguments and command == one_line(console.safe(command), None) else ""
