"""Sends a signal again when its handler has not run, because a system call began between the signal and the handler."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from contextlib import suppress
from typing import Callable, Set

# A handler runs within microseconds, unless the main thread is inside a system call or waits for a processor.
_HANDLER_SECONDS = 0.05


class SignalRepeater:
    """The wakeup file descriptor of this process (signal.set_wakeup_fd), and a thread that reads it. POSIX only.

    When a signal arrives, the C code of Python only sets a flag and writes the signal's number to the wakeup file
    descriptor. The handler in Python runs when the main thread executes bytecode again. A signal that arrives just
    before a system call does not interrupt it, so the handler would wait until the call returns: until the server
    responds, or the user types Enter. Each handler removes its number from the pipe. A number that is still there after
    a moment belongs to a handler that has not run, and the signal is sent again.
    """

    def __init__(self, send: Callable[[int], None]) -> None:
        """Take the wakeup file descriptor of the process.

        :param send: sends a signal to the main thread.
        """
        self._send = send
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        with suppress(RuntimeError):  # the user may have no more threads; few commands need one
            threading.Thread(target=self._run, name="signals", daemon=True).start()

    def take(self, number: int) -> bool:
        """Remove a signal from the pipe, before it is handled. False: it is sent again, or it was handled already."""
        numbers = self._read()
        others = numbers - {number}
        if others:
            os.write(self._writer, bytes(others))
        return number in numbers

    def _read(self) -> Set[int]:
        try:
            return set(os.read(self._reader, 4096))
        except BlockingIOError:
            return set()

    def _run(self) -> None:
        while True:
            select.select([self._reader], [], [])
            time.sleep(_HANDLER_SECONDS)
            for number in self._read():
                self._send(number)
