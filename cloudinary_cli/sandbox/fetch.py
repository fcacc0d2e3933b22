"""Saves the content of an upload to disk: a multipart file, a data URI, or a URL of this machine."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Iterable, Iterator
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit
from urllib.request import ProxyHandler, build_opener

from flask import current_app, request

from .consent_client import ForbiddenUrl, LoopbackRedirects, require_loopback
from .params import Params
from .state import RefusedCall, state

BLOCK = 1 << 20
# Marks a request that the sandbox makes to itself.
INTERNAL = "cloudinary_sandbox.internal"
REMOTE = ("http://", "https://", "ftp://", "s3://", "gs://")


@dataclass(frozen=True)
class Received:
    """Content on disk, and its original file name."""

    path: Path
    filename: str
    size: int
    etag: str


def receive(values: Params) -> Received:
    """The `file` parameter of the current request.

    :raises RefusedCall: 400 when it is missing or not reachable.
    """
    upload, filename = request.files.get("file"), str(values.get("filename_override") or "")
    if upload is not None:
        return save(_blocks(upload.stream), filename or upload.filename or "")
    source = str(values.get("file") or "")
    if source.startswith("data:"):
        return _save_data_uri(source, filename)
    if source.startswith(REMOTE):
        return save_url(source, filename)
    raise RefusedCall(400, "Missing required parameter - file")


def save(content: Iterable[bytes], filename: str) -> Received:
    """Write content to disk, and compute its MD5."""
    path, digest, size = state().temp_file(), hashlib.md5(), 0  # noqa: S324 - the API's etag is the MD5
    try:
        with path.open("wb") as target:
            for block in content:
                digest.update(block)
                size += len(block)
                target.write(block)
    except BaseException:
        path.unlink()
        raise
    return Received(path, filename, size, digest.hexdigest())


def describe(path: Path, filename: str) -> Received:
    """The size and MD5 of content that is already on disk."""
    digest = hashlib.md5()  # noqa: S324
    with path.open("rb") as file:
        for block in _blocks(file):
            digest.update(block)
    return Received(path, filename, path.stat().st_size, digest.hexdigest())


def save_url(source: str, filename: str = "") -> Received:
    """Save the content of a URL of this machine.

    :raises RefusedCall: 400 for other URLs and failed requests.
    """
    try:
        path = urlsplit(require_loopback(source)).path
    except ForbiddenUrl:
        raise RefusedCall(400, f"The sandbox fetches from http://127.0.0.1 only, not from {source[:200]}") from None
    filename = filename or unquote(path.rsplit("/", 1)[-1])
    if source.startswith(state().base_url + "/"):
        return _save_own_url(source[len(state().base_url) :], filename)
    try:
        opener = build_opener(ProxyHandler({}), LoopbackRedirects())
        with opener.open(quote(source, safe="%/:?#[]@!$&'()*+,;=~"), timeout=30) as response:
            return save(_whole(response), filename)
    except (OSError, HTTPException, ValueError) as error:
        raise RefusedCall(400, f"Error in loading {source[:200]} - {error}") from None


def _save_data_uri(source: str, filename: str) -> Received:
    header, comma, data = source[len("data:") :].partition(",")
    try:
        content = base64.b64decode(data) if header.endswith(";base64") else unquote_to_bytes(data)
    except ValueError:
        comma = ""
    if not comma:
        raise RefusedCall(400, "Invalid data URI")
    kind = header.split(";")[0]
    subtype = kind.rpartition("/")[2].split("+")[0]
    extension = mimetypes.guess_extension(kind) or (subtype and f".{subtype}")
    return save([content], filename or (extension and f"file{extension}"))


def _save_own_url(path: str, filename: str) -> Received:
    """Copy an asset of this sandbox without a connection: 32 uploads that wait for 32 downloads would deadlock."""
    response = current_app.test_client().get(
        path, headers={"Host": "127.0.0.1"}, environ_overrides={INTERNAL: True}, buffered=False
    )
    try:
        if response.status_code != 200:
            raise RefusedCall(400, f"Error in loading {path[:200]} - {response.status}")
        return save(response.iter_encoded(), filename)
    finally:
        response.close()


def _whole(response: HTTPResponse) -> Iterator[bytes]:
    """The body of a response.

    :raises OSError: when it is shorter than its Content-Length; `read(size)` does not check that.
    """
    yield from _blocks(response)
    if response.length:
        raise OSError(f"{response.length} bytes are missing at the end")


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.read(BLOCK), b"")
