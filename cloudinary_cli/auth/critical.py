"""Defers SIGINT, SIGTERM and SIGHUP over a section that must not stop half way; knows nothing of the section."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Note the signals that arrive in the block and deliver them when it ends.

    Python runs signal handlers in the main thread only. In another thread this does nothing and needs nothing: there,
    no signal interrupts the block, and the interpreter waits for the thread before it exits.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: List[int] = []

    def note(signum: int, frame: Any) -> None:
        arrived.append(signum)

    previous: Dict[int, Any] = {}
    for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
        # An ignored signal (nohup) stays ignored; a handler that Python did not set cannot be put back.
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            previous[number] = signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(arrived):
            os.kill(os.getpid(), number)
