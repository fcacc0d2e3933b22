"""Restarts the program in Python's UTF-8 mode if the locale is ASCII."""

from __future__ import annotations

import os
import sys
from typing import List


def restart_in_utf8_mode() -> None:
    """Replace this process with the same program in UTF-8 mode (PEP 540). Return if that is not possible.

    In a C locale, Python enables the mode itself unless PYTHONUTF8=0 or another locale variable prevents it. Without
    the mode, a non-ASCII name cannot be both used as a path and sent to a server, and it cannot be printed.
    """
    if os.name == "nt" or getattr(sys, "frozen", False) or not sys.executable or "utf8" in sys._xoptions:
        return
    try:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *_arguments()])  # noqa: S606 - no shell is involved
    except OSError:
        return


def _arguments() -> List[str]:
    original = getattr(sys, "orig_argv", None)  # since Python 3.10
    if original:
        return list(original[1:])
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"
    return [*(["-m", "cloudinary_cli"] if is_module else sys.argv[:1]), *sys.argv[1:]]
