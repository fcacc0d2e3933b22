"""The files of a local folder as columns. A record for each file would take four times the memory."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from operator import ne
from typing import Callable, Iterable, List, Optional, Sequence

from cloudinary_cli.transfer.engine.records import LocalFile
from cloudinary_cli.transfer.keys import normalized
from cloudinary_cli.transfer.sync.hashing import Stamp, stamp_of


class FileTable:
    """Files sorted by relative path. A *row* is the index of a file.

    :param root: the local folder. :param is_special: True for a file that must not be paired by its key alone.
    """

    def __init__(self, root: str, files: Iterable[LocalFile], is_special: Callable[[LocalFile], bool]) -> None:
        self.root = root
        paths: List[str] = []
        sizes, stamps, special = array("q"), array("q"), bytearray()
        for file in files:
            paths.append(file.relative)
            sizes.append(file.size)
            stamps.append(hash(stamp_of(file)))
            special.append(is_special(file))
        by_path = _order(paths)
        self._paths = [paths[number] for number in by_path]
        self._sizes = array("q", (sizes[number] for number in by_path))
        self._stamps = array("q", (stamps[number] for number in by_path))
        self._special = bytearray(special[number] for number in by_path)
        # Not in the loop above: the memory between the paths would not be used again.
        keys = [normalized(path) for path in self._paths]
        by_key = _order(keys)
        for first, second in zip(by_key, by_key[1:]):
            if keys[first] == keys[second]:
                self._special[first] = self._special[second] = True
        self._keys = _Keys(self._paths, bytearray(map(ne, keys, self._paths)), by_key)

    def __len__(self) -> int:
        return len(self._paths)

    def path(self, row: int) -> str:
        """The path relative to the folder."""
        return self._paths[row]

    def size(self, row: int) -> int:
        """Bytes."""
        return self._sizes[row]

    def file(self, row: int) -> LocalFile:
        """The record of a file, without its times. Its key is its normalized path."""
        path = self._paths[row]
        return LocalFile(normalized(path), path, os.path.join(self.root, *path.split("/")), self._sizes[row], 0)

    def is_unchanged(self, row: int, stamp: Stamp) -> bool:
        """True if the size and the times of the file are still those of the scan."""
        return hash(stamp) == self._stamps[row]

    def is_special(self, row: int) -> bool:
        """True if the file must not be paired by its key alone: see __init__(), or another file has the same key."""
        return bool(self._special[row])

    def row_of_path(self, path: str) -> int:
        """The row of the file with this relative path, which must exist."""
        return bisect_left(self._paths, path)

    def row_of_key(self, key: str) -> Optional[int]:
        """The row of the only file with this key; None if there is none, several, or a special one."""
        if not self.has_key(key):
            return None
        row = self._keys.rows[bisect_left(self._keys, key)]
        return None if self._special[row] else row

    def has_key(self, key: str, as_prefix: bool = False) -> bool:
        """True if a file has this key, or one that begins with it."""
        number = bisect_left(self._keys, key)
        found = self._keys[number] if number < len(self._keys) else ""
        return found.startswith(key) if as_prefix else found == key


class _Keys:
    """The sorted keys. A key that is not the path of its file is computed when it is needed."""

    def __init__(self, paths: List[str], differs: bytearray, rows: "array[int]") -> None:
        self.rows = rows
        self._paths, self._differs = paths, differs

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> str:
        row = self.rows[number]
        return normalized(self._paths[row]) if self._differs[row] else self._paths[row]


def _order(texts: Sequence[str]) -> "array[int]":
    """The indexes that sort the texts."""
    return array("I", sorted(range(len(texts)), key=texts.__getitem__))
