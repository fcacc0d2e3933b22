"""Uploads a large file in chunks. The SDK builds and signs the requests; the file is read while it is sent."""

from __future__ import annotations

import os
from typing import IO, Any, Dict, Mapping, Optional

from cloudinary_cli.api.method import Method
from cloudinary_cli.net.chunks import CHUNK_SIZE, Chunk, ChunkWorkers, send_chunks
from cloudinary_cli.net.multipart import FilePart, SharedFile
from cloudinary_cli.net.retry import retried
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.system.steady_file import SteadyFile

_UPLOADS = frozenset(["upload", "unsigned_upload"])


class _ErrorResponse(Exception):
    """An error of the server, which the option `return_error` turns into a result."""

    def __init__(self, response: Dict[str, Any]) -> None:
        super().__init__("an error response")
        self.response = response


def is_chunked(method: Method, options: Mapping[str, Any], size: int) -> bool:
    """True for `upload_large`, and for another upload of a file that is larger than a chunk."""
    if method.name == "upload_large":
        return size > 0
    return method.name in _UPLOADS and size > _chunk_size(options)


def _chunk_size(options: Mapping[str, Any]) -> int:
    return int(options.get("chunk_size") or CHUNK_SIZE)


def upload_in_chunks(file: IO[bytes], name: str, options: Mapping[str, Any], workers: ChunkWorkers) -> Any:
    """Upload an open file, and return the server's response.

    Each chunk is repeated after transient errors, and once after a 401 if there is another token.

    :param name: the file name that the server receives. :param options: of the SDK's `upload_large`.
    :raises ApiError: a chunk failed. Nothing was stored, unless it was the last one.
    """
    shared, stamp = SharedFile(file), file.stamp if isinstance(file, SteadyFile) else None
    function = loader.module("uploader").upload_large_part

    def send(chunk: Chunk, public_id: Optional[str]) -> Dict[str, Any]:
        part = FilePart(name, name, chunk.size, chunk.offset, stamp, shared, lambda count: chunk.check())
        given = {**options, "http_headers": {**(options.get("http_headers") or {}), **chunk.headers}}
        if public_id:
            given["public_id"] = public_id
        response: Dict[str, Any] = retried(
            lambda: call_api(function, (name, part), **given), connected=chunk.number > 1
        )
        if "error" in response:
            raise _ErrorResponse(response)
        return response

    try:
        return send_chunks(os.fstat(file.fileno()).st_size, _chunk_size(options), workers, send)
    except _ErrorResponse as error:
        return error.response
