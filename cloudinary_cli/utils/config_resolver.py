"""Old import path of the choice of the configuration."""

from cloudinary_cli.config.resolver import (
    ResolvedConfig,
    Selection,
    Source,
    active_config_is_env,
    active_config_is_url,
    active_config_name,
    config_to_api_kwargs,
    resolve,
    resolve_cli_config,
)
from cloudinary_cli.sdk.call import get_cloudinary_config

__all__ = [
    "ResolvedConfig",
    "Selection",
    "Source",
    "active_config_is_env",
    "active_config_is_url",
    "active_config_name",
    "config_to_api_kwargs",
    "get_cloudinary_config",
    "resolve",
    "resolve_cli_config",
]
