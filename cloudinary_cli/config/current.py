"""Finds the ConfigStore of the home directory that the environment names."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Mapping, Optional

from cloudinary_cli import defaults
from cloudinary_cli.config.environment import environment_is_configured
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import NoHomeDirectory


@lru_cache(maxsize=None)
def _store_at(path: str) -> ConfigStore:
    return ConfigStore(path)


def current_store() -> ConfigStore:
    """The store of the home directory that the environment gives now."""
    try:
        return _store_at(defaults.config_file())
    except NoHomeDirectory:
        return ConfigStore()  # says so when something is to be saved


def is_env_configured(environ: Optional[Mapping[str, str]] = None) -> bool:
    """True when the environment names a cloud."""
    return environment_is_configured(os.environ if environ is None else environ)
