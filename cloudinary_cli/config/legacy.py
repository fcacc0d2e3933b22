"""Merges the configuration file of the old format into config.json."""

from __future__ import annotations

import os

from cloudinary_cli import defaults
from cloudinary_cli.config.file import parse_content, read_bytes
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, NoHomeDirectory


def migrate_old_config(store: ConfigStore) -> bool:
    """Merge the old format's file over config.json and delete it. A corrupt one is left where it is, with a warning."""
    try:
        path = defaults.legacy_config_file()
    except NoHomeDirectory:
        return False
    if not os.path.isfile(path):
        return False
    try:
        # Read and deleted under the lock, so that a second process does not merge it again over later changes.
        with store.lock():
            if not os.path.isfile(path):
                return False
            old = parse_content(path, read_bytes(path))
            with store.transaction() as cfg:
                cfg.update(old)
            os.unlink(path)
    except OSError as error:
        logger.warning("%s was taken over, but cannot be deleted: %s. Delete it.", path, error.strerror)
    except CliError as error:
        # A failed merge must not stop a command that does not need the old entries.
        logger.warning("%s The old format's file %s was not taken over.", error, path)
        return False
    return True
