"""Writes the journal record and the new tokens of a refresh to the saved entry of a login and to its copies."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Optional

from cloudinary_cli.auth.refresh_rules import holders, holds
from cloudinary_cli.auth.session import Session, with_tokens
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.refresh_state import Kind, RefreshState
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import replace_query
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError
from cloudinary_cli.system.files import PendingFile


class SavedLogin:
    """The entry `name` while it holds the refresh token of `session`. Its copies are written together with it."""

    def __init__(self, store: ConfigStore, name: str, session: Session, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self.name, self.session = name, session

    def note(self, kind: Optional[Kind]) -> Optional[str]:
        """Write the journal record, or clear it; returns the new entry, or None when it holds another token now.

        :param kind: of the record; None clears it.
        :raises CliError: config.json cannot be written.
        """
        record: Optional[str] = None
        if kind is not None:
            fingerprint = refresh_state.fingerprint(self.session.refresh_token or "")
            record = str(RefreshState(kind, fingerprint, int(self._clock()), os.getpid()))

        def change(cfg: Dict[str, Any]) -> Optional[str]:
            if not holds(cfg.get(self.name), self.session):
                return None
            return self._edit(cfg, lambda entry: replace_query(entry, {refresh_state.KEY: record}))

        noted: Optional[str] = self._store.change(change)
        return noted

    def try_note(self, kind: Optional[Kind]) -> None:
        """Like note(), but a failure is only logged, because the outcome of the refresh is known already."""
        try:
            self.note(kind)
        except CliError as error:
            logger.debug("The refresh journal could not be written: %s", error)

    def save(self, renewed: Session, pending: Optional[PendingFile]) -> Optional[str]:
        """Save the new tokens and clear the journal; returns the new entry, or None when the entry is gone.

        Copies that still hold the old token are written in any case.

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
