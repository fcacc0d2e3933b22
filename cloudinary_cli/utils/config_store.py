"""ConfigStore: config.json loaded, locked, changed and saved 0600. Knows no auth, no SDK, and prints nothing."""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.defaults import CONFIG_LOCK_TIMEOUT_SECONDS, DEFAULT_CONFIG_KEY, logger
from cloudinary_cli.errors import ConfigFileError, ConfigNotFound, NoHomeDirectory
from cloudinary_cli.utils import config_rules
from cloudinary_cli.utils.config_lock import file_lock
from cloudinary_cli.utils.config_rules import DefaultStatus, is_reserved_config_name
from cloudinary_cli.utils.group_commit import GroupCommit

if TYPE_CHECKING:
    from cloudinary_cli.utils.file_utils import PendingFile

_PRIVATE = 0o600
_BOM = b"\xef\xbb\xbf"
Stamp = Tuple[int, int, int]


class ConfigStore:
    """One config.json: a flat JSON object of name -> URL. Safe for threads and processes.

    :param path: the file; without it, the path is computed on each use, so that a changed home is honoured.
    """

    def __init__(self, path: Optional[str] = None, lock_timeout: float = CONFIG_LOCK_TIMEOUT_SECONDS) -> None:
        self._path = path
        self.lock_timeout = lock_timeout
        self._cached: Optional[Tuple[str, Stamp, Dict[str, Any]]] = None
        self._warned_bom = False
        self._group = GroupCommit(self.transaction)

    @property
    def path(self) -> str:
        return self._path or defaults.config_file()

    @property
    def lock_base(self) -> str:
        """What the names of lock files begin with: the file itself, so that all links to it share their locks."""
        return os.path.realpath(self.path)

    # -- reading

    def load(self) -> Dict[str, Any]:
        """A copy of the content, from the cache while the file's (mtime, size, inode) stay the same.

        A dangling default is left out. Never takes the lock, never creates anything.

        :raises ConfigFileError: when the file cannot be read or is not a JSON object.
        """
        try:
            path = self.path
        except NoHomeDirectory:
            return {}  # what needs no saved configuration must work, such as in a container with a user of no name
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
            # A link into nowhere (a disk that is not mounted) is not the same as no configuration.
            if isinstance(error, FileNotFoundError) and not os.path.islink(path):
                return None
            if isinstance(error, NotADirectoryError) and _is_below_a_device(path):
                return None
            raise _unreadable(path, error) from error
        if os.name == "posix" and stat.S_ISREG(info.st_mode) and info.st_mode & 0o077:
            _tighten(path)
        # The inode tells two saves apart that fall into one tick of the file system's clock.
        return info.st_mtime_ns, info.st_size, info.st_ino

    def _read(self, path: str) -> Dict[str, Any]:
        data = read_bytes(path)
        if data.startswith(_BOM):
            data = data[len(_BOM) :]
            if not self._warned_bom:
                self._warned_bom = True
                logger.warning("%s starts with a byte order mark. Save it as UTF-8 without BOM.", path)
        return parse_content(path, data)

    def mtime(self) -> int:
        """Modification time in nanoseconds, 0 when the file is absent."""
        try:
            return os.stat(self.path).st_mtime_ns
        except OSError:
            return 0

    # -- writing

    def make_directory(self) -> None:
        """Make the directory of the file, private.

        :raises ConfigFileError: when it cannot be made.
        """
        _make_private_directory(os.path.dirname(self.path))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the cross-process lock; reentrant in a thread. Makes the directory.

        :raises LockTimeout: after `lock_timeout` seconds.
        """
        path = self.path
        _make_private_directory(os.path.dirname(path))
        if os.path.islink(path):
            self._stamp(path)  # a link into nowhere is refused: its lock has no place
        with file_lock(self.lock_base + ".lock", self.lock_timeout, path):
            yield

    @contextmanager
    def transaction(self, pending: Optional[PendingFile] = None) -> Iterator[Dict[str, Any]]:
        """Lock, read the file afresh, let the block change the dictionary, save it if it changed.

        :param pending: a temporary file reserved earlier, used for the save.
        :raises ConfigFileError: when the file is unusable (it is then left as it is) or cannot be written.
        """
        with self.lock():
            stamp = self._stamp(self.path)
            before = self._read_for_change()
            content = dict(before)
            yield content
            if content == before:
                return
            while True:
                # Where locks do nothing (NFS with `nolock`), another process may have saved meanwhile.
                latest = self._stamp(self.path)
                if latest == stamp:
                    break
                stamp, now = latest, self._read_for_change()
                content, before = _rebased(content, before, now), now
            config_rules.drop_dangling_default(content)
            self._write(content, pending)

    def change(self, function: Callable[[Dict[str, Any]], Any], pending: Optional[PendingFile] = None) -> Any:
        """The result of `function`, called with the content in a transaction that threads share (group commit).

        :raises ConfigFileError: as transaction(), to every thread whose change was in the failed write.
        """
        return self._group.run(function, pending)

    def _read_for_change(self) -> Dict[str, Any]:
        path = self.path
        if not os.path.lexists(path):
            return {}
        data = read_bytes(path)
        if data.startswith(_BOM):
            raise ConfigFileError(f"{path} starts with a byte order mark. Save it as UTF-8 without BOM; not changed.")
        return parse_content(path, data)

    def load_fresh(self) -> Dict[str, Any]:
        """Like load, but from the file whatever the cache says: for decisions under a lock."""
        self._cached = None
        return self.load()

    def reserve(self, name: str, extra: int = 16384) -> PendingFile:
        """A temporary file, flushed to the disk, with room for the present content and `extra` bytes.

        :param name: makes the file's name; the caller holds a lock that makes it the only user of that name.

        :raises ConfigFileError: disk full, read-only, no permission.
        """
        from cloudinary_cli.utils.file_utils import PendingFile

        path = self.path
        try:
            _make_private_directory(os.path.dirname(path))
            size = os.path.getsize(path) if os.path.exists(path) else 0
            return PendingFile(path, size + extra, name)
        except OSError as error:
            raise _unwritable(path, error) from error

    def save(self, cfg: Mapping[str, Any]) -> None:
        """Replace the whole content, atomically and durably."""
        with self.lock():
            self._write(cfg, None)

    def _write(self, cfg: Mapping[str, Any], pending: Optional[PendingFile]) -> None:
        from cloudinary_cli.utils.file_utils import PendingFile

        path, data = self.path, _serialize(cfg)
        self._cached = None
        try:
            if pending is not None and pending.target == os.path.realpath(path):
                pending.commit(data, _PRIVATE)
            else:
                with PendingFile(path, name=os.path.basename(path)) as fresh:
                    fresh.commit(data, _PRIVATE)
        except OSError as error:
            raise _unwritable(path, error) from error

    # -- named configurations

    def save_named(self, name: str, url: str, set_default: bool, env_configured: bool) -> DefaultStatus:
        """Save one entry and apply the default rules in the same write."""
        with self.transaction() as cfg:
            return config_rules.put_entry(cfg, name, url, set_default, env_configured)

    def remove_named(self, name: str, env_configured: bool) -> bool:
        """Remove one entry and re-point the default in the same write. False when there was none."""
        with self.transaction() as cfg:
            return config_rules.drop_entry(cfg, name, env_configured)

    def set_default(self, name: str) -> None:
        """Make a saved entry the default.

        :raises ConfigNotFound: checked under the lock.
        """
        with self.transaction() as cfg:
            if is_reserved_config_name(name) or name not in cfg:
                raise ConfigNotFound(name)
            cfg[DEFAULT_CONFIG_KEY] = name

    def clear_default(self) -> bool:
        """Forget the default; False when there was none."""
        with self.transaction() as cfg:
            return cfg.pop(DEFAULT_CONFIG_KEY, None) is not None


def _rebased(content: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> Dict[str, Any]:
    """`now` with the changes that made `content` of `before`."""
    kept = {key: value for key, value in now.items() if key in content or key not in before}
    return {**kept, **{key: value for key, value in content.items() if key not in before or before[key] != value}}


def read_bytes(path: str) -> bytes:
    """The file's bytes.

    :raises ConfigFileError: names the file and the system's reason.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            # Opening a named pipe would wait for ever for somebody to write.
            raise ConfigFileError(f"{path} is not a regular file. Move it away.")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise _unreadable(path, error) from error


