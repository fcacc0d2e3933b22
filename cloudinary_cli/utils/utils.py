"""Old import path of helpers for questions and error logs."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from cloudinary_cli.console import Console
from cloudinary_cli.defaults import logger

FORCE_HINT = "Use --force (-F) to skip the question."


def is_interactive() -> bool:
    """True when stdin is a terminal."""
    return Console().is_interactive()


def prompt_user(message: str, noninteractive_hint: Optional[str] = None) -> Optional[str]:
    """Read one line from the user. At the end of stdin, log the hint and return None."""
    return Console().prompt(message, noninteractive_hint)


def get_user_action(message: str, options: Mapping[str, Any], noninteractive_hint: Optional[str] = None) -> Any:
    """The value of `options` for the user's input in lower case; the value of "default" for any other input."""
    answer = prompt_user(message, noninteractive_hint)
    return options.get((answer or "").lower(), options.get("default"))


def confirm_action(message: str = "Continue? (y/N)") -> bool:
    """Ask a question. True for y or yes; the default is no."""
    return bool(get_user_action(f"{message} ", {"y": True, "yes": True, "default": False}, FORCE_HINT))


def log_exception(e: BaseException, message: Optional[str] = None, debug_message: Optional[str] = None) -> None:
    """Log one line at the error level, and the traceback at the debug level."""
    logger.error("%s", message or str(e))
    logger.debug("%s", debug_message or message or str(e), exc_info=e)
