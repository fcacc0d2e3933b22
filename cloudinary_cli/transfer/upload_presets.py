"""Whether an upload preset of the account may have rules for public IDs, so that `cld` must not choose one itself."""

from __future__ import annotations

from typing import Any, Mapping

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ApiError
from cloudinary_cli.net.retry import retried
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.sdk.pages import PAGE_SIZE
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.http.upload import UploadTarget, is_true
from cloudinary_cli.transfer.keys import FolderMode

# Settings of a preset that change or forbid the public ID of an upload that sends none.
_NAMING = (
    *("public_id", "public_id_prefix", "use_filename", "use_asset_folder_as_public_id_prefix"),
    *("disallow_public_id", "eval"),
)


def upload_target(
    session: TransferSession, config: Any, mode: FolderMode, options: Mapping[str, Any], has_new: bool = True
) -> UploadTarget:
    """The target of uploads with these options.

    The API does not say which preset is the account's default. So the presets are listed once, if the answer matters:
    in dynamic folder mode, for new assets, with no preset or name given. If one of them names assets, the server
    chooses the public IDs.

    :param has_new: False when every upload replaces an asset, whose public ID is known.
    """
    is_named = bool(options.get("public_id")) or is_true(options.get("use_filename"))
    is_decided = is_named or bool(options.get("upload_preset") or config.upload_preset)
    asks = mode is FolderMode.DYNAMIC and has_new and not is_decided
    return UploadTarget(session, config, asks and _presets_name_assets())


def _presets_name_assets() -> bool:
    """True when a preset has naming rules, or when that cannot be found out."""
    try:
        page = retried(lambda: call_api(loader.module("admin").upload_presets, max_results=PAGE_SIZE))
    except ApiError as error:
        logger.debug("The upload presets cannot be listed (%s), so the server chooses public IDs.", error)
        return True
    presets = page.get("presets")
    settings = [item.get("settings") for item in presets or () if isinstance(item, dict)]
    names = any(isinstance(values, dict) and any(values.get(key) for key in _NAMING) for values in settings)
    return names or bool(page.get("next_cursor"))
