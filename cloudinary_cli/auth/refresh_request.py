"""Sends one refresh token: the number of attempts, the pauses, and the moment from which signals are deferred."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any, Callable

from cloudinary_cli.defaults import OAUTH_HTTP_TIMEOUT_SECONDS
from cloudinary_cli.errors import Delivery, TokenEndpointError
from cloudinary_cli.system.signals import deferred_signals

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5
_MAX_RETRY_AFTER_SECONDS = 5.0
# No attempt begins later than this, so that a refresh ends before other processes, which wait for its lock for
# REFRESH_LOCK_TIMEOUT_SECONDS, give up.
_LATEST_ATTEMPT_SECONDS = OAUTH_HTTP_TIMEOUT_SECONDS + 5


class Section:
    """Defers signals from the moment the token is sent, and records whether it may have been spent."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.may_be_spent = False
        self.response_was_lost = False

    def open(self) -> None:
        """Defer signals, then record that the token is sent: an interrupt between the two restores the journal."""
        self._stack.enter_context(deferred_signals())
        self.may_be_spent = True

    def close(self) -> None:
        """Deliver the signals that have arrived since open()."""
        self._stack.close()


def send_token(request: Callable[[], Any], section: Section, may_repeat: bool, note_retry: Callable[[], bool]) -> Any:
    """Send the refresh token; repeat while it was not processed, and once after a lost response.

    Signals are deferred when this returns, because the response must be saved first.

    :param request: one attempt, which calls `section.open` right before the token is sent.
    :param may_repeat: whether the request may be repeated after a lost response.
    :param note_retry: writes the journal record of the repeated request; False when the entry has been changed.
    :raises TokenEndpointError: the error of the last attempt.
    """
    attempt, latest = 0, time.monotonic() + _LATEST_ATTEMPT_SECONDS
    while True:
        attempt += 1
        try:
            response = request()
            section.open()
            return response
        except TokenEndpointError as error:
            lost = error.delivery is Delivery.UNKNOWN
            after_loss = lost and may_repeat and not section.response_was_lost
            if not (after_loss or (attempt < _ATTEMPTS and error.is_retryable)) or time.monotonic() > latest:
                raise
            section.response_was_lost = section.response_was_lost or lost
            section.may_be_spent = section.response_was_lost
            section.close()
            time.sleep(min(error.retry_after or _PAUSE_SECONDS * attempt, _MAX_RETRY_AFTER_SECONDS))
            if lost and not note_retry():
                raise
