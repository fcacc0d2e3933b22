"""The upload options of the bulk commands: their defaults, -o and -O, and who chooses the public IDs of new assets."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Sequence, Tuple

from cloudinary_cli.api import arguments
from cloudinary_cli.api.listing import find_method
from cloudinary_cli.api.transformations import checked
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ApiError
from cloudinary_cli.net.retry import retried
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.sdk.pages import PAGE_SIZE
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.http.upload import UploadTarget, is_true
from cloudinary_cli.transfer.keys import FolderMode

NameValue = Tuple[str, str]

# Settings of an upload preset that change or forbid the public ID of an upload that sends none:
# https://cloudinary.com/documentation/upload_presets
_NAMING = (
    *("public_id", "public_id_prefix", "use_filename", "use_asset_folder_as_public_id_prefix"),
    *("disallow_public_id", "eval"),
)


def given_options(
    strings: Sequence[NameValue], parsed: Sequence[NameValue], warn: Callable[[str], None]
) -> Dict[str, Any]:
    """The keyword arguments of the SDK's `upload` for -o (text) and -O (parsed).

    :param warn: called with a line about each name that the SDK does not know.
    """
    if not strings and not parsed:
        return {}
    method = find_method("uploader", "upload")
    # The file is not known here. "-" is a placeholder for it.
    call = checked(method, arguments.bind(method, arguments.Arguments(("-",), strings, parsed)))
    for name in call.unknown:
        warn(f"{arguments.describe_unknown(method, name)} It probably has no effect.")
    return {name: value for name, value in call.kwargs.items() if name != "file"}


def default_options(mode: FolderMode) -> Dict[str, Any]:
    """The default options of an upload. The asset is named after the file, in the way that the folder mode provides."""
    if mode is FolderMode.FIXED:
        return {"resource_type": "auto", "use_filename": True, "unique_filename": False, "invalidate": True}
    return {"resource_type": "auto", "use_filename_as_display_name": True}


def folder_option(mode: FolderMode, folder: str) -> Dict[str, Any]:
    """The option that puts an upload into a folder."""
    name = "folder" if mode is FolderMode.FIXED else "asset_folder"
    return {name: folder} if folder else {}


def upload_target(
    session: TransferSession, config: Any, mode: FolderMode, options: Mapping[str, Any], has_new: bool = True
) -> UploadTarget:
    """The target of uploads with these options.

    The API does not tell which preset is the account's default. Where the default matters (new assets in dynamic folder
    mode, without a given preset or name), the presets are listed once. If one of them names assets, the server chooses
    the public IDs.

    :param has_new: False when every upload replaces an asset, whose public ID is known.
    """
    is_named = bool(options.get("public_id")) or is_true(options.get("use_filename"))
    is_decided = is_named or bool(options.get("upload_preset") or config.upload_preset)
    default_matters = mode is FolderMode.DYNAMIC and has_new and not is_decided
    return UploadTarget(session, config, default_matters and _presets_name_assets())


def _presets_name_assets() -> bool:
    """True when a preset has naming rules, or when that cannot be determined."""
    try:
        page = retried(lambda: call_api(loader.module("admin").upload_presets, max_results=PAGE_SIZE))
    except ApiError as error:
        logger.debug("The upload presets cannot be listed (%s), so the server chooses public IDs.", error)
        return True
    presets = page.get("presets")
    settings = [item.get("settings") for item in presets or () if isinstance(item, dict)]
    names = any(isinstance(values, dict) and any(values.get(key) for key in _NAMING) for values in settings)
    return names or bool(page.get("next_cursor"))
