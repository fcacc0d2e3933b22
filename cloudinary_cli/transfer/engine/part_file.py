"""Temporary files in the directories of their targets.

They are locked while they are written, so that the files of killed runs can be recognized.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager, suppress
from typing import IO, Iterator

from cloudinary_cli.system import files as file_utils
from cloudinary_cli.system.files import create_locked

PREFIX = ".cld-part-"
_NAME = re.compile(re.escape(PREFIX) + r"[0-9a-f]{16}\Z")


def new_path(directory: str) -> str:
    """The path of a new temporary file in a directory."""
    return os.path.join(directory, PREFIX + secrets.token_hex(8))


@contextmanager
def part_file(path: str) -> Iterator[IO[bytes]]:
    """Create the file at a path from new_path(), with the permissions that the umask allows.

    The block publishes it. If the block fails, the file is removed.

    :raises OSError: the file cannot be created.
    """
    # Buffered: on a disk that is almost full, an unbuffered write() stores a part of the data without an error.
    file = create_locked(path, 0o666)
    is_published = False
    try:
        yield file
        is_published = True
    finally:
        with suppress(OSError):  # on a full disk, closing fails to flush again
            file.close()
        if not is_published:
            with suppress(OSError):  # the file is already gone when the run was aborted
                os.unlink(path)


def remove_orphan(path: str) -> bool:
    """Remove the temporary file of a killed run. False if it is in use, or is not a temporary file."""
    return bool(_NAME.match(os.path.basename(path))) and file_utils.remove_orphan(path)
