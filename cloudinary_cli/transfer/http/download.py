"""Downloads: into a temporary file beside the target, verified, then renamed; nothing outside the folder, ever."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import IO, Any, List, Optional

from urllib3.exceptions import HTTPError, ProtocolError

from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.net.connector import Request
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.http.multipart import BLOCK
from cloudinary_cli.transfer.http.part_file import PREFIX, new_path, part_file, publish
from cloudinary_cli.transfer.keys import name_problem

# Names that Windows gives to devices, whatever their extension.
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))])


class _Mismatch(ProtocolError):
    """Complete as HTTP sees it, but not the content that was listed; to be fetched again like a cut one."""


@dataclass(frozen=True)
class Expected:
    """What the server's listing says about the content; unknown members are not compared."""

    size: Optional[int] = None  # bytes
    etag: str = ""  # MD5, hexadecimal


def unsafe_reason(relative: str) -> Optional[str]:
    """Why a path relative to the local folder must not be written; None when it may be.

    Names come from the server: `..`, an absolute path, a drive or a device would lead elsewhere.
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


def target_path(root: str, relative: str) -> str:
    """The path below `root`, its directories made; no link among them may lead out.

    :raises CliError: the name is unsafe, or the directory cannot be made.
    """
    reason = unsafe_reason(relative)
    if reason is not None:
        raise CliError(f"'{one_line(relative)}' is left out: {reason}.")
    base = os.path.realpath(root)
    path = os.path.join(base, *relative.split("/"))
    directory = os.path.dirname(path)
    # Resolved before anything is made: a link that leads out must not get directories made at its end.
    if not _is_within(os.path.realpath(directory), base):
        raise CliError(f"'{one_line(relative)}' is left out: a link leads out of the folder.")
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise CliError(f"Cannot make the directory of '{one_line(relative)}': {error.strerror or error}.") from error
    if os.path.isdir(path) and not os.path.islink(path):
        raise CliError(f"'{one_line(relative)}' cannot be written: a directory of that name is there.")
    return path


def _is_within(path: str, base: str) -> bool:
    return path == base or path.startswith(base.rstrip(os.sep) + os.sep)


def download(session: TransferSession, url: str, path: str, expected: Expected) -> int:
    """Fetch `url` into the file `path`; returns its size in bytes. The old file stays until the new one is complete.

    :raises ApiError: refused, cut, or not what was expected, after the retries. :raises CliError: cannot be written.
    :raises Stopped: stopped before it was sent.
    """
    temporary = new_path(os.path.dirname(path))
    with session.stop.temporary(temporary):
        try:
            with part_file(temporary) as file:
                size: int = session.connector.send(
                    Request("GET", url, {"Accept-Encoding": "identity"}),
                    lambda response: _receive(response, file, expected),
                )
                publish(file, temporary, path)
        except _Mismatch as error:
            raise ApiError(f"{error}.") from error
        except HTTPError as error:
            raise ApiError(f"No answer from the server: {one_line(str(error))}.") from error
        except OSError as error:
            raise CliError(f"Cannot write '{path}': {error.strerror or error}.") from error
    return size


def _receive(response: Any, file: IO[bytes], expected: Expected) -> int:
    if response.status != 200:
        details = response.headers.get("X-Cld-Error") or ""
        response.drain_conn()
        raise ApiError(f"status code: {response.status}, details: {one_line(details)}", response.status)
    digest = hashlib.md5()  # noqa: S324 - the etag of the API is an MD5; it tells a cut file, not a forged one
    size = 0
    file.seek(0)
    file.truncate()  # an attempt before may have left its part
    for block in response.stream(BLOCK, decode_content=False):
        size += len(block)
        if expected.size is not None and size > expected.size:
            # Cut here: a server that never ends must not fill the disk.
            raise _Mismatch(f"more bytes came, {expected.size} were listed")
        file.write(block)
        digest.update(block)
    if expected.etag and digest.hexdigest() != expected.etag.lower():
        raise _Mismatch(f"what came ({size} bytes) is not what was listed: the etag differs")
    if not expected.etag and expected.size is not None and size != expected.size:
        raise _Mismatch(f"{size} bytes came, {expected.size} were listed")
    return size
