"""Finds the files below a local folder in one walk. Opens directories, but no files."""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from typing import AbstractSet, Any, Callable, Iterator, List, Optional, Tuple

from cloudinary_cli.errors import CliError
from cloudinary_cli.progress import Progress
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.part_file import PREFIX
from cloudinary_cli.transfer.engine.records import LocalFile, Outcome, Status
from cloudinary_cli.transfer.keys import is_reserved, name_problem, normalized

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass
class ScanResult:
    """The result of a walk, sorted by relative path. `problems` are the entries that cannot be transferred.

    `parts` are the paths of temporary files, of a run in progress or of a killed one.
    """

    exists: bool = True
    files: List[LocalFile] = field(default_factory=list)
    problems: List[Outcome] = field(default_factory=list)
    parts: List[str] = field(default_factory=list)


def swapped_arguments(local: str, remote: str, name: str = "sync") -> str:
    """A sentence when only the second argument of `cld sync` or another command is a local directory, else empty."""
    if os.path.exists(local) or not remote.strip("/") or not os.path.isdir(remote):
        return ""
    command = f"cld {name} {shlex.quote(remote)} {shlex.quote(local)}"
    return f"'{local}' is no local directory, but '{remote}' is one. The local folder comes first: {command}"


def scan(root: str, include_hidden: bool = False, progress: Optional[Progress] = None) -> ScanResult:
    """Walk `root`. Links to directories are not followed. Links to files are treated as files.

    Pipes, sockets and devices are skipped, and never opened. A broken link and an unreadable directory are failures:
    their content is unknown, and must not be treated as deleted.

    :raises CliError: `root` is not a directory, or cannot be read.
    """
    result = ScanResult()
    with (progress or Progress()).item(f"Listing {root}", detail=lambda: f"{len(result.files)} files"):
        for file in walk(root, include_hidden, result):
            result.files.append(file)
    result.files.sort(key=lambda file: file.relative)
    return result


def walk(root: str, include_hidden: bool, result: ScanResult) -> Iterator[LocalFile]:
    """Yield the files as scan() finds them, in any order. `result` gets everything else.

    :raises CliError: `root` is not a directory, or cannot be read.
    """
    try:
        entries = os.scandir(root)
    except FileNotFoundError:
        result.exists = False
        return
    except NotADirectoryError:
        raise CliError(f"'{root}' is not a directory.") from None
    except OSError as error:
        raise CliError(f"Cannot read the directory '{root}': {error.strerror or error}.") from error
    for relative, entry in _entries(entries, include_hidden, result):
        file = _local_file(relative, entry, result)
        if file is not None:
            yield file
    result.problems.sort(key=lambda problem: problem.key)


def _entries(
    entries: "Iterator[os.DirEntry[str]]", include_hidden: bool, result: ScanResult
) -> Iterator[Tuple[str, "os.DirEntry[str]"]]:
    """Yield everything except directories, with its path relative to the root. Not recursive, so any depth works.

    The entries of a directory are not collected: each keeps about a kilobyte once its status was read.
    """
    pending: List[Tuple[str, str]] = []
    prefix = ""
    while True:
        try:
            for entry in entries:
                if entry.name.startswith(PREFIX):
                    result.parts.append(entry.path)
                elif is_reserved(entry.name) or (not include_hidden and _is_hidden(entry)):
                    continue
                elif entry.is_dir(follow_symlinks=False):
                    pending.append((f"{prefix}{entry.name}/", entry.path))
                else:
                    yield prefix + entry.name, entry
            if not pending:
                return
            prefix, path = pending.pop()
            entries = os.scandir(path)
        except OSError as error:
            reason = f"the directory cannot be read: {error.strerror or error}"
            result.problems.append(_problem(prefix or "./", Status.FAILED, reason))
            entries = iter(())


def _is_hidden(entry: "os.DirEntry[str]") -> bool:
    if entry.name.startswith("."):
        return True
    if os.name != "nt":
        return False
    attributes: Any = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)


def _local_file(relative: str, entry: "os.DirEntry[str]", result: ScanResult) -> Optional[LocalFile]:
    """The file; None if the entry is none, or cannot be transferred."""
    problem = name_problem(relative)
    if problem is not None:
        result.problems.append(_problem(relative, Status.FAILED, f"{problem}; rename the file"))
        return None
    try:
        info = entry.stat()
    except OSError as error:
        is_link = entry.is_symlink()
        reason = "it is a broken link" if is_link else f"it cannot be read: {error.strerror or error}"
        result.problems.append(_problem(relative, Status.FAILED, reason))
        return None
    if stat.S_ISREG(info.st_mode):
        times = info.st_mtime_ns, info.st_ctime_ns
        return LocalFile(normalized(relative), relative, entry.path, info.st_size, *times)
    # A link to a directory has none of these kinds, and is skipped silently.
    kind = next((kind for is_kind, kind in _KINDS if is_kind(info.st_mode)), None)
    if kind is not None:
        result.problems.append(_problem(relative, Status.SKIPPED, f"it is {kind}"))
    return None


def _problem(relative: str, status: Status, reason: str) -> Outcome:
    return Outcome("scan", relative, status, reason, message=f"'{one_line(shown(relative))}' is skipped: {reason}.")


def file_finder(root: str) -> Callable[[str], bool]:
    """A function that says if `root` has a file with a key, however the disk spells its extension.

    It reads a directory once, when it is needed. In one that cannot be read, any file may exist.
    """
    keys_in = lru_cache(maxsize=None)(_keys_in)

    def exists(key: str) -> bool:
        path = os.path.join(root, *key.split("/"))
        if os.path.lexists(path):
            return True
        keys = keys_in(os.path.dirname(path))
        return keys is None or os.path.basename(path) in keys

    return exists


def _keys_in(directory: str) -> Optional[AbstractSet[str]]:
    """The keys that differ from the names of files in a directory; None if it cannot be read."""
    try:
        with os.scandir(directory) as entries:
            keys = ((normalized(entry.name), entry.name) for entry in entries)
            return {key for key, name in keys if key != name}
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except (OSError, ValueError):  # ValueError: the path has a NUL byte
        return None


def shown(path: str) -> str:
    """A path as one line of text. A byte that is not UTF-8 is printed as an escape such as \\xe9."""
    try:
        path = os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        pass  # a lone surrogate that is no byte: from the server, and escaped by one_line()
    return one_line(path, None)