def parse_content(path: str, data: bytes) -> Dict[str, Any]:
    """The JSON object in `data`; `path` is named in the error.

    :raises ConfigFileError: empty, not UTF-8, not JSON, or not an object.
    """
    remedy = "Repair it, or move it away and log in again; it was not changed."
    if not data.strip(b"\0 \t\r\n"):
        raise ConfigFileError(
            f"{path} is empty, perhaps after a crash. Restore it from a backup or delete it: rm {path}"
        )
    try:
        content = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigFileError(f"{path} is not UTF-8 text. {remedy}") from None
    except ValueError as error:
        raise ConfigFileError(f"{path} is not valid JSON ({error}). {remedy}") from None
    except RecursionError:
        raise ConfigFileError(f"{path} is nested too deeply. {remedy}") from None
    if not isinstance(content, dict):
        raise ConfigFileError(f"{path} does not hold a JSON object of name: URL. {remedy}")
    return content


def _serialize(cfg: Mapping[str, Any]) -> bytes:
    if cfg and all(type(value) is str for value in cfg.values()):
        # The same text as with indent=2, from json's C encoder, which knows no indent: a fifth of the time.
        text = json.dumps(cfg, separators=(",\n  ", ": "), ensure_ascii=False)
        text = "{\n  " + text[1:-1] + "\n}"
    else:
        text = json.dumps(cfg, indent=2, ensure_ascii=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate (a name that was not UTF-8 on the command line) is legal in JSON as an escape only.
        return json.dumps(cfg, indent=2).encode("ascii")


def _unreadable(path: str, error: OSError) -> ConfigFileError:
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        return ConfigFileError(f"{path} is a symbolic link to {os.path.realpath(path)}, which does not exist.")
    advice = {IsADirectoryError: " Move it away.", PermissionError: " Check its owner and mode."}.get(type(error), "")
    return ConfigFileError(f"Cannot read {path}: {error.strerror or error}.{advice}")


def _unwritable(path: str, error: OSError) -> ConfigFileError:
    return ConfigFileError(f"Cannot write {path}: {error.strerror or error}. It was not changed.")


def _is_below_a_device(path: str) -> bool:
    """True for HOME=/dev/null, which says that there is no home; a file in the way is a mistake."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return not os.path.isfile(path) and not os.path.isdir(path)


def _tighten(path: str) -> None:
    try:
        os.chmod(path, _PRIVATE)
    except OSError:
        # Somebody else's file, or a file system without modes: reading it is still what the user asked for.
        logger.debug("Cannot make %s private.", path)


def _make_private_directory(directory: str) -> None:
    try:
        from cloudinary_cli.utils.file_utils import make_private_directory

        make_private_directory(directory)
        # Only the directory that is the CLI's own by name: CLOUDINARY_HOME may point to a shared one.
        if (
            os.name == "posix"
            and os.path.basename(directory) == ".cloudinary-cli"
            and os.stat(directory).st_mode & 0o077
        ):
            os.chmod(directory, 0o700)
    except OSError as error:
        advice = "Set CLOUDINARY_HOME to one that you can write to."
        raise ConfigFileError(f"Cannot use the directory {directory}: {error.strerror or error}. {advice}") from error
