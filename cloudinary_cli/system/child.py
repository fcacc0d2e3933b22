"""Runs a command as a child process: passes signals on to it, and returns its exit status as a shell would."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Callable, Dict, List, Mapping, Optional

from cloudinary_cli.system.signals import SIGNALS

# POSIX shells use these for a command that cannot be found, or cannot be executed (POSIX.1, 2.8.2).
COMMAND_NOT_FOUND = 127
COMMAND_NOT_RUNNABLE = 126


def run_command(
    command: List[str],
    environment: Dict[str, str],
    report: Callable[[str], None],
    instead: Optional[Mapping[str, str]] = None,
) -> int:
    """Run a command, pass signals on to it, and return its exit status as a shell would (128 + signal).

    :param report: called with one line when the command cannot be started.
    :param instead: maps the name of a signal to the name of the signal that the command gets instead.
    """
    forwarder = _SignalForwarder(instead or {})
    # Before the child starts, so that no signal ends this process and leaves the child running.
    with SIGNALS.listening(forwarder.receive):
        try:
            process = subprocess.Popen(command, env=environment)
        except FileNotFoundError:
            report(f"Command not found: {command[0]}")
            return COMMAND_NOT_FOUND
        except OSError as error:
            report(f"Cannot run {command[0]}: {error.strerror or error}")
            return COMMAND_NOT_RUNNABLE
        forwarder.send_to(process)
        status = process.wait()
    return status if status >= 0 else 128 - status


class _SignalForwarder:
    """Sends termination signals to a child instead of ending this process."""

    def __init__(self, instead: Mapping[str, str]) -> None:
        self._instead = instead
        self._child: "Optional[subprocess.Popen[bytes]]" = None
        self._pending: List[int] = []

    def send_to(self, child: "subprocess.Popen[bytes]") -> None:
        """Forward the signals that have arrived, and those that arrive from now on."""
        self._child = child
        for number in self._pending:
            self._send(child, number)

    def receive(self, number: int) -> bool:
        """Forward one signal. True: it is not to end this process."""
        if self._child is None:
            self._pending.append(number)
        elif number != signal.SIGINT or not _reaches_child():
            self._send(self._child, number)
        return True

    def _send(self, child: "subprocess.Popen[bytes]", number: int) -> None:
        name = signal.Signals(number).name
        child.send_signal(getattr(signal, self._instead.get(name, name)))


def _reaches_child() -> bool:
    """True when Ctrl-C reaches the child, too: a terminal sends it to the foreground process group, Windows to all."""
    if os.name == "nt":
        return True
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)  # stdin may be a file
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
