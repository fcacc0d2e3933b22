"""Processes that get a signal just before a system call that waits."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Dict

from test.support.preloaded import compiled

SOURCE = Path(__file__).with_suffix(".c")


def early_signal(directory: Path, call: str, number: int = signal.SIGINT) -> Dict[str, str]:
    """The environment variables of a process that gets a signal just before `call`: "read", "poll" or "waitpid".

    :param directory: where the library is made that sends the signal.
    """
    return {"LD_PRELOAD": str(compiled(SOURCE, directory)), "EARLY_SIGNAL": str(int(number)), "EARLY_CALL": call}
