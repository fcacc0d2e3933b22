"""Saves the content of an upload to disk: a multipart file, a data URI, or a URL of this machine."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError
from urllib.parse import unquote, unquote_to_bytes, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from flask import current_app, request

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
    upload = request.files.get("file")
    if upload is not None:
        return save(upload.stream, str(values.get("filename_override") or upload.filename or ""))
    source = str(values.get("file") or "")
    if source.startswith("data:"):
        return _save_data_uri(source, str(values.get("filename_override") or ""))
    if source.startswith(REMOTE):
        return _save_url(source, str(values.get("filename_override") or ""))
    raise RefusedCall(400, "Missing required parameter - file")


def save(stream: IO[bytes], filename: str) -> Received:
    """Stream content to disk, and compute its MD5."""
    path, digest, size = state().temp_file(), hashlib.md5(), 0  # noqa: S324 - the API's etag is the MD5
    with path.open("wb") as target:
        for block in iter(lambda: stream.read(BLOCK), b""):
            digest.update(block)
            size += len(block)
            target.write(block)
    return Received(path, filename, size, digest.hexdigest())


def describe(path: Path, filename: str) -> Received:
    """The size and MD5 of content that is already on disk."""
    digest = hashlib.md5()  # noqa: S324
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return Received(path, filename, path.stat().st_size, digest.hexdigest())


def save_loopback_url(url: str) -> Received:
    """Save the content of a URL of this machine.

    :raises RefusedCall: 400 for other URLs and failed requests.
    """
    return _save_url(url, "")


def _save_data_uri(source: str, filename: str) -> Received:
    header, comma, data = source[len("data:") :].partition(",")
    if not comma:
        raise RefusedCall(400, "Invalid data URI")
    try:
        content = base64.b64decode(data) if header.endswith(";base64") else unquote_to_bytes(data)
    except (binascii.Error, ValueError):
        raise RefusedCall(400, "Invalid data URI") from None
    path = state().temp_file()
    path.write_bytes(content)
    extension = header.split(";")[0].rpartition("/")[2].split("+")[0]
    return describe(path, filename or (f"file.{extension}" if extension else ""))


def _save_url(source: str, filename: str) -> Received:
    parts = urlsplit(source)
    name = filename or unquote(parts.path.rsplit("/", 1)[-1])
    if source.startswith(state().base_url + "/"):
        return _save_own_url(source[len(state().base_url) :], name)
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        raise RefusedCall(400, f"The sandbox fetches from http://127.0.0.1 only, not from {source[:200]}")
    try:
        with build_opener(ProxyHandler({}), NoRedirects()).open(Request(source), timeout=30) as response:
            return save(response, name)
    except (URLError, OSError) as error:
        raise RefusedCall(400, f"Error in loading {source[:200]} - {error}") from None


def _save_own_url(path: str, name: str) -> Received:
    """Copy an asset of this sandbox without a connection: 32 uploads that wait for 32 downloads would deadlock."""
    response = current_app.test_client().get(
        path, headers={"Host": "127.0.0.1"}, environ_overrides={INTERNAL: True}, buffered=False
    )
    try:
        if response.status_code != 200:
            raise RefusedCall(400, f"Error in loading {path[:200]} - {response.status}")
        target = state().temp_file()
        with target.open("wb") as file:
            for block in response.iter_encoded():
                file.write(block)
    finally:
        response.close()
    return describe(target, name)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class NoRedirects(HTTPRedirectHandler):
    """Makes a redirect an error, since it could lead to another machine."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """Return no request, so that urllib raises HTTPError."""


def discard(received: Received) -> None:
    """Remove content that was not stored."""
    if received.path.exists():
        received.path.unlink()
