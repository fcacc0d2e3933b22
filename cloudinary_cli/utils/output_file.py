"""A file for a command's result: checked before the work begins, written in one step after it."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import IO, Callable, Iterator, Optional, Union

from cloudinary_cli.errors import CliError
from cloudinary_cli.utils.file_utils import PendingFile, current_umask

Save = Callable[[str], None]


@contextmanager
def output_file(path: Optional[str], option: str = "--save") -> Iterator[Save]:
    """Yield a function that saves a text as UTF-8 in `path`; it does nothing without a path.

    A regular file is replaced atomically and keeps its permissions; a device or pipe is written to.

    :param option: named in errors.
    :raises CliError: on entry when the path cannot be written, and from the function when the file system refuses.
    """
    if not path:
        yield lambda text: None
        return
    try:
        mode = _mode(path)
        regular = mode is None or stat.S_ISREG(mode)
        # Entered below, outside the try: an OSError of the command itself must not be reported as this file's.
        target: Union[PendingFile, IO[bytes]] = PendingFile(path) if regular else open(path, "wb")  # noqa: SIM115
    except OSError as error:
        raise _refused(path, option, error) from error
    permissions = 0o666 & ~current_umask() if mode is None else stat.S_IMODE(mode)

    def save(text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        try:
            if isinstance(target, PendingFile):
                target.commit(data, permissions)
            else:
                target.write(data)
                target.flush()
        except OSError as error:
            raise _refused(path, option, error) from error

    with target:
        yield save


def _mode(path: str) -> Optional[int]:
    """The type and permissions of an existing, writable file; None when there is none."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a directory")
    if not os.access(path, os.W_OK):
        raise PermissionError(0, "it is read-only")
    return mode


def _refused(path: str, option: str, error: OSError) -> CliError:
    return CliError(f"Cannot write the {option} file {path}: {error.strerror or error}.")
