"""A file for a result that comes in parts: checked before the work begins, in its place only when it is complete.

The streaming counterpart of output_file, for results that are not held in memory.
"""

from __future__ import annotations

import os
import stat
from types import TracebackType
from typing import IO, Optional, Type, Union

from cloudinary_cli.errors import CliError
from cloudinary_cli.utils.file_utils import PendingFile, current_umask, flush_to_disk, sync_directory
from cloudinary_cli.utils.output_file import _mode, _refused


class _StreamedFile(PendingFile):
    def write(self, data: bytes) -> None:
        self._file.write(data)

    def finish(self, mode: int) -> None:
        """Replace the target by what was written, durable when this returns."""
        flush_to_disk(self._file)
        if hasattr(os, "fchmod"):
            os.fchmod(self._file.fileno(), mode)
        self._file.close()
        os.replace(self.path, self.target)
        sync_directory(os.path.dirname(self.target))


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
            self._target: Union[_StreamedFile, IO[bytes]] = _StreamedFile(path) if regular else open(path, "wb")  # noqa: SIM115
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
            if isinstance(self._target, _StreamedFile):
                self._target.finish(self._permissions)
            else:
                self._target.flush()
        except OSError as error:
            raise self._error(error) from error

    def __enter__(self) -> "ResultFile":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._target.__exit__(kind, error, trace)

    def _error(self, error: OSError) -> CliError:
        return _refused(self.path, self._option, error)
