"""Computes MD5 hashes of local files in the background, and reuses those of unchanged files from the last run.

A hash is cached with the size, mtime and ctime of its file. It is not cached if it was computed within two seconds of a
change, because the file could change again without new times: https://git-scm.com/docs/racy-git
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import deque
from functools import partial
from typing import Any, Callable, Deque, Dict, FrozenSet, Iterable, Optional, Tuple

from cloudinary_cli.defaults import logger
from cloudinary_cli.progress import Item, Progress
from cloudinary_cli.system.files import make_private_directory, write_atomically
from cloudinary_cli.transfer.engine.records import LocalFile

_BLOCK = 1 << 20
_RACY_NS = 2_000_000_000
_THREADS = 4
_VERSION = 2  # of the cache

Stamp = Tuple[int, int, int]


def stamp_of(file: LocalFile) -> Stamp:
    """What changes with the content: the size and the times."""
    return file.size, file.mtime_ns, file.ctime_ns


def _entry(stamp: Stamp, *more: str) -> str:
    """A line of the cache: one text takes a third of the memory of a list."""
    return " ".join([*map(str, stamp), *more])


class EtagCache:
    """The hashes of one local folder, stored in the CLI's home. An unreadable cache is treated as empty."""

    def __init__(self, home: str, root: str, clock: Callable[[], int] = time.time_ns) -> None:
        self._root = os.path.realpath(root)
        name = hashlib.sha256(os.fsencode(self._root)).hexdigest()[:20]
        self.path = os.path.join(home, "cache", f"etags-{name}.json")
        self._clock = clock
        self._known = self._load()
        self._fresh: Dict[str, str] = {}

    def _load(self) -> Dict[str, Any]:
        try:
            with open(self.path, encoding="utf-8") as file:
                content = json.load(file)
            if content["version"] == _VERSION and content["root"] == self._root:
                files = content["files"]
                return files if isinstance(files, dict) else {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            logger.debug("No hashes from an earlier run: %r", error)
        return {}

    def get(self, file: LocalFile) -> Optional[str]:
        """The hash, if the file has not changed since it was computed."""
        entry = self._known.get(file.relative)
        stamp, _, etag = entry.rpartition(" ") if isinstance(entry, str) else ("", "", "")
        return etag if etag and stamp == _entry(stamp_of(file)) else None

    def put(self, file: LocalFile, etag: str, begun_ns: int) -> None:
        """Store a hash whose computation began at `begun_ns` (epoch ns), unless the file changed just before."""
        if max(file.mtime_ns, file.ctime_ns) + _RACY_NS < begun_ns:
            self._fresh[file.relative] = _entry(stamp_of(file), etag)

    def now(self) -> int:
        return self._clock()

    def save(self, files: Iterable[LocalFile]) -> None:
        """Write the hashes of these files, and drop all others. Nothing is written if nothing changed."""
        names = {file.relative for file in files}
        gone = [name for name in self._known if name not in names]
        if not gone and not self._fresh:
            return
        for name in gone:
            del self._known[name]
        self._known.update(self._fresh)
        content = {"version": _VERSION, "root": self._root, "files": self._known}
        try:
            make_private_directory(os.path.dirname(self.path))
            write_atomically(self.path, json.dumps(content).encode("ascii"))
        except OSError as error:
            logger.debug("The hashes were not stored: %s", error)


class Hasher:
    """Hashes files in the background. A file that is needed now is hashed at once."""

    def __init__(
        self, cache: Optional[EtagCache] = None, threads: int = _THREADS, progress: Optional[Progress] = None
    ) -> None:
        self._cache = cache
        self._progress = progress or Progress()
        self._etags: Dict[str, str] = {}
        self._queue: Deque[LocalFile] = deque()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self._begun = False
        self._needed: Optional[FrozenSet[str]] = None  # None: all
        self.read = 0  # files that were opened

    def begin(self, files: Iterable[LocalFile]) -> None:
        """Start to hash these files. Returns at once."""
        for file in files:
            etag = self._cache.get(file) if self._cache else None
            if etag is None:
                self._queue.append(file)
            else:
                self._etags[file.path] = etag
        if self._queue:
            self._begun = True
            for thread in self._threads:
                thread.start()

    def finish(self, needed: Iterable[LocalFile] = ()) -> None:
        """Drop the files that are not needed, even those being read, and wait for the others."""
        paths = self._needed = frozenset(file.path for file in needed)
        rest = []
        while True:  # one by one, because the threads take files from the other end at the same time
            try:
                file = self._queue.pop()
            except IndexError:
                break
            if file.path in paths:
                rest.append(file)
        total = self.read + sum(path not in self._etags for path in paths)
        with self._progress.item("Hashing local files", detail=lambda: f"{self.read}/{max(total, self.read)}"):
            for file in rest:
                self.etag(file)
            if self._begun:
                for thread in self._threads:
                    thread.join()

    def etag(self, file: LocalFile) -> str:
        """MD5 of the content, hexadecimal; empty for an unreadable file, so that it equals no asset."""
        known = self._etags.get(file.path)
        if known is None and self._cache:
            known = self._cache.get(file)
        return self._compute(file) if known is None else known

    def save(self, files: Iterable[LocalFile]) -> None:
        """Store the hashes for the next run."""
        if self._cache:
            self._cache.save(files)

    def _work(self) -> None:
        while True:
            try:
                file = self._queue.popleft()
            except IndexError:
                return
            self._compute(file, partial(self._is_needed, file.path))

    def _is_needed(self, path: str) -> bool:
        return self._needed is None or path in self._needed

    def _compute(self, file: LocalFile, is_needed: Callable[[], bool] = lambda: True) -> str:
        begun = self._cache.now() if self._cache else 0
        try:
            with self._progress.item(file.relative, file.size) as item:
                etag, stamp = read_digest(file, is_needed, item)
        except NotNeeded:
            return ""
        except OSError as error:
            logger.debug("Cannot read '%s': %s", file.path, error)
            etag, stamp = "", None
        self.read += 1
        self._etags[file.path] = etag
        if stamp == stamp_of(file) and self._cache:
            self._cache.put(file, etag, begun)
        return etag


class NotNeeded(Exception):
    """The hash is no longer needed."""


def read_digest(file: LocalFile, is_needed: Callable[[], bool], item: Item) -> Tuple[str, Stamp]:
    """The hash, and the stamp of the file after it was read.

    :raises OSError: it cannot be read. :raises NotNeeded: the hash is no longer needed.
    """
    digest = hashlib.md5()  # noqa: S324 - the API's etag is an MD5
    buffer = memoryview(bytearray(min(_BLOCK, max(file.size, 1))))
    with open(file.path, "rb", buffering=0) as stream:
        while True:
            count = stream.readinto(buffer)
            if not count:
                break
            if not is_needed():
                raise NotNeeded
            digest.update(buffer[:count])
            item.position += count
        info = os.fstat(stream.fileno())
    return digest.hexdigest(), (info.st_size, info.st_mtime_ns, info.st_ctime_ns)
