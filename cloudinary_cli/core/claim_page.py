"""Opens the claim page of a Claimable Cloud, or prints its URL if stdout is not a terminal."""

from __future__ import annotations

import os

from cloudinary_cli.agent import claims as claim_utils
from cloudinary_cli.context import AppContext


def open_claim_page(app: AppContext, url: str) -> bool:
    """Open the page if stdout is a terminal, otherwise print its URL. Returns False if it was only printed.

    :raises ConfigError: the URL must not be opened in a browser.
    """
    claim_utils.check_claim_url(url)
    if not stdout_is_terminal(app):
        app.console.data(url)
        return False
    app.console.notice(f"Opening the claim page: {url}")
    if not app.open_browser(url):
        app.console.warning("No browser could be opened. Open the URL yourself.")
    return True


def stdout_is_terminal(app: AppContext) -> bool:
    """True when stdout is a terminal."""
    try:
        return app.console.stdout is not None and os.isatty(app.console.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # closed, or not a file
        return False
