"""Uploads several files with one command: `cld upload *.jpg tags=a`."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from cloudinary_cli.api.arguments import Arguments, divide_words
from cloudinary_cli.api.method import Method
from cloudinary_cli.api.values import FILE_PARAMETERS
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import AuthenticationError, CliError, ConfigError, OAuthError, Terminated, TransferIncomplete
from cloudinary_cli.text import is_random

_METHODS = frozenset(["upload", "upload_large", "unsigned_upload"])


def for_each_file(method: Method, arguments: Arguments) -> List[Arguments]:
    """Divide the arguments of an upload of several files into those of one upload each.

    :raises CliError: they cannot be divided, or a file cannot be uploaded.
    """
    if method.name not in _METHODS:
        return [arguments]
    files, pairs, options = divide_words(method, arguments)
    # A file name may contain `=`.
    files += [f"{name}={text}" for name, text in pairs if not method.knows(name) and os.path.exists(f"{name}={text}")]
    pairs = [(name, text) for name, text in pairs if f"{name}={text}" not in files]
    files.sort(key=list(arguments.words).index)
    names = {name for name, _ in [*pairs, *options, *arguments.strings, *arguments.parsed]}
    if method.name == "unsigned_upload" and "upload_preset" not in names:
        if len(files) > 2:
            raise CliError("With several files, give the preset by name: upload_preset=NAME")
        return [arguments]
    if len(files) < 2 or "file" in names:
        return [arguments]
    if "public_id" in names:
        raise CliError(f"public_id is the name of one asset, and {len(files)} files are given.")
    _check_each(method, files)
    by_name = [f"--{name}={text}" for name, text in options]
    others = [f"{name}={text}" for name, text in pairs]
    return [Arguments([*by_name, "--", file, *others], arguments.strings, arguments.parsed) for file in files]


def _check_each(method: Method, files: List[str]) -> None:
    from cloudinary_cli.api.file_argument import check

    for number, file in enumerate(files, 1):
        try:
            check(method, file)
        except CliError as error:
            # A long random word may be a secret in a wrong place, so it is not repeated.
            reason = f"File {number} cannot be uploaded." if is_random(file) else str(error)
            raise CliError(f"{reason} Nothing was uploaded. Options are written as name=value.") from None


def call_each(
    app: AppContext, calls: Sequence[Dict[str, Any]], call: Callable[[Dict[str, Any]], Any]
) -> Tuple[List[Any], Optional[CliError]]:
    """Upload one file after the other. An error of one file is shown, and does not stop the others.

    :param calls: the arguments of each upload.
    :returns: the responses in the order of the files, and the error of the command. A failed file has an object with
        `file` and `error` instead of a response.
    :raises CliError: no upload is possible: the credentials are rejected, for example.
    """
    responses: List[Any] = []
    failed = 0
    for kwargs in calls:
        file = next(kwargs[name] for name in FILE_PARAMETERS if name in kwargs)
        try:
            responses.append(call(kwargs))
        except (KeyboardInterrupt, Terminated):
            if responses:
                app.console.json(responses)
            raise
        except (AuthenticationError, ConfigError, OAuthError) as error:
            if not responses:
                raise
            return responses, error
        except CliError as error:
            failed += 1
            app.console.error(f"{file}: {error.message}")
            responses.append({"file": file, "error": {"message": str(error)}})
    return responses, TransferIncomplete(f"{failed} of {len(calls)} files were not uploaded.") if failed else None
