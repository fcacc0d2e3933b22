"""Named-config functions over the ConfigStore of the present home directory, and the old format's migration."""

from __future__ import annotations

import importlib
import os
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Optional

from cloudinary_cli import defaults
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, NoHomeDirectory
from cloudinary_cli.utils import config_rules
from cloudinary_cli.utils.config_environment import environment_is_configured
from cloudinary_cli.utils.config_file import parse_content, read_bytes
from cloudinary_cli.utils.config_rules import DefaultStatus, is_reserved_config_name
from cloudinary_cli.utils.config_store import ConfigStore
from cloudinary_cli.utils.config_url import (
    build_config_url,
    cloud_name_from_url,
    is_oauth_url,
    validate_config_url,
)


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


def load_config() -> Dict[str, Any]:
    return current_store().load()


def save_config(cfg: Mapping[str, Any]) -> None:
    current_store().save(cfg)


def update_config(new: Mapping[str, Any]) -> None:
    with current_store().transaction() as cfg:
        cfg.update(new)


def remove_config_keys(*keys: str) -> List[str]:
    """Remove entries; returns the keys that were not found."""
    with current_store().transaction() as cfg:
        missing = [key for key in keys if key not in cfg]
        for key in keys:
            cfg.pop(key, None)
        return missing


def config_lock() -> Any:
    """The reentrant cross-process lock, as a context manager."""
    return current_store().lock()


def config_mtime() -> int:
    return current_store().mtime()


def get_default_config_name() -> Optional[str]:
    return config_rules.stored_default(load_config())


def set_default_config(name: str) -> None:
    current_store().set_default(name)


def clear_default_config() -> bool:
    return current_store().clear_default()


def save_named_config(name: str, url: str, set_default: bool = False) -> DefaultStatus:
    return current_store().save_named(name, url, set_default, is_env_configured())


def remove_named_config(name: str) -> bool:
    return current_store().remove_named(name, is_env_configured())


def user_config_names(cfg: Optional[Mapping[str, Any]] = None) -> List[str]:
    return config_rules.user_config_names(load_config() if cfg is None else cfg)


def config_type(url: Any) -> str:
    """`oauth` or `api_key`, decided on the text of the URL."""
    return "oauth" if is_oauth_url(url) else "api_key"


def migrate_old_config(store: Optional[ConfigStore] = None) -> bool:
    """Merge the old format's file over config.json and delete it. A corrupt one is left where it is, with a warning."""
    try:
        path = defaults.legacy_config_file()
    except NoHomeDirectory:
        return False
    if not os.path.isfile(path):
        return False
    target = store or current_store()
    try:
        # Read and deleted under the lock: a second process must not merge it again, over changes made since.
        with target.lock():
            if not os.path.isfile(path):
                return False
            old = parse_content(path, read_bytes(path))
            with target.transaction() as cfg:
                cfg.update(old)
            os.unlink(path)
    except OSError as error:
        logger.warning("%s was taken over, but cannot be deleted: %s. Delete it.", path, error.strerror)
    except CliError as error:
        # What cannot be taken over now must not stop a command that needs none of it.
        logger.warning("%s The old format's file %s was not taken over.", error, path)
        return False
    return True


def initialize() -> None:
    """Bring the home directory up to date. A command does it itself, before its body runs."""
    migrate_old_config()


# Functions whose rooms lie above this one, found by name when asked for.
_ELSEWHERE = {
    "refresh_cloudinary_config": "cloudinary_cli.auth.oauth_config:install_oauth_config",
    "verify_cloudinary_url": "cloudinary_cli.utils.api_utils:verify_cloudinary_url",
    "ping_cloudinary": "cloudinary_cli.utils.api_utils:ping_cloudinary",
    "is_valid_cloudinary_config": "cloudinary_cli.sdk:is_valid_cloudinary_config",
    "config_to_dict": "cloudinary_cli.utils.config_view:config_to_dict",
    "show_cloudinary_config": "cloudinary_cli.utils.config_view:show_cloudinary_config",
    "cloudinary_config_details": "cloudinary_cli.utils.config_view:cloudinary_config_details",
    "config_optional": "cloudinary_cli.command:config_optional",
}


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _ELSEWHERE[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


__all__ = [
    "ConfigStore",
    "DefaultStatus",
    "build_config_url",
    "cloud_name_from_url",
    "is_reserved_config_name",
    "validate_config_url",
]
