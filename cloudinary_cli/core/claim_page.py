"""Opens the claim page of a Claimable Cloud, or prints its URL where nobody looks at a terminal."""

from __future__ import annotations

import os

from cloudinary_cli.agent import claims as claim_utils
from cloudinary_cli.context import AppContext


def open_claim_page(app: AppContext, url: str) -> bool:
    """Open the page on a terminal, else print its URL on stdout. False when it was only printed.

    :raises ConfigError: for a URL that no browser should be given.
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
    """True when a person reads stdout."""
    try:
        return app.console.stdout is not None and os.isatty(app.console.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # closed, or not a file
        return False
