"""Uploads: the Upload API's `upload` and `explicit` for one account, bodies streamed, large files in chunks.

The SDK's own uploader reads a file whole and signs for its one global account; this sends the same requests to the
account it is given. Bearer token or signature as the SDK: a configuration with a token sends no signature.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import string
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from cloudinary_cli.errors import ApiError, AuthenticationError, CliError
from cloudinary_cli.net.connector import Answer, Outgoing, checked
from cloudinary_cli.sdk import loader
from cloudinary_cli.system.steady_file import Stamp, settled, stamp_of, twice
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.http.multipart import FilePart, encode
from cloudinary_cli.transfer.keys import is_media, split_extension

CHUNK_SIZE = 20_000_000  # bytes; the SDK's UPLOAD_LARGE_CHUNK_SIZE
_ID_ALPHABET = string.ascii_lowercase + string.digits
_NOT_IN_ID = re.compile(r"[?&#\\%<>+\s]")  # cannot stand in a public ID
_NOT_PARAMETERS = ("resource_type", "filename", "timeout", "chunk_size", "unsigned", "extra_headers")


@dataclass(frozen=True)
class UploadTarget:
    """The account that receives: `config` is an OAuthConfig, the SDK's active one or another.

    `names_assets` says that a preset of the account may have rules for public IDs.
    """

    session: TransferSession
    config: Any = field(repr=False)
    names_assets: bool = False

    @property
    def cloud_name(self) -> str:
        return str(self.config.cloud_name)

    def url(self, resource_type: str, action: str) -> str:
        """Address of an Upload API call."""
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
    """What the SDK signs with, of an account's configuration: without these it would take its global one's."""
    return {
        "api_key": config.api_key,
        "api_secret": config.api_secret,
        "signature_algorithm": config.signature_algorithm,
        "signature_version": int(config.signature_version),
    }


@dataclass(frozen=True)
class Source:
    """What is uploaded: a local file, or a URL that the server fetches."""

    path: Optional[str] = None
    size: int = 0  # bytes
    url: Optional[str] = None
    stamp: Optional[Stamp] = None  # of the file, by which a change is noticed

    @classmethod
    def of_file(cls, path: str) -> "Source":
        """:raises CliError: it cannot be read."""
        try:
            return cls(path, os.stat(path).st_size)
        except OSError as error:
            raise CliError(f"Cannot read '{path}': {error.strerror or error}.") from error

    def steady(self) -> "Source":
        """The file as it is now, once nothing writes to it.

        :raises LocalFileChanged: something does all the time. :raises CliError: it cannot be read.
        """
        try:
            info = settled(str(self.path))
        except OSError as error:
            raise CliError(f"Cannot read '{self.path}': {error.strerror or error}.") from error
        return replace(self, size=info.st_size, stamp=stamp_of(info))


def upload(target: UploadTarget, source: Source, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Upload and return the server's answer. A file that changes while it is read is uploaded once more.

    :param options: of the SDK's `upload`; `resource_type` is `auto` when not given.
    :raises ApiError: refused, or no answer after the retries. :raises Stopped: stopped before it was sent.
    :raises LocalFileChanged: the file changed again, and nothing was stored.
    """
    chosen = _with_public_id(target, source, options)
    if source.path is None:
        return _upload(target, source, chosen)
    return twice(source.path, lambda: _upload(target, source.steady(), chosen))


def _upload(target: UploadTarget, source: Source, options: Dict[str, Any]) -> Dict[str, Any]:
    if source.path is None or source.size <= CHUNK_SIZE:
        part = None if source.path is None else _part(source, options, source.size)
        extra = [] if source.url is None else [("file", source.url)]
        return _call(target, "upload", options, _Content(part, extra), is_repeatable(options))
    return _upload_chunks(target, source, options)


