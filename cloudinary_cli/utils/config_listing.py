"""Old import path of the inventory of configurations."""

from cloudinary_cli.config.inventory import (
    SYNTHETIC_NAMES,
    active_config_meta,
    config_meta,
    config_type_label,
    list_configs,
    render_config_table,
)

__all__ = [
    "SYNTHETIC_NAMES",
    "active_config_meta",
    "config_meta",
    "config_type_label",
    "list_configs",
    "render_config_table",
]
