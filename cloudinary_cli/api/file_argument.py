"""The file argument of an API method: a local file, a pipe, or a URL that the server fetches."""

from __future__ import annotations

import errno
import os
import re
import select
import stat
import tempfile
from contextlib import contextmanager
from typing import IO, Any, Callable, Dict, Iterator, Optional, TypeVar

from cloudinary_cli.api.chunked_upload import is_chunked
from cloudinary_cli.api.command_line import in_utf8
from cloudinary_cli.api.listing import find_method
from cloudinary_cli.api.method import Method
from cloudinary_cli.api.values import FILE_PARAMETERS
from cloudinary_cli.console import Console
from cloudinary_cli.errors import CliError
from cloudinary_cli.progress import Progress
from cloudinary_cli.sdk import loader
from cloudinary_cli.system.file_access import file_errors, own_descriptor
from cloudinary_cli.system.steady_file import SteadyFile, twice
from cloudinary_cli.text import one_line

_REMOTE = re.compile(r"(?:https?|ftp|s3|gs)://|data:", re.IGNORECASE)
_BLOCK = 1024 * 1024  # bytes
_SIGNAL_CHECK_SECONDS = 0.5
_SHOWN_URL = 100  # characters; a data URI may be long

T = TypeVar("T")
Call = Callable[[Method, Dict[str, Any]], T]
CallInChunks = Callable[[IO[bytes], str, Dict[str, Any]], T]


def is_remote(text: str) -> bool:
    """True for a URL or a data URI.

    The SDK's `is_remote_url` does not require slashes after the scheme, so it is not used for existing local files:
    `https:x.png` would count as a URL.
    """
    return bool(_REMOTE.match(text)) or (not os.path.lexists(text) and bool(loader.module("utils").is_remote_url(text)))


def check(method: Method, path: str) -> None:
    """Refuse a local file that cannot be uploaded.

    :raises CliError: it does not exist, is a directory or a device, or cannot be read.
    """
    if is_remote(path):
        return
    if not os.path.exists(path):
        raise CliError(
            f"No such file or directory: '{path}'. Give a local path, a URL (http, https, ftp, s3, gs) or a data URI."
        )
    if os.path.isdir(path):
        raise CliError(f"'{path}' is a directory. Upload all of its files with: cld upload_dir {path}")
    if not os.access(path, os.R_OK):
        raise CliError(f"Permission denied: '{path}'.")
    if _may_be_endless(path):
        raise CliError(
            f"'{path}' is a device, which may have no end. Give a file, or pipe the data:"
            f" ... | cld uploader {method.name} /dev/stdin"
        )


def call_with_file(
    console: Console, method: Method, kwargs: Dict[str, Any], call: Call[T], call_in_chunks: CallInChunks[T]
) -> T:
    """Open the file argument, which is not empty, and call the method with it.

    If a local file changes while it is read, the call is repeated once, so a mixture of two states is never sent.
    A pipe can be read only once, and its size is unknown, so a temporary copy of its content is sent.

    :param call: is called with the method and its keyword arguments.
    :param call_in_chunks: is called for a large upload, with the open file, its name and the other keyword arguments.
    :raises LocalFileChanged: the file changed again.
    :raises CliError: the file cannot be read.
    """
    name = next(name for name in FILE_PARAMETERS if kwargs.get(name))
    path = kwargs[name]
    if is_remote(path):
        with _display(console, one_line(path, _SHOWN_URL), None):
            return _call_with_url(method, name, kwargs, call)
    # The SDK's Admin API treats a (name, content) pair as a file only if the name is "file".
    label = "file" if name == "image_file" else kwargs.get("filename") or _file_name(path)

    def call_with(file: IO[bytes]) -> T:
        size = os.fstat(file.fileno()).st_size
        with _display(console, path, size):
            if is_chunked(method, kwargs, size):
                return call_in_chunks(file, str(label), {key: kwargs[key] for key in kwargs if key != name})
            return _call_with_content(method, {**kwargs, name: (str(label), file.read())}, call)

    def call_with_local_file() -> T:
        with file_errors(f"Cannot read '{path}'"):
            file = SteadyFile(path)
        with file:
            return call_with(file)

    if os.path.isfile(path):
        return twice(path, call_with_local_file)
    with _spooled(path) as file:
        return call_with(file)


@contextmanager
def _display(console: Console, path: str, size: Optional[int]) -> Iterator[None]:
    """Show the upload of a file while the block runs, on a terminal."""
    if not console.has_display():
        yield
        return
    progress = Progress()
    with progress.item(path, size), console.live(progress.rows):
        yield


def _call_with_url(method: Method, name: str, kwargs: Dict[str, Any], call: Call[T]) -> T:
    # The SDK sends a pair without a name unchanged, including URLs that it does not recognize, such as `HTTPS://`.
    remote = {**kwargs, name: ("", in_utf8(kwargs[name]))}
    return call(find_method("uploader", "upload") if method.name == "upload_large" else method, remote)


def _call_with_content(method: Method, kwargs: Dict[str, Any], call: Call[T]) -> T:
    if method.name == "upload_large":
        # The SDK sends no request for an empty file. With a request, the server reports the error.
        return call(find_method("uploader", "upload"), {"resource_type": "raw", **kwargs})
    return call(method, kwargs)


def _file_name(path: str) -> str:
    if own_descriptor(path) is not None:
        return "stdin"
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _may_be_endless(path: str) -> bool:
    """True for a device other than a terminal and the null device."""
    mode = os.stat(path).st_mode
    if stat.S_ISBLK(mode):
        return True
    if not stat.S_ISCHR(mode) or os.path.samefile(path, os.devnull):
        return False
    with file_errors(f"Cannot read '{path}'"):
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        return not os.isatty(handle)
    finally:
        os.close(handle)


@contextmanager
def _spooled(path: str) -> Iterator[IO[bytes]]:
    """A temporary copy of the content of a pipe. On POSIX it has no name, so it never outlives the process."""
    with tempfile.TemporaryFile() as copy:
        with file_errors(f"Cannot read '{path}'"), _opened(path) as pipe:
            _copy(pipe, copy)
            copy.seek(0)
        yield copy


def _copy(pipe: IO[bytes], copy: IO[bytes]) -> None:
    block = b"-"
    while block:
        # Python handles a signal that arrives just before a blocking read only after the read, which may never end.
        while os.name != "nt" and not select.select([pipe], [], [], _SIGNAL_CHECK_SECONDS)[0]:
            pass
        block = pipe.read(_BLOCK)
        copy.write(block)


def _opened(path: str) -> IO[bytes]:
    try:
        return open(path, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
    except OSError as error:
        descriptor = own_descriptor(path)
        if error.errno != errno.ENXIO or descriptor is None:
            raise
        # Linux cannot open a socket by path, but some programs start others with a socket as stdin.
        return os.fdopen(os.dup(descriptor), "rb", buffering=0)
