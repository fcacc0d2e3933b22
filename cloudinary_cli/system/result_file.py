"""A file for a command's result: checked before the work begins, in its place only when it is complete.

ResultFile takes a result in parts, output_file in one piece.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Callable, Iterator, Optional, Type, Union

from cloudinary_cli.errors import CliError
from cloudinary_cli.system.files import PendingFile, current_umask

Save = Callable[[str], None]


class ResultFile:
    """A context manager: `write` parts, then `commit`; without a commit a regular file stays as it was.

    A device or pipe gets the parts as they come. A regular file that exists keeps its permissions.

    :param option: named in errors.
    :raises CliError: from the constructor when the path cannot be written, later when the file system refuses.
    """

    def __init__(self, path: str, option: str) -> None:
        self.path = path
        self._option = option
        try:
            mode = _mode(path)
            regular = mode is None or stat.S_ISREG(mode)
            self._target: Union[PendingFile, IO[bytes]] = PendingFile(path) if regular else open(path, "wb")  # noqa: SIM115
        except OSError as error:
            raise self._error(error) from error
        self._permissions = 0o666 & ~current_umask() if mode is None else stat.S_IMODE(mode)

    def write(self, text: str) -> None:
        try:
            # JSON holds no lone surrogates by now; in a CSV they become visible escapes, so the file stays UTF-8.
            self._target.write(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise self._error(error) from error

    def commit(self) -> None:
        """Put what was written in the place of the file."""
        try:
            if isinstance(self._target, PendingFile):
                self._target.publish(self._permissions)
            else:
                self._target.flush()
        except OSError as error:
            raise self._error(error) from error

    def __enter__(self) -> "ResultFile":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if isinstance(self._target, PendingFile):
            self._target.discard()
            return
        try:
            self._target.close()
        except OSError:
            # Closing flushes what the device refused a moment ago; that error has been raised already.
            pass

    def _error(self, error: OSError) -> CliError:
        return CliError(f"Cannot write the {self._option} file {self.path}: {error.strerror or error}.")


@contextmanager
def output_file(path: Optional[str], option: str = "--save") -> Iterator[Save]:
    """Yield a function that saves a text as UTF-8 in `path`; it does nothing without a path.

    :param option: named in errors.
    :raises CliError: on entry when the path cannot be written, and from the function when the file system refuses.
    """
    if path is None:
        yield lambda text: None
        return
    with ResultFile(path, option) as file:

        def save(text: str) -> None:
            file.write(text)
            file.commit()

        yield save


def _mode(path: str) -> Optional[int]:
    """The type and permissions of an existing, writable file; None when there is none."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if not path or path.endswith(("/", os.sep)):
            raise FileNotFoundError(0, "it has no file name" if path else "the name is empty") from None
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a directory")
    if not os.access(path, os.W_OK):
        raise PermissionError(0, "it is read-only")
    return mode
