"""Reads, parses and serializes the bytes of config.json; the errors name the file."""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Dict, Mapping

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ConfigFileError

PRIVATE = 0o600


def rebased(content: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> Dict[str, Any]:
    """`now` with the changes from `before` to `content` applied (a three-way merge of the entries)."""
    kept = {key: value for key, value in now.items() if key in content or key not in before}
    return {**kept, **{key: value for key, value in content.items() if key not in before or before[key] != value}}


def read_bytes(path: str) -> bytes:
    """The file's bytes.

    :raises ConfigFileError: the file cannot be read. The message has the system's reason.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            # Opening a named pipe would block until another process writes to it.
            raise ConfigFileError(f"{path} is not a regular file. Move it away.")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise unreadable(path, error) from error


def parse_content(path: str, data: bytes) -> Dict[str, Any]:
    """The JSON object in `data`.

    :param path: for the error message.
    :raises ConfigFileError: `data` is empty, not UTF-8, not JSON, or not an object.
    """
    remedy = "Repair it, or move it away and log in again; it was not changed."
    if not data.strip(b"\0 \t\r\n"):
        raise ConfigFileError(
            f"{path} is empty, perhaps after a crash. Restore it from a backup or delete it: rm {path}"
        )
    try:
        content = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigFileError(f"{path} is not UTF-8 text. {remedy}") from None
    except ValueError as error:
        raise ConfigFileError(f"{path} is not valid JSON ({error}). {remedy}") from None
    except RecursionError:
        raise ConfigFileError(f"{path} is nested too deeply. {remedy}") from None
    if not isinstance(content, dict):
        raise ConfigFileError(f"{path} does not hold a JSON object of name: URL. {remedy}")
    return content


def serialize(cfg: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(cfg, indent=2, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        # UTF-8 cannot encode a lone surrogate (from a name that was not UTF-8 on the command line). An escape can.
        return json.dumps(cfg, indent=2).encode("ascii")


def unreadable(path: str, error: OSError) -> ConfigFileError:
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        return ConfigFileError(f"{path} is a symbolic link to {os.path.realpath(path)}, which does not exist.")
    advice = {IsADirectoryError: " Move it away.", PermissionError: " Check its owner and mode."}.get(type(error), "")
    return ConfigFileError(f"Cannot read {path}: {error.strerror or error}.{advice}")


def unwritable(path: str, error: OSError) -> ConfigFileError:
    return ConfigFileError(f"Cannot write {path}: {error.strerror or error}. It was not changed.")


def is_below_a_device(path: str) -> bool:
    """True for a path below /dev/null, as with HOME=/dev/null, which means that there is no home directory.

    False for a path below a regular file, which is an error.
    """
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return not os.path.isfile(path) and not os.path.isdir(path)


def tighten(path: str) -> None:
    """Remove the permissions of other users, if the file system allows it."""
    try:
        os.chmod(path, PRIVATE)
    except OSError:
        # The file belongs to another user, or the file system has no modes. Reading it must still work.
        logger.debug("Cannot make %s private.", path)


def make_home(directory: str) -> None:
    """Create the directory of the configuration, and make it private.

    :raises ConfigFileError: the directory cannot be created or changed.
    """
    try:
        from cloudinary_cli.system.files import make_private_directory

        make_private_directory(directory)
        # Changes only an existing directory with the CLI's own name: CLOUDINARY_HOME may be a shared directory.
        if (
            os.name == "posix"
            and os.path.basename(directory) == ".cloudinary-cli"
            and os.stat(directory).st_mode & 0o077
        ):
            os.chmod(directory, 0o700)
    except OSError as error:
        advice = "Set CLOUDINARY_HOME to one that you can write to."
        raise ConfigFileError(f"Cannot use the directory {directory}: {error.strerror or error}. {advice}") from error
