"""Old import path of functions for the config.json of the current home directory."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Optional

from cloudinary_cli.auth.oauth_config import install_oauth_config as refresh_cloudinary_config
from cloudinary_cli.command import config_optional
from cloudinary_cli.config import legacy
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.environment import environment_is_configured
from cloudinary_cli.config.resolver import Selection, resolve
from cloudinary_cli.config.rules import DefaultStatus, is_reserved_config_name
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import build_config_url, cloud_name_from_url, is_oauth_url, validate_config_url
from cloudinary_cli.config.view import cloudinary_config_details, config_to_dict, show_cloudinary_config
from cloudinary_cli.sdk import activation
from cloudinary_cli.sdk.call import ping_cloudinary
from cloudinary_cli.sdk.loader import is_valid_cloudinary_config

__all__ = [
    "ConfigStore", "DefaultStatus", "build_config_url", "clear_default_config", "cloud_name_from_url",
    "cloudinary_config_details", "config_lock", "config_mtime", "config_optional", "config_to_dict", "config_type",
    "get_default_config_name", "initialize", "is_env_configured", "is_oauth_url",
    "is_reserved_config_name", "is_valid_cloudinary_config", "load_config", "migrate_old_config", "ping_cloudinary",
    "refresh_cloudinary_config", "remove_config_keys", "remove_named_config", "save_config", "save_named_config",
    "set_default_config", "show_cloudinary_config", "update_config", "user_config_names", "validate_config_url",
    "verify_cloudinary_url",
]  # fmt: skip

# One store for the process, so that load_config() has a cache. Its path is computed on each use.
_STORE = ConfigStore()

load_config = _STORE.load
save_config = _STORE.save
config_lock = _STORE.lock  # reentrant, for all processes; a context manager
config_mtime = _STORE.mtime
set_default_config = _STORE.set_default
clear_default_config = _STORE.clear_default


def update_config(new: Mapping[str, Any]) -> None:
    with _STORE.transaction() as cfg:
        cfg.update(new)


def remove_config_keys(*keys: str) -> List[str]:
    """Remove entries; returns the keys that were not found."""
    with _STORE.transaction() as cfg:
        missing = [key for key in keys if key not in cfg]
        for key in keys:
            cfg.pop(key, None)
        return missing


def get_default_config_name() -> Optional[str]:
    return config_rules.stored_default(load_config())


def save_named_config(name: str, url: str, set_default: bool = False) -> DefaultStatus:
    return _STORE.save_named(name, url, set_default, is_env_configured())


def remove_named_config(name: str) -> bool:
    return _STORE.remove_named(name, is_env_configured())


def is_env_configured(environ: Optional[Mapping[str, str]] = None) -> bool:
    """True when the environment names a cloud."""
    return environment_is_configured(os.environ if environ is None else environ)


def verify_cloudinary_url(url: str) -> bool:
    """Install `url` as the active configuration and ping with it. Logs the error and returns False if that fails.

    :raises click.UsageError: it is not a usable URL.
    """
    activation.activate(resolve(Selection(config=url), {}, {}), _STORE)
    return ping_cloudinary()


def migrate_old_config() -> bool:
    """Merge the file in the old format into config.json, and delete it. Returns True if it was merged."""
    return legacy.migrate_old_config(_STORE)


initialize = migrate_old_config  # every command does this itself before it runs


def user_config_names(cfg: Optional[Mapping[str, Any]] = None) -> List[str]:
    return config_rules.user_config_names(load_config() if cfg is None else cfg)


def config_type(url: Any) -> str:
    """`oauth` or `api_key`, depending on the text of the URL."""
    return "oauth" if is_oauth_url(url) else "api_key"
