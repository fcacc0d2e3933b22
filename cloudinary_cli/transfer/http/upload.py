"""Calls `upload` and `explicit` of the Upload API for a given account. Bodies are streamed, large files sent in chunks.

The SDK's own uploader reads a file into memory, and signs with its one global configuration. These requests are the
same as the SDK's: a configuration with a token sends a bearer token, any other configuration a signature.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from cloudinary_cli.errors import ApiError, AuthenticationError
from cloudinary_cli.net.chunks import Chunk, send_chunks
from cloudinary_cli.net.connector import Request, Response, checked
from cloudinary_cli.net.multipart import FilePart, encode
from cloudinary_cli.sdk import loader
from cloudinary_cli.system.file_access import file_errors
from cloudinary_cli.system.steady_file import Stamp, settled, stamp_of, twice
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.keys import is_media, split_extension

# https://cloudinary.com/documentation/upload_parameters#public_id
_NOT_IN_ID = re.compile(r"[?&#\\%<>+\s]")
# Options of the SDK that add headers to the request.
_HEADER_OPTIONS = ("http_headers", "extra_headers")
_NOT_PARAMETERS = ("resource_type", "filename", "timeout", "chunk_size", "unsigned", *_HEADER_OPTIONS)


@dataclass(frozen=True)
class UploadTarget:
    """The account that receives uploads. `config` is an OAuthConfig: the SDK's active one or another.

    `names_assets` is True if an upload preset of the account may have rules for public IDs.
    """

    session: TransferSession
    config: Any = field(repr=False)
    names_assets: bool = False

    @property
    def cloud_name(self) -> str:
        return str(self.config.cloud_name)

    def url(self, resource_type: str, action: str) -> str:
        """The URL of an Upload API call."""
        return str(
            loader.module("utils").cloudinary_api_url(
                action,
                resource_type=resource_type,
                cloud_name=self.config.cloud_name,
                upload_prefix=self.config.upload_prefix,
            )
        )

    def authorized(
        self, params: Mapping[str, Any], unsigned: bool, token: Optional[str]
    ) -> Tuple[Mapping[str, Any], Dict[str, str]]:
        """The parameters and headers with this account's credential.

        :param token: the account's access token, which is used instead of a signature.
        """
        utils, config = loader.module("utils"), self.config
        clean = utils.cleanup_params(params)
        headers = {"User-Agent": loader.load().get_user_agent()}
        if token:
            return clean, {**headers, "Authorization": f"Bearer {token}"}
        if unsigned:
            return clean, headers
        return utils.sign_request(clean, signing_options(config)), headers


def signing_options(config: Any) -> Dict[str, Any]:
    """The SDK's options for signing with this configuration. Without them it would use its global one."""
    return {
        "api_key": config.api_key,
        "api_secret": config.api_secret,
        "signature_algorithm": config.signature_algorithm,
        "signature_version": int(config.signature_version),
    }


@dataclass(frozen=True)
class UploadSource:
    """What to upload: a local file, or a URL that the server fetches."""

    path: Optional[str] = None
    size: int = 0  # bytes
    url: Optional[str] = None
    stamp: Optional[Stamp] = None  # the state of the file, to detect changes

    @classmethod
    def of_file(cls, path: str) -> "UploadSource":
        """:raises CliError: the file cannot be read."""
        with file_errors(f"Cannot read '{path}'"):
            return cls(path, os.stat(path).st_size)

    def steady(self) -> "UploadSource":
        """The current state of the file, once nothing writes to it.

        :raises LocalFileChanged: the file does not stop changing. :raises CliError: it cannot be read.
        """
        with file_errors(f"Cannot read '{self.path}'"):
            info = settled(str(self.path))
        return replace(self, size=info.st_size, stamp=stamp_of(info))


