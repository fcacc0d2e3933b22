"""Merges the configuration file of the old format into config.json."""

from __future__ import annotations

import os

from cloudinary_cli import defaults
from cloudinary_cli.config.file import parse_content, read_bytes
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, NoHomeDirectory

# The fingerprint of an old file that was merged and could not be deleted. Merging it again would revert later changes.
_MERGED_KEY = "__merged_legacy__"


def migrate_old_config(store: ConfigStore) -> bool:
    """Merge the file in the old format into config.json, and delete it. Returns True if it was merged.

    An entry of the old file replaces an entry of the same name. A corrupt file is kept, with a warning. A file that
    cannot be deleted is merged once.
    """
    try:
        path = defaults.legacy_config_file()
    except NoHomeDirectory:
        return False
    if not os.path.isfile(path):
        return False
    try:
        # Read and deleted under one lock, so that no other process merges it again and overwrites later changes.
        with store.lock():
            return os.path.isfile(path) and _merge(store, path)
    except CliError as error:
        # A failed merge must not stop a command that does not need the old entries.
        logger.warning("%s The file %s (in the old format) was not merged into config.json.", error, path)
        return False


def _merge(store: ConfigStore, path: str) -> bool:
    import hashlib

    data = read_bytes(path)
    fingerprint = hashlib.sha256(data).hexdigest()
    with store.transaction() as cfg:
        if cfg.get(_MERGED_KEY) == fingerprint:
            return False
        cfg.update(parse_content(path, data))
    try:
        os.unlink(path)
    except OSError as error:
        with store.transaction() as cfg:
            cfg[_MERGED_KEY] = fingerprint
        logger.warning("%s was merged into config.json, but cannot be deleted: %s. Delete it.", path, error.strerror)
    return True
