"""Old import path of the inventory of configurations. Uses the home directory and environment of this process."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Mapping

from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.inventory import (
    SYNTHETIC_NAMES,
    ConfigRow,
    active_row,
    config_type_label,
    inventory,
    saved_row,
)
from cloudinary_cli.config.inventory_table import render_config_table
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.utils.config_resolver import last_resolved

__all__ = [
    "SYNTHETIC_NAMES",
    "active_config_meta",
    "config_meta",
    "config_type_label",
    "list_configs",
    "render_config_table",
]


def list_configs() -> List[ConfigRow]:
    return inventory(ConfigStore().load(), last_resolved(), os.environ, time.time())


def config_meta(name: str, cfg: Mapping[str, Any], obj: Any = None) -> Dict[str, Any]:
    """The JSON header of the saved configuration `name`. If `obj`, an SDK config, is given, it determines the type."""
    row = saved_row(name, cfg.get(name), config_rules.stored_default(cfg), last_resolved(), time.time())
    return _meta(row, obj)


def active_config_meta(obj: Any = None) -> Dict[str, Any]:
    """The JSON header of the active configuration; `obj` as in config_meta()."""
    return _meta(active_row(last_resolved(), config_rules.stored_default(ConfigStore().load()), time.time()), obj)


def _meta(row: ConfigRow, obj: Any) -> Dict[str, Any]:
    return {**row.meta(), **({"type": config_type_label(obj)} if obj is not None else {})}