def upload(target: UploadTarget, source: UploadSource, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Upload, and return the server's response. A file that changes while it is read is uploaded once more.

    :param options: of the SDK's `upload`. The default of `resource_type` is `auto`.
    :raises ApiError: refused, or no response after the retries. :raises Stopped: stopped before it was sent.
    :raises LocalFileChanged: the file changed during the second attempt too. Nothing was stored.
    """
    options = with_public_id(target, source, options)
    if source.path is None:
        return _upload(target, source, options)
    return twice(source.path, lambda: _upload(target, source.steady(), options))


def _upload(target: UploadTarget, source: UploadSource, options: Mapping[str, Any]) -> Dict[str, Any]:
    chunk_size = int(options.get("chunk_size") or target.session.chunk_size)
    if source.path is not None and source.size > chunk_size:
        return _upload_chunks(target, source, options, chunk_size)
    part = None if source.path is None else _part(target, source, options)
    extra = [] if source.url is None else [("file", source.url)]
    return _call(target, "upload", options, _Content(part, extra), is_repeatable(options))


def explicit(target: UploadTarget, public_id: str, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Apply `options` of the SDK's `explicit` to an existing asset.

    :raises ApiError: refused, or no response after the retries. :raises Stopped: stopped before it was sent.
    """
    return _call(target, "explicit", {"resource_type": "image", **options, "public_id": public_id}, _Content(), True)


def is_repeatable(options: Mapping[str, Any]) -> bool:
    """True when the request determines the public ID, so that sending it twice does not create two assets."""
    if options.get("public_id"):
        return True
    return is_true(options.get("use_filename")) and not is_true(options.get("unique_filename", True))


def with_public_id(target: UploadTarget, source: UploadSource, options: Mapping[str, Any]) -> Dict[str, Any]:
    """The options with a random public ID, as the server would choose it, so that the upload can be repeated.

    With a preset, from the options or the configuration, the server chooses: the preset may have rules for public IDs.
    """
    preset = options.get("upload_preset") or target.config.upload_preset or target.names_assets
    if is_repeatable(options) or preset or is_true(options.get("use_filename")):
        return dict(options)
    return {**options, "public_id": secrets.token_hex(10) + _raw_extension(source, options)}


def _raw_extension(source: UploadSource, options: Mapping[str, Any]) -> str:
    """The extension for the public ID of a raw asset. Its delivery URL takes the extension only from there."""
    kind = options.get("resource_type", "auto")
    name = urlsplit(source.url).path if source.url is not None else _filename(source, options)
    extension = split_extension(name)[1].lower()
    is_raw = kind == "raw" or (kind == "auto" and not is_media(extension))
    return extension if is_raw and not _NOT_IN_ID.search(extension) else ""


def _upload_chunks(
    target: UploadTarget, source: UploadSource, options: Mapping[str, Any], chunk_size: int
) -> Dict[str, Any]:
    def send(chunk: Chunk, public_id: Optional[str]) -> Dict[str, Any]:
        own = {**options, "public_id": public_id} if public_id else options
        return _call(target, "upload", own, _Content(_part(target, source, options, chunk), [], chunk.headers), True)

    return send_chunks(source.size, chunk_size, target.session.chunk_workers, send)


def _part(
    target: UploadTarget, source: UploadSource, options: Mapping[str, Any], chunk: Optional[Chunk] = None
) -> FilePart:
    """The whole file, or one chunk of it."""
    bandwidth = target.session.bandwidth
    whole = FilePart(
        str(source.path),
        _filename(source, options),
        source.size,
        stamp=source.stamp,
        admit=bandwidth.take,
        block=bandwidth.block,
    )
    if chunk is None:
        return whole

    def admit(size: int) -> None:
        chunk.check()
        bandwidth.take(size)

    return replace(whole, size=chunk.size, offset=chunk.offset, admit=admit)


def _filename(source: UploadSource, options: Mapping[str, Any]) -> str:
    # Never the path: it would disclose the names of the user and of directories.
    return str(options.get("filename") or os.path.basename(str(source.path)))


@dataclass(frozen=True)
class _Content:
    """The content of a call besides its parameters."""

    part: Optional[FilePart] = None
    fields: List[Tuple[str, Any]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)


def _call(
    target: UploadTarget, action: str, options: Mapping[str, Any], content: _Content, repeatable: bool
) -> Dict[str, Any]:
    params = _parameters(target, options)
    unsigned = is_true(options.get("unsigned"))
    url = target.url(str(options.get("resource_type") or "auto"), action)

    def request(token: Optional[str]) -> Request:
        authorized, credential = target.authorized(params, unsigned, token)
        headers, body = encode([*_form_fields(authorized), *content.fields], content.part)
        headers = {**_own_headers(options), **credential, **headers, **content.headers}
        return Request("POST", url, headers, body, repeatable, options.get("timeout"))

    return exchange(target, request)


def exchange(target: UploadTarget, request: Callable[[Optional[str]], Request]) -> Dict[str, Any]:
    """Send a request, and return the parsed response. After a 401 it is sent once more if there is another token.

    :param request: builds the request with the account's access token, or None.
    :raises ApiError: refused, or no response after the retries. :raises Stopped: stopped before it was sent.
    """
    response: Dict[str, Any] = target.config.call_with_token(
        lambda token: _parsed(_sent(target.session, request(token)))
    )
    return response


def _parameters(target: UploadTarget, options: Mapping[str, Any]) -> Dict[str, Any]:
    given = {key: value for key, value in options.items() if key not in _NOT_PARAMETERS}
    # The SDK would use the preset of its global configuration.
    given.setdefault("upload_preset", target.config.upload_preset)
    params: Dict[str, Any] = loader.module("utils").build_upload_params(**given)
    return params


def _own_headers(options: Mapping[str, Any]) -> Dict[str, str]:
    given = [options[name] for name in _HEADER_OPTIONS if isinstance(options.get(name), Mapping)]
    return {str(name): str(value) for headers in given for name, value in headers.items()}


def _form_fields(params: Mapping[str, Any]) -> List[Tuple[str, Any]]:
    fields: List[Tuple[str, Any]] = []
    for name, value in params.items():
        if isinstance(value, list):
            fields.extend((f"{name}[]", item) for item in value)
        elif value:
            fields.append((name, value))
    return fields


def _sent(session: TransferSession, request: Request) -> Response:
    """:raises ApiError: no response after the retries. :raises Stopped: stopped before it was sent."""
    try:
        response: Response = session.connector.send(request, checked)
    except HTTPError as error:
        lost = "" if request.repeatable else " The file may have been uploaded. Check before you try again."
        raise ApiError(f"{session.connector.describe_failure(request.url, error)}{lost}") from error
    return response


def _parsed(response: Response) -> Dict[str, Any]:
    """:raises ApiError: an error of the server, or no JSON object. :raises AuthenticationError: status 401."""
    try:
        result = json.loads(response.data.decode("utf-8"))
    except (ValueError, RecursionError):
        result = None
    if not isinstance(result, dict):
        raise ApiError(f"Error parsing server response ({response.status}): not a JSON object.", response.status)
    if "error" not in result:
        return result
    message = one_line(str(result["error"]["message"]), 500)
    if response.status == 401:
        raise AuthenticationError(message)
    raise ApiError(message, response.status)


def is_true(value: Any) -> bool:
    """The truth value of an option, which may be text: `-o use_filename false` is False."""
    return str(value).lower() not in ("", "0", "false", "none")
