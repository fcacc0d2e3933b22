"""ConfigStore: loads, locks, changes and saves config.json."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.config import file as config_file
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.group_commit import GroupCommit
from cloudinary_cli.config.rules import DefaultStatus, is_reserved_config_name
from cloudinary_cli.defaults import CONFIG_LOCK_TIMEOUT_SECONDS, DEFAULT_CONFIG_KEY, logger
from cloudinary_cli.errors import ConfigFileError, ConfigNotFound, NoHomeDirectory
from cloudinary_cli.system.lock import file_lock

if TYPE_CHECKING:
    from cloudinary_cli.system.files import PendingFile

_BOM = b"\xef\xbb\xbf"
Stamp = Tuple[int, int, int]


class ConfigStore:
    """One config.json: a flat JSON object of name -> URL. Safe for threads and processes.

    :param path: the file; without it, the path is computed on each use, because the home directory may change.
    :param lock_timeout: in seconds.
    """

    def __init__(self, path: Optional[str] = None, lock_timeout: float = CONFIG_LOCK_TIMEOUT_SECONDS) -> None:
        self._path = path
        self.lock_timeout = lock_timeout
        self._cached: Optional[Tuple[str, Stamp, Dict[str, Any]]] = None
        self._parsed: Tuple[bytes, Dict[str, Any]] = (b"", {})
        self._warned_bom = False
        self._group = GroupCommit(self.transaction)

    @property
    def path(self) -> str:
        return self._path or defaults.config_file()

    @property
    def lock_base(self) -> str:
        """The prefix of the paths of lock files. Links are resolved, so that all links to one file share its locks."""
        return os.path.realpath(self.path)

    # -- reading

    def load(self) -> Dict[str, Any]:
        """A copy of the content, from the cache while the file's (mtime, size, inode) stay the same.

        A default that names no entry is omitted. Takes no lock and creates no file.

        :raises ConfigFileError: the file cannot be read, or is not a JSON object.
        """
        try:
            path = self.path
        except NoHomeDirectory:
            return {}  # commands that need no saved configuration work without a home directory (some containers)
        stamp = self._stamp(path)
        if stamp is None:
            return {}
        cached = self._cached
        if cached is None or cached[:2] != (path, stamp):
            cached = (path, stamp, self._read(path))
            self._cached = cached
        content = dict(cached[2])
        config_rules.drop_dangling_default(content)
        return content

    def _stamp(self, path: str) -> Optional[Stamp]:
        try:
            info = os.stat(path)
        except OSError as error:
            # A dangling link (for example to a disk that is not mounted) is an error, not a missing configuration.
            if isinstance(error, FileNotFoundError) and not os.path.islink(path):
                return None
            if isinstance(error, NotADirectoryError) and config_file.is_below_a_device(path):
                return None
            raise config_file.unreadable(path, error) from error
        if os.name == "posix" and stat.S_ISREG(info.st_mode) and info.st_mode & 0o077:
            config_file.tighten(path)
        # The inode distinguishes two atomic writes within one tick of the file system's clock.
        return info.st_mtime_ns, info.st_size, info.st_ino

    def _read(self, path: str) -> Dict[str, Any]:
        data = config_file.read_bytes(path)
        if data.startswith(_BOM):
            data = data[len(_BOM) :]
            if not self._warned_bom:
                self._warned_bom = True
                logger.warning("%s starts with a byte order mark. Save it as UTF-8 without BOM.", path)
        return self._parse(path, data)

    def _parse(self, path: str, data: bytes) -> Dict[str, Any]:
        """The content of `data`. Callers copy it before they change it. Equal bytes are parsed only once."""
        known = self._parsed
        if not known[0] or known[0] != data:
            known = self._parsed = (data, config_file.parse_content(path, data))
        return known[1]

    def mtime(self) -> int:
        """Modification time in nanoseconds, 0 when the file is absent."""
        try:
            return os.stat(self.path).st_mtime_ns
        except OSError:
            return 0

    # -- writing

    def make_directory(self) -> None:
        """Create the directory of the file, with mode 0700.

        :raises ConfigFileError: the directory cannot be created.
        """
        config_file.make_home(os.path.dirname(self.path))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the cross-process lock, which is reentrant in a thread. Creates the directory.

        :raises LockTimeout: after `lock_timeout` seconds.
        """
        path = self.path
        config_file.make_home(os.path.dirname(path))
        if os.path.islink(path):
            self._stamp(path)  # refuses a dangling link, whose lock file would have no directory
        with file_lock(self.lock_base + ".lock", self.lock_timeout, path):
            yield

    @contextmanager
    def transaction(self, pending: Optional[PendingFile] = None) -> Iterator[Dict[str, Any]]:
        """Lock, read the file, let the block change the dictionary, and save it if it changed.

        :param pending: a temporary file reserved earlier, used for the save.
        :raises ConfigFileError: the file cannot be read or written. It was not changed.
        """
        with self.lock():
            stamp = self._stamp(self.path)
            before = self._read_for_change()
            content = dict(before)
            yield content
            if content == before:
                return
            while True:
                # Where locks have no effect (NFS with `nolock`), another process may have saved in the meantime.
                latest = self._stamp(self.path)
                if latest == stamp:
                    break
                stamp, now = latest, self._read_for_change()
                content, before = config_file.rebased(content, before, now), now
            config_rules.drop_dangling_default(content)
            self._write(content, pending)

    def change(self, function: Callable[[Dict[str, Any]], Any], pending: Optional[PendingFile] = None) -> Any:
        """Call `function` with the content, and return its result. Threads may share one transaction (group commit).

        :raises ConfigFileError: as transaction(), in every thread whose change was part of the failed write.
        """
        return self._group.run(function, pending)

    def _read_for_change(self) -> Dict[str, Any]:
        path = self.path
        if not os.path.lexists(path):
            return {}
        data = config_file.read_bytes(path)
        if data.startswith(_BOM):
            raise ConfigFileError(f"{path} starts with a byte order mark. Save it as UTF-8 without BOM; not changed.")
        return self._parse(path, data)

    def load_fresh(self) -> Dict[str, Any]:
        """Like load(), but always reads the file. For decisions under a lock: on NFS, stat() may be outdated."""
        self._cached = None
        return self.load()

    def reserve(self, name: str, extra: int = 16384) -> PendingFile:
        """A temporary file with disk space for the current content and `extra` bytes.

        :param name: a part of the file's name; the caller holds a lock that makes it the only user of that name.
        :param extra: in bytes.
        :raises ConfigFileError: the file cannot be created, or the disk is full.
        """
        from cloudinary_cli.system.files import PendingFile

        path = self.path
        try:
            config_file.make_home(os.path.dirname(path))
            size = os.path.getsize(path) if os.path.exists(path) else 0
            return PendingFile(path, size + extra, name)
        except OSError as error:
            raise config_file.unwritable(path, error) from error

    def save(self, cfg: Mapping[str, Any]) -> None:
        """Replace the whole content, atomically and durably."""
        with self.lock():
            self._write(cfg, None)

    def _write(self, cfg: Mapping[str, Any], pending: Optional[PendingFile]) -> None:
        from cloudinary_cli.system.files import PendingFile

        path, data = self.path, config_file.serialize(cfg)
        self._cached, self._parsed = None, (data, dict(cfg))
        try:
            if pending is not None and pending.target == os.path.realpath(path):
                pending.commit(data, config_file.PRIVATE)
            else:
                with PendingFile(path, name=os.path.basename(path)) as fresh:
                    fresh.commit(data, config_file.PRIVATE)
        except OSError as error:
            raise config_file.unwritable(path, error) from error

    # -- named configurations

    def save_named(self, name: str, url: str, set_default: bool, env_configured: bool) -> DefaultStatus:
        """Save one entry and apply the default rules in the same write."""
        with self.transaction() as cfg:
            return config_rules.put_entry(cfg, name, url, set_default, env_configured)

    def remove_named(self, name: str, env_configured: bool) -> bool:
        """Remove one entry and apply the default rules in the same write. False if there was no such entry."""
        with self.transaction() as cfg:
            return config_rules.drop_entry(cfg, name, env_configured)

    def set_default(self, name: str) -> None:
        """Make a saved entry the default.

        :raises ConfigNotFound: there is no such entry. Checked under the lock.
        """
        with self.transaction() as cfg:
            if is_reserved_config_name(name) or name not in cfg:
                raise ConfigNotFound(name)
            cfg[DEFAULT_CONFIG_KEY] = name

    def clear_default(self) -> bool:
        """Remove the default; False when there was none."""
        with self.transaction() as cfg:
            return cfg.pop(DEFAULT_CONFIG_KEY, None) is not None
