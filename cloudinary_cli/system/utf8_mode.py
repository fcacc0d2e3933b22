"""Starts the program again in Python's UTF-8 mode where Python would read and write ASCII only."""

from __future__ import annotations

import os
import sys
from typing import List


def restart_in_utf8_mode() -> None:
    """Replace this process by the same program in UTF-8 mode (PEP 540); return if that cannot be done.

    Python turns the mode on itself in a C locale, unless PYTHONUTF8=0 or another locale variable prevents it. Without
    it, a name that is not ASCII can be used as a path or be sent, not both, and cannot be printed.
    """
    if os.name == "nt" or getattr(sys, "frozen", False) or not sys.executable or "utf8" in sys._xoptions:
        return
    try:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *_arguments()])  # noqa: S606 - no shell is wanted
    except OSError:
        return


def _arguments() -> List[str]:
    original = getattr(sys, "orig_argv", None)  # Python 3.10
    if original:
        return list(original[1:])
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"
    return [*(["-m", "cloudinary_cli"] if is_module else sys.argv[:1]), *sys.argv[1:]]
