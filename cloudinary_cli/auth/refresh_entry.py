"""The saved entry of one login and of its copies during a refresh: the journal record, and the new tokens."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Optional

from cloudinary_cli.auth import refresh_state
from cloudinary_cli.auth.refresh_rules import holders, holds
from cloudinary_cli.auth.refresh_state import Kind, RefreshState
from cloudinary_cli.auth.session import Session, with_tokens
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import replace_query
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError
from cloudinary_cli.system.files import PendingFile
from cloudinary_cli.system.signals import deferred_signals


class SavedLogin:
    """The entry `name`, for as long as it holds the refresh token of `session`. Its copies are written with it."""

    def __init__(self, store: ConfigStore, name: str, session: Session, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self.name, self.session = name, session

    def note(self, kind: Optional[Kind]) -> Optional[str]:
        """Write (or with None, clear) the journal record: the new entry, or None when it holds another token by now.

        :raises CliError: config.json cannot be written.
        """
        record: Optional[str] = None
        if kind is not None:
            mark = refresh_state.fingerprint(self.session.refresh_token or "")
            record = str(RefreshState(kind, mark, int(self._clock()), os.getpid()))

        def change(cfg: Dict[str, Any]) -> Optional[str]:
            if not holds(cfg.get(self.name), self.session):
                return None
            return self._edit(cfg, lambda entry: replace_query(entry, {refresh_state.KEY: record}))

        noted: Optional[str] = self._store.change(change)
        return noted

    def try_note(self, kind: Optional[Kind]) -> None:
        """The same, where the outcome is known already: a failure is logged."""
        try:
            self.note(kind)
        except CliError as error:
            logger.debug("The refresh journal could not be written: %s", error)

    def restore(self, known: Optional[RefreshState]) -> None:
        """Put back the journal record from before a request that was not sent."""
        with deferred_signals():
            self.try_note(known.kind if known is not None else None)

    def save(self, renewed: Session, pending: Optional[PendingFile]) -> Optional[str]:
        """Save the new tokens and clear the journal. None when only copies are left, or none of the entries.

        :raises CliError: config.json cannot be written.
        """
        url: Optional[str] = self._store.change(
            lambda cfg: self._edit(cfg, lambda entry: with_tokens(entry, renewed)), pending
        )
        return url

    def _edit(self, cfg: Dict[str, Any], edit: Callable[[str], str]) -> Optional[str]:
        names = holders(cfg, self.session, self.name)
        for each in names:
            cfg[each] = edit(str(cfg[each]))
        return str(cfg[self.name]) if self.name in names else None
