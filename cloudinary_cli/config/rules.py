"""The rules of saved configurations: reserved names, the default, and how saving and removing change the default.

Pure functions over the content of config.json, so that an entry and the default change in one locked write.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Dict, List, Mapping, Optional

from cloudinary_cli.defaults import DEFAULT_CONFIG_KEY
from cloudinary_cli.errors import URL_IS_NO_NAME, ConfigError


class DefaultStatus(str, Enum):
    """The effect of saving an entry on the stored default."""

    MADE = "made"
    ALREADY = "already"
    NO = "no"


def is_reserved_config_name(name: str) -> bool:
    """True for `__x__`: such keys are metadata, never configurations."""
    return name.startswith("__") and name.endswith("__")


def check_config_name(name: str) -> str:
    """The name itself, when a user may pick it.

    :raises ConfigError: the name is reserved, empty, or a URL. The URL, which may hold a secret, is not repeated.
    """
    if not name:
        raise ConfigError("The configuration name is empty. Give a name, for example: my-cloud.")
    if "://" in name:
        raise ConfigError(URL_IS_NO_NAME)
    if is_reserved_config_name(name):
        raise ConfigError(f"'{name}' is a reserved name (two underscores on both sides). Choose another one.")
    return name


def user_config_names(cfg: Mapping[str, Any]) -> List[str]:
    """Names of the saved configurations, in file order."""
    return [name for name in cfg if name[:2] != "__" or not is_reserved_config_name(name)]


def stored_default(cfg: Mapping[str, Any]) -> Optional[str]:
    """The stored default; None when there is none or it names no saved entry."""
    name = cfg.get(DEFAULT_CONFIG_KEY)
    return name if isinstance(name, str) and name in cfg and not is_reserved_config_name(name) else None


def drop_dangling_default(cfg: Dict[str, Any]) -> None:
    """Remove a default that names no saved entry."""
    if DEFAULT_CONFIG_KEY in cfg and stored_default(cfg) is None:
        del cfg[DEFAULT_CONFIG_KEY]


def put_entry(cfg: Dict[str, Any], name: str, url: str, set_default: bool, env_configured: bool) -> DefaultStatus:
    """Save `url` under `name`; the only saved entry becomes the default when the environment names no cloud."""
    check_config_name(name)
    drop_dangling_default(cfg)
    cfg[name] = url
    current = stored_default(cfg)
    if current == name:
        return DefaultStatus.ALREADY
    sole = current is None and not env_configured and user_config_names(cfg) == [name]
    if set_default or sole:
        cfg[DEFAULT_CONFIG_KEY] = name
        return DefaultStatus.MADE
    return DefaultStatus.NO


def drop_entry(cfg: Dict[str, Any], name: str, env_configured: bool) -> bool:
    """Remove `name`. When it was the default, a lone surviving entry is promoted. False when there was none."""
    if is_reserved_config_name(name) or name not in cfg:
        return False
    was_default = stored_default(cfg) == name
    del cfg[name]
    drop_dangling_default(cfg)
    survivors = user_config_names(cfg)
    if was_default and len(survivors) == 1 and not env_configured:
        cfg[DEFAULT_CONFIG_KEY] = survivors[0]
    return True
