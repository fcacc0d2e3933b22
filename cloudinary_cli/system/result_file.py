"""Output files for results. The path is checked first, and the file is replaced only when the result is complete.

ResultFile takes the result in parts, output_file() as a whole.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import IO, Callable, ContextManager, Iterator, Optional, Union

from cloudinary_cli.system.file_access import file_errors, own_descriptor
from cloudinary_cli.system.files import PendingFile, current_umask

Save = Callable[[str], None]


class ResultFile:
    """A context manager for write() and commit(). Without a commit, a regular file keeps its content.

    Parts are written to a device, a pipe or /dev/stdout immediately. An existing file keeps its permissions.

    :param option: the option that names the file, for errors.
    :raises CliError: the path cannot be written, or the file system reports an error later.
    """

    def __init__(self, path: str, option: str) -> None:
        self.path = path
        self._problem = f"Cannot write the {option} file {path}"
        with self.errors():
            descriptor = own_descriptor(path)
            mode = _mode(path) if descriptor is None else None
            if descriptor is None and (mode is None or stat.S_ISREG(mode)):
                self._target: Union[PendingFile, IO[bytes]] = PendingFile(path)
            else:
                self._target = open(path if descriptor is None else os.dup(descriptor), "wb")  # noqa: SIM115
        self._permissions = 0o666 & ~current_umask() if mode is None else stat.S_IMODE(mode)

    def write(self, text: str) -> None:
        with self.errors():
            # JSON has no lone surrogates at this point. In a CSV they are escaped, so that the file is valid UTF-8.
            self._target.write(text.encode("utf-8", "backslashreplace"))

    def commit(self) -> None:
        """Replace the file with the written content."""
        with self.errors():
            if isinstance(self._target, PendingFile):
                self._target.publish(self._permissions)
            else:
                self._target.flush()

    def errors(self) -> ContextManager[None]:
        """Raise the errors of the file system in the block as a CliError that names the file."""
        return file_errors(self._problem)

    def __enter__(self) -> "ResultFile":
        return self

    def __exit__(self, *error: object) -> None:
        if isinstance(self._target, PendingFile):
            self._target.discard()
            return
        with suppress(OSError):  # closing flushes data that the device refused before; that error was already raised
            self._target.close()


@contextmanager
def output_file(path: Optional[str], option: str = "--save") -> Iterator[Save]:
    """Yield a function that saves text as UTF-8 in `path`, or does nothing if `path` is None.

    :param option: the option that names the file, for errors.
    :raises CliError: on entry if the path cannot be written; from the function if the file system reports an error.
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
    """The type and permissions of a file, which must be writable if it exists; None if it does not exist."""
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
