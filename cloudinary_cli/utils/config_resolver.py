"""Old import path of the functions that select the configuration. Keeps the result of the last selection."""

from __future__ import annotations

import os
from typing import Any, List, Optional

import click

from cloudinary_cli.config.directories import choice_of
from cloudinary_cli.config.resolver import (
    ResolvedConfig,
    Selection,
    Source,
    config_to_api_kwargs,
    resolve,
)
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.context import AppContext
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ConfigError
from cloudinary_cli.sdk.call import account_config

__all__ = [
    "ResolvedConfig",
    "Selection",
    "Source",
    "active_config_is_env",
    "active_config_is_url",
    "active_config_name",
    "config_to_api_kwargs",
    "get_cloudinary_config",
    "last_resolved",
    "resolve",
    "resolve_cli_config",
]

# At most one item: the result of the last resolve_cli_config(). Its callers pass no context that could hold it.
_resolved: List[ResolvedConfig] = []


def resolve_cli_config(config: Optional[str], config_saved: Optional[str], warn_if_unconfigured: bool = True) -> bool:
    """Select the configuration for the old functions. True if it has credentials. Sends no request."""
    store = ConfigStore()
    resolved = resolve(Selection(config, config_saved), store.load(), os.environ, lambda: choice_of(store))
    _resolved[:] = [resolved]
    if not resolved.is_usable and warn_if_unconfigured:
        try:
            resolved.require()
        except ConfigError as error:
            logger.warning("%s", error)
    return resolved.is_usable


def last_resolved() -> ResolvedConfig:
    """The active configuration of the running command, or else the result of the last resolve_cli_config()."""
    context = click.get_current_context(silent=True)
    app = context.find_object(AppContext) if context is not None else None
    if app is not None:
        return app.active
    return _resolved[0] if _resolved else ResolvedConfig()


def active_config_name() -> Optional[str]:
    return last_resolved().name


def active_config_is_env() -> bool:
    return last_resolved().source is Source.ENVIRONMENT


def active_config_is_url() -> bool:
    return last_resolved().source is Source.URL


def get_cloudinary_config(target: str) -> Any:
    """The SDK config of a URL or a saved name, after a ping with it; False if the ping fails.

    The token of a saved login is refreshed first if necessary. The active configuration is restored.

    :raises ConfigError: unknown name or invalid URL.
    """
    return account_config(target, ConfigStore(), os.environ)
