"""The upload options of the bulk commands: what they default to, and what -o and -O say."""

from __future__ import annotations

from typing import Any, Callable, Dict, Sequence, Tuple

from cloudinary_cli.api import arguments as params
from cloudinary_cli.api.listing import find_method
from cloudinary_cli.api.transformations import checked
from cloudinary_cli.transfer.keys import FolderMode

Pair = Tuple[str, str]


def given_options(strings: Sequence[Pair], parsed: Sequence[Pair], warn: Callable[[str], None]) -> Dict[str, Any]:
    """The keyword arguments of the SDK's `upload` that -o (text) and -O (parsed) stand for.

    :param warn: called with a line about each name that the SDK does not know.
    """
    if not strings and not parsed:
        return {}
    method = find_method("uploader", "upload")
    # The file is not known here, and any word stands for it.
    call = checked(method, params.bind(method, params.Arguments(("-",), strings, parsed)))
    for name in call.unknown:
        warn(f"{params.describe_unknown(method, name)} It probably has no effect.")
    return {name: value for name, value in call.kwargs.items() if name != "file"}


def default_options(mode: FolderMode) -> Dict[str, Any]:
    """What an upload gets when nothing else is said: names follow the file's, in the way of the folder mode."""
    if mode is FolderMode.FIXED:
        return {"resource_type": "auto", "use_filename": True, "unique_filename": False, "invalidate": True}
    return {"resource_type": "auto", "use_filename_as_display_name": True}


def folder_option(mode: FolderMode, folder: str) -> Dict[str, Any]:
    """The option that puts an upload into a folder."""
    name = "folder" if mode is FolderMode.FIXED else "asset_folder"
    return {name: folder} if folder else {}
