"""A saved login as the SDK's active configuration."""

from __future__ import annotations

from typing import Any

from cloudinary_cli.config.resolver import Selection, resolve
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.sdk.call import call_api


def activate(store: ConfigStore, name: str = "box") -> Any:
    return activation.activate(resolve(Selection(config_saved=name), store.load_fresh(), {}), store)


def ping(**options: Any) -> Any:
    return call_api(loader.module("admin").ping, **options)
