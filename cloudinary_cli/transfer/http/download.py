"""Downloads to a temporary file in the target's directory, verifies the content, and renames the file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import IO, Any, Callable, List, Optional

from urllib3.exceptions import HTTPError, ProtocolError

from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.net.bandwidth import Bandwidth
from cloudinary_cli.net.connector import Request
from cloudinary_cli.progress import current_item
from cloudinary_cli.system.file_access import file_errors
from cloudinary_cli.system.files import publish
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.part_file import PREFIX, new_path, part_file
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.keys import name_problem

# Device names on Windows, with any extension:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))])


class _Mismatch(ProtocolError):
    """A complete response whose content is not the listed content. Retried like an incomplete response."""


@dataclass(frozen=True)
class Expected:
    """The content according to the server's listing. Unknown members are not compared."""

    size: Optional[int] = None  # bytes
    etag: str = ""  # MD5, hexadecimal


def unsafe_reason(relative: str) -> Optional[str]:
    """Why a path relative to the local folder must not be written; None if it may be.

    Names come from the server: `..`, an absolute path, a drive or a device would write outside the folder.
    """
    parts = relative.split("/")
    if not relative or any(part in ("", ".", "..") for part in parts):
        return "its name leads out of the folder"
    problem = name_problem(relative)
    if problem is not None:
        return problem
    if any(part.startswith(PREFIX) for part in parts):
        return "its name is that of a temporary file"
    return _windows_reason(parts) if os.name == "nt" else None


def _windows_reason(parts: List[str]) -> Optional[str]:
    for part in parts:
        if any(char in part for char in '\\:*?"<>|') or part[-1] in ". ":
            return "its name cannot be a file name on Windows"
        if part.split(".")[0].lower().strip() in _DEVICES:
            return "its name is a device on Windows"
    return None


def target_path(root: str, relative: str, resolve: Callable[[str], str] = os.path.realpath) -> str:
    """The path below `root`. Missing directories are created, unless a link leads out of `root`.

    :param resolve: resolves the links in a path.
    :raises CliError: the name is unsafe, or the directory cannot be created.
    """
    reason = unsafe_reason(relative)
    if reason is not None:
        raise CliError(f"'{one_line(relative)}' is skipped: {reason}.")
    base = resolve(root)
    path = os.path.join(base, *relative.split("/"))
    directory = os.path.dirname(path)
    # Checked before anything is created, so that no directory is created outside `root` through a link.
    if not is_within(resolve(directory), base):
        raise CliError(f"'{one_line(relative)}' is skipped: a link leads out of the folder.")
    if not os.path.isdir(directory):
        with file_errors(f"Cannot create the directory of '{one_line(relative)}'"):
            os.makedirs(directory, exist_ok=True)
    if os.path.isdir(path) and not os.path.islink(path):
        raise CliError(f"'{one_line(relative)}' cannot be written: a directory of that name is there.")
    return path


def is_within(path: str, base: str) -> bool:
    return path == base or path.startswith(base.rstrip(os.sep) + os.sep)


def download(session: TransferSession, url: str, path: str, expected: Expected) -> int:
    """Download `url` to the file `path`. The old file stays until the new one is complete. Returns the size in bytes.

    :raises ApiError: refused, incomplete, or with unexpected content, after the retries.
    :raises CliError: the file cannot be written. :raises Stopped: stopped before the request was sent.
    """
    temporary = new_path(os.path.dirname(path))
    with session.stop.temporary(temporary), file_errors(f"Cannot write '{path}'"):
        try:
            with part_file(temporary) as file:
                size: int = session.connector.send(
                    Request("GET", url, {"Accept-Encoding": "identity"}),
                    lambda response: _receive(response, file, expected, session.bandwidth),
                )
                publish(file, temporary, path)
        except _Mismatch as error:
            raise ApiError(f"{error}.") from error
        except HTTPError as error:
            raise ApiError(session.connector.describe_failure(url, error)) from error
    return size


def _receive(response: Any, file: IO[bytes], expected: Expected, bandwidth: Bandwidth) -> int:
    if response.status != 200:
        details = response.headers.get("X-Cld-Error") or ""
        response.drain_conn()
        raise ApiError(f"status code: {response.status}, details: {one_line(details)}", response.status)
    digest = hashlib.md5()  # noqa: S324 - the etag of the API is an MD5
    item, size = current_item(), 0
    if file.tell():  # an earlier attempt has left content
        file.seek(0)
        file.truncate()
    for block in response.stream(bandwidth.block, decode_content=False):
        bandwidth.take(len(block))
        item.position = size = size + len(block)
        if expected.size is not None and size > expected.size:
            # An endless response must not fill the disk.
            raise _Mismatch(f"more than the listed {expected.size} bytes were received")
        file.write(block)
        digest.update(block)
    if expected.etag and digest.hexdigest() != expected.etag.lower():
        raise _Mismatch(f"the received content ({size} bytes) has another etag than the listed one")
    if not expected.etag and expected.size is not None and size != expected.size:
        raise _Mismatch(f"{size} bytes were received, {expected.size} were listed")
    return size
