"""Takes over the configuration file of the old format."""

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
        # Read and deleted under the lock: a second process must not merge it again, over changes made since.
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
        # What cannot be taken over now must not stop a command that needs none of it.
        logger.warning("%s The old format's file %s was not taken over.", error, path)
        return False
    return True
