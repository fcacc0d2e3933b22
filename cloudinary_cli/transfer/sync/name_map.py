"""`.cld-sync`: the file that maps local files to assets whose names the server has changed."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from typing import AbstractSet, Dict, Mapping

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError
from cloudinary_cli.system.files import flush_to_disk, publish, sync_directory
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.engine.part_file import new_path, part_file
from cloudinary_cli.transfer.keys import NAME_MAP
from cloudinary_cli.transfer.scan import file_finder


@dataclass(frozen=True)
class NameMap:
    """The content of `<root>/.cld-sync`: local key -> remote key, for keys that differ."""

    path: str
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, root: str) -> "NameMap":
        """Read the file. A missing or empty file is an empty map.

        :raises CliError: it is not a JSON object of strings, or cannot be read.
        """
        path = os.path.join(root, NAME_MAP)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise _unusable(path, "it is not a regular file")
            with open(path, encoding="utf-8", opener=_without_blocking) as file:
                text = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return cls(path)
        except (OSError, ValueError) as error:
            raise _unusable(path, getattr(error, "strerror", None) or "it is not UTF-8 text") from error
        return cls(path, _parsed(path, text))

    def effective(self, remote_keys: AbstractSet[str]) -> Dict[str, str]:
        """The entries whose remote key exists."""
        return {local: remote for local, remote in self.names.items() if remote in remote_keys}

    def updated(self, uploaded: Mapping[str, str], local_keys: AbstractSet[str]) -> Dict[str, str]:
        """The entries after an upload, without those of deleted files.

        :param uploaded: local key -> remote key of each uploaded file, including equal keys.
        """
        merged = {**self.names, **uploaded}
        exists = file_finder(os.path.dirname(self.path))  # a file that is not part of this run, such as a hidden one
        return {
            local: remote
            for local, remote in merged.items()
            if local != remote and (local in local_keys or exists(local))
        }

    def save(self, uploaded: Mapping[str, str], local_keys: AbstractSet[str]) -> None:
        """Merge the changes into the current file, which another process may have changed. A failure is only logged."""
        try:
            current = NameMap.load(os.path.dirname(self.path))
            names = current.updated(uploaded, local_keys)
            if names != current.names:
                # json reads the escape of a lone surrogate, which UTF-8 cannot represent.
                text = json.dumps(dict(sorted(names.items())), indent=2, ensure_ascii=False)
                _write(self.path, text.encode("utf-8", "backslashreplace"))
                logger.debug("%s was updated: %s", self.path, names)
        except (OSError, CliError) as error:
            logger.warning("Cannot save %s: %s", self.path, getattr(error, "strerror", None) or error)


def _without_blocking(path: str, flags: int) -> int:
    # The file may have been replaced by a pipe since the check. Opening a pipe waits for a writer otherwise.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _write(path: str, data: bytes) -> None:
    target = os.path.realpath(path)  # a symbolic link is kept
    temporary = new_path(os.path.dirname(target))
    with part_file(temporary) as file:
        file.write(data)
        flush_to_disk(file)
        publish(file, temporary, target)
    sync_directory(os.path.dirname(target))


def _parsed(path: str, text: str) -> Dict[str, str]:
    if not text.strip():
        return {}
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        raise _unusable(path, "it is not JSON") from None
    if not isinstance(names, dict) or not all(isinstance(value, str) for value in names.values()):
        raise _unusable(path, "it is not a JSON object of strings")
    # Remote keys are in normal form C. A local key may have the spelling of the disk.
    return {local: nfc(remote) for local, remote in names.items()}


def _unusable(path: str, reason: str) -> CliError:
    return CliError(
        f"Cannot use {path}: {reason}. Correct it, or delete it: files whose names changed are then paired again."
    )
