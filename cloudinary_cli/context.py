"""AppContext: the object in Click's `ctx.obj`, with console, store, clock, environment and active configuration."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, Mapping, Optional

from cloudinary_cli.config import directories
from cloudinary_cli.config import resolver as config_resolver
from cloudinary_cli.config.resolver import DirectoryChoice, ResolvedConfig, Selection
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.console import Console
from cloudinary_cli.errors import ConfigError


def open_browser(url: str) -> bool:
    """Open the user's browser, or the one that BROWSER names. False if there is none."""
    from cloudinary_cli.system import browser

    return browser.open_browser(url)


@dataclass(frozen=True)
class AppContext:
    """The dependencies of a command. Tests can replace each one; nothing is read before it is used."""

    selection: Selection = field(default_factory=Selection)
    console: Console = field(default_factory=Console)
    store: ConfigStore = field(default_factory=ConfigStore)
    clock: Callable[[], float] = time.time
    open_browser: Callable[[str], bool] = open_browser
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @cached_property
    def active(self) -> ResolvedConfig:
        """The active configuration, usable or not. Reads config.json, and sends no request."""
        # -c with a URL needs no file, so it works with an unreadable config.json.
        snapshot = {} if "://" in (self.selection.config or "") else self.store.load()
        return config_resolver.resolve(self.selection, snapshot, self.environ, lambda: self.directory_choice)

    @cached_property
    def directory_choice(self) -> Optional[DirectoryChoice]:
        """The configuration of the working directory.

        :raises ConfigFileError: the file with the choices cannot be read.
        """
        return directories.choice_of(self.store)

    @property
    def known_directory_choice(self) -> Optional[DirectoryChoice]:
        """The same for a message about it, which an unreadable file must not prevent: None then."""
        try:
            return self.directory_choice
        except ConfigError:
            return None

    @cached_property
    def sdk_config(self) -> Any:
        """The active configuration (an OAuthConfig), installed in the SDK, which is loaded first.

        :raises ConfigError: no usable configuration is selected.
        """
        from cloudinary_cli.sdk import activation

        return activation.activate(self.active.require(), self.store)

    def check_selection(self) -> None:
        """Check -c and -C, even in a command that needs no configuration.

        :raises click.UsageError: they cannot be used.
        """
        if self.selection.config is not None or self.selection.config_saved is not None:
            self.active  # noqa: B018 - resolving is the check

    def close(self) -> None:
        """End the command: save tokens that could not be saved earlier.

        :raises OAuthError: the tokens cannot be saved, and are lost.
        """
        config = self.__dict__.get("sdk_config")
        if config is not None:
            config.flush()
