"""Moves and copies files without overwriting anything, unlike os.rename() and os.replace()."""

from __future__ import annotations

import errno
import os
import shutil


def move_new(source: str, target: str) -> None:
    """Rename a file.

    :raises FileExistsError: `target` exists. :raises OSError: the file system refuses, or `target` is on another one.
    """
    try:
        link_new(source, target)
    except FileExistsError:
        raise
    except OSError:  # there are no hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(source, target)
    else:
        os.unlink(source)


def link_new(source: str, target: str) -> None:
    """Give a file a second name. A symbolic link is not followed.

    :raises FileExistsError: `target` exists. :raises OSError: another file system, or one without hard links.
    """
    if os.link in os.supports_follow_symlinks:
        os.link(source, target, follow_symlinks=False)
    else:
        os.link(source, target)


def copy_new(source: str, target: str, temporary: str) -> None:
    """Copy a file with its times and permissions. The copy is on the disk when this returns.

    :param temporary: a new path in the directory of `target`; removed by the caller after an error.
    :raises FileExistsError: `target` exists. :raises OSError: the file system refuses.
    """
    with open(source, "rb") as reader, open(temporary, "xb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())
    shutil.copystat(source, temporary)
    move_new(temporary, target)
