"""Which saved configuration a directory uses. The choices are in `directories.json`, beside config.json.

They are never read from the directory itself, because a cloned repository must not choose an account. Other versions of
the tool do not know the file.
"""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional

from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.resolver import DirectoryChoice
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ConfigError, ConfigNotFound, NoHomeDirectory

FILE_NAME = "directories.json"


def nearest(choices: Mapping[str, Any], directory: str) -> Optional[DirectoryChoice]:
    """The choice for the directory, or for the nearest one above it.

    :param directory: a real path.
    """
    while True:
        name = choices.get(directory)
        if isinstance(name, str):
            return DirectoryChoice(directory, name)
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def current_directory() -> Optional[str]:
    """The real path of the working directory; None when it was deleted."""
    try:
        return os.path.realpath(os.getcwd())
    except OSError:
        return None


def choice_of(store: ConfigStore) -> Optional[DirectoryChoice]:
    """The choice for the working directory.

    :raises ConfigFileError: the file cannot be read. It is not ignored, since that could select another account.
    """
    try:
        choices = _store(store).load()
    except NoHomeDirectory:
        return None
    directory = current_directory() if choices else None
    return nearest(choices, directory) if directory is not None else None


def choose(store: ConfigStore, name: str) -> str:
    """Use a saved configuration in the working directory and below it; returns the directory.

    :raises ConfigNotFound: no configuration has that name.
    :raises ConfigError: the working directory was deleted, or the file cannot be written.
    """
    if name not in config_rules.user_config_names(store.load_fresh()):
        raise ConfigNotFound(name)
    directory = current_directory()
    if directory is None:
        raise ConfigError("The current directory does not exist any more.")
    with _store(store).transaction() as choices:
        choices[directory] = name
    return directory


def forget(store: ConfigStore) -> bool:
    """Remove the choice for the working directory itself; False when there was none.

    :raises ConfigError: the file cannot be written.
    """
    with _store(store).transaction() as choices:
        return choices.pop(current_directory() or "", None) is not None


def _store(store: ConfigStore) -> ConfigStore:
    return ConfigStore(os.path.join(os.path.dirname(store.path), FILE_NAME), store.lock_timeout)