def explicit(target: UploadTarget, public_id: str, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Apply `options` of the SDK's `explicit` to an existing asset.

    :raises ApiError: refused, or no answer after the retries. :raises Stopped: stopped before it was sent.
    """
    return _call(target, "explicit", {"resource_type": "image", **options, "public_id": public_id}, _Content(), True)


def is_repeatable(options: Mapping[str, Any]) -> bool:
    """True when a second arrival makes no second asset: the public ID follows from the request."""
    if options.get("public_id"):
        return True
    return is_true(options.get("use_filename")) and not is_true(options.get("unique_filename", True))


def _with_public_id(target: UploadTarget, source: Source, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Choose the random public ID here that the server would choose, so that a lost answer can be asked for again.

    A preset may have rules of its own for public IDs, so with one, also of the configuration, the server chooses.
    """
    preset = options.get("upload_preset") or target.config.upload_preset or target.names_assets
    if is_repeatable(options) or preset or is_true(options.get("use_filename")):
        return dict(options)
    random = "".join(secrets.choice(_ID_ALPHABET) for _ in range(20))
    return {**options, "public_id": random + _raw_extension(source, options)}


def _raw_extension(source: Source, options: Mapping[str, Any]) -> str:
    """The extension that the ID of a raw asset ends in: its URL, and the name a download gets, have no other."""
    kind = options.get("resource_type", "auto")
    name = urlsplit(source.url).path if source.url is not None else _filename(source, options)
    extension = split_extension(name)[1].lower()
    is_raw = kind == "raw" or (kind == "auto" and not is_media(extension))
    return extension if is_raw and not _NOT_IN_ID.search(extension) else ""


def _upload_chunks(target: UploadTarget, source: Source, options: Dict[str, Any]) -> Dict[str, Any]:
    """The parts one after the other under one upload ID: the server joins them by it, and knows a part sent twice."""
    headers = {"X-Unique-Upload-Id": secrets.token_hex(16)}
    answer: Dict[str, Any] = {}
    for offset in range(0, source.size, CHUNK_SIZE):
        size = min(CHUNK_SIZE, source.size - offset)
        part = _part(source, options, size, offset)
        content_range = {"Content-Range": f"bytes {offset}-{offset + size - 1}/{source.size}"}
        answer = _call(target, "upload", options, _Content(part, [], {**headers, **content_range}), True)
        if answer.get("public_id"):
            options = {**options, "public_id": answer["public_id"]}  # as the SDK's upload_large
    return answer


def _part(source: Source, options: Mapping[str, Any], size: int, offset: int = 0) -> FilePart:
    return FilePart(str(source.path), _filename(source, options), size, offset, source.stamp)


def _filename(source: Source, options: Mapping[str, Any]) -> str:
    # Never the path: it would tell the server the user's and the directories' names.
    return str(options.get("filename") or os.path.basename(str(source.path)))


@dataclass(frozen=True)
class _Content:
    """What a call carries besides its parameters."""

    part: Optional[FilePart] = None
    fields: List[Tuple[str, Any]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)


def _call(
    target: UploadTarget, action: str, options: Mapping[str, Any], content: _Content, repeatable: bool
) -> Dict[str, Any]:
    params = _parameters(target, options)
    unsigned = is_true(options.get("unsigned"))
    url = target.url(str(options.get("resource_type") or "auto"), action)

    def request(token: Optional[str]) -> Outgoing:
        authorized, credential = target.authorized(params, unsigned, token)
        headers, body = encode([*_pairs(authorized), *content.fields], content.part)
        return Outgoing("POST", url, {**credential, **headers, **content.headers}, body, repeatable)

    return exchange(target, request)


def exchange(target: UploadTarget, request: Callable[[Optional[str]], Outgoing]) -> Dict[str, Any]:
    """The response to a request, which is repeated once with another token after a 401.

    :param request: makes the request with the account's access token, or None.

    :raises ApiError: refused, or no answer after the retries. :raises Stopped: stopped before it was sent.
    """
    response: Dict[str, Any] = target.config.call_with_token(
        lambda token: _parsed(_sent(target.session, request(token)))
    )
    return response


def _parameters(target: UploadTarget, options: Mapping[str, Any]) -> Dict[str, Any]:
    given = {key: value for key, value in options.items() if key not in _NOT_PARAMETERS}
    # The SDK would take the preset of its global account.
    given.setdefault("upload_preset", target.config.upload_preset)
    params: Dict[str, Any] = loader.module("utils").build_upload_params(**given)
    return params


def _pairs(params: Mapping[str, Any]) -> List[Tuple[str, Any]]:
    pairs: List[Tuple[str, Any]] = []
    for name, value in params.items():
        if isinstance(value, list):
            pairs.extend((f"{name}[]", item) for item in value)
        elif value:
            pairs.append((name, value))
    return pairs


def _sent(session: TransferSession, outgoing: Outgoing) -> Answer:
    """:raises ApiError: no answer after the retries. :raises Stopped: stopped before it was sent."""
    try:
        answer: Answer = session.connector.send(outgoing, checked)
    except HTTPError as error:
        lost = "" if outgoing.repeatable else " It may have been uploaded all the same: look before you try again."
        raise ApiError(f"No answer from the server: {one_line(str(error))}.{lost}") from error
    return answer


def _parsed(answer: Answer) -> Dict[str, Any]:
    """:raises ApiError: the server's error, or no JSON object. :raises AuthenticationError: 401."""
    try:
        result = json.loads(answer.data.decode("utf-8"))
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise ApiError(f"Error parsing server response ({answer.status}): not a JSON object.", answer.status)
    if "error" not in result:
        return result
    message = one_line(str(result["error"]["message"]), 500)
    if answer.status == 401:
        raise AuthenticationError(message)
    raise ApiError(message, answer.status)


def is_true(value: Any) -> bool:
    """The truth of an option that may be text: `-o use_filename false` is false."""
    return str(value).lower() not in ("", "0", "false", "none")
