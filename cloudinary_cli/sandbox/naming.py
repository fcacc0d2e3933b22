"""Chooses the public ID, folder and display name of an upload, for both folder modes. No I/O."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import Optional

from cloudinary_cli.transfer.keys import FORBIDDEN, permitted

from .media import Media, split_name
from .params import Params, flag
from .state import RefusedCall

LONGEST_ID = 255
ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class Names:
    """Names of a new asset. Folder and display name are None if those of an existing asset are kept."""

    public_id: str
    asset_folder: Optional[str]
    display_name: Optional[str]


def choose_names(values: Params, filename: str, media: Media, folder_mode: str) -> Names:
    """Apply public_id, use_filename, unique_filename, folder, prefix and display name parameters."""
    base = values.get("public_id") or _generated_id(values, filename, media)
    folder = str(values.get("folder") or "").strip("/")
    if folder_mode == "fixed":
        return Names(_join(folder, str(base)), None, None)
    prefix = values.get("public_id_prefix") or folder
    if flag(values, "use_asset_folder_as_public_id_prefix"):
        prefix = values.get("asset_folder") or prefix
    asset_folder = values.get("asset_folder", folder or None)
    return Names(
        _join(str(prefix or "").strip("/"), str(base)),
        None if asset_folder is None else check_folder(str(asset_folder)),
        _display_name(values, filename),
    )


def default_display_name(public_id: str, resource_type: str) -> str:
    """The display name of an asset that was uploaded without one."""
    last = public_id.rsplit("/", 1)[-1]
    return split_name(last)[0] if resource_type == "raw" else last


def check_public_id(public_id: str, parameter: str = "public_id") -> str:
    """The public ID itself.

    :raises RefusedCall: 400 when it has forbidden characters, spaces or slashes at its ends, or too many characters.
    """
    if len(public_id) > LONGEST_ID or FORBIDDEN.search(public_id) or public_id.strip().strip("/") != public_id:
        raise RefusedCall(400, f"{parameter} ({public_id}) is invalid")
    return public_id


def check_folder(folder: str, parameter: str = "asset_folder") -> str:
    """The folder path without slashes at its ends.

    :raises RefusedCall: 400 when a name in it has forbidden characters, or spaces at its ends.
    """
    path = folder.strip("/")
    if FORBIDDEN.search(path) or any(name.strip() != name for name in path.split("/")):
        raise RefusedCall(400, f"{parameter} ({folder}) is invalid")
    return path


def check_display_name(name: str) -> str:
    """The display name itself.

    :raises RefusedCall: 400 when it has a slash.
    """
    if "/" in name:
        raise RefusedCall(400, f"display_name ({name}) is invalid")
    return name


def random_id(length: int = 20) -> str:
    """Random lower-case letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _join(prefix: str, base: str) -> str:
    return f"{prefix}/{base}" if prefix else base


def _display_name(values: Params, filename: str) -> Optional[str]:
    if values.get("display_name"):
        return permitted(check_display_name(str(values["display_name"])))
    if flag(values, "use_filename_as_display_name") and filename:
        return permitted(split_name(filename)[0])
    return None


def _generated_id(values: Params, filename: str, media: Media) -> str:
    stem, extension = split_name(filename)
    if flag(values, "use_filename") and stem:
        base = permitted(stem)
        if flag(values, "unique_filename", default=True):
            base += "_" + random_id(6)
    else:
        base = random_id()
    return f"{base}.{extension}" if media.resource_type == "raw" and extension else base
