"""Runs a command as a child process: passes signals on to it, and returns its exit status as a shell would."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

# POSIX shells use these for a command that cannot be found, or cannot be executed (POSIX.1, 2.8.2).
COMMAND_NOT_FOUND = 127
COMMAND_NOT_RUNNABLE = 126


def run_command(
    command: List[str],
    environment: Dict[str, str],
    report: Callable[[str], None],
    instead: Optional[Mapping[str, str]] = None,
) -> int:
    """Run a command and return its exit status; 128 + signal when a signal has ended it.

    :param report: gets one line when the command cannot be started.
    :param instead: names of signals, and of those that the command gets in their place.
    """
    try:
        process = subprocess.Popen(command, env=environment)
    except FileNotFoundError:
        report(f"Command not found: {command[0]}")
        return COMMAND_NOT_FOUND
    except OSError as error:
        report(f"Cannot run {command[0]}: {error.strerror or error}")
        return COMMAND_NOT_RUNNABLE
    with _forwarded_signals(process, instead or {}):
        status = process.wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _forwarded_signals(process: "subprocess.Popen[bytes]", instead: Mapping[str, str]) -> Iterator[None]:
    """In the block, send termination signals to the child; this process ends when the child does."""

    def forward(number: int, frame: Any) -> None:
        # Ctrl-C in a terminal reaches the whole process group, so the child has received it already.
        if number != signal.SIGINT or not _is_foreground():
            name = signal.Signals(number).name
            process.send_signal(getattr(signal, instead.get(name, name)))

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # An ignored signal (nohup) stays ignored, as it is in the child.
    before = {
        number: signal.signal(number, forward) for number in numbers if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except (AttributeError, OSError):
        return False
