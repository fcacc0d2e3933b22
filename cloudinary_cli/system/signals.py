"""Handles SIGINT, SIGTERM and SIGHUP, and defers them while any thread is in a critical section."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any, Callable, Dict, Iterator, List, NoReturn, Optional

from cloudinary_cli.defaults import EXIT_WAIT_SECONDS
from cloudinary_cli.errors import CliError, Terminated
from cloudinary_cli.system.signal_repeater import SignalRepeater

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
# The first signals raise an exception, up to this number. The next one ends the process without unwinding the stack.
_MAX_RAISED = 2

# Longer than an unraisable hook takes: an exception raised in it would be discarded as well.
_LOST_SIGNAL_SECONDS = 0.02

# How long a full terminal may take to accept output. A slow one does; one that Ctrl-S has stopped does not. Linux
# empties its buffer at Ctrl-C, but sends the signal first.
_SLOW_TERMINAL_SECONDS = 0.5

# Called by the handler with the signal number. If it returns True, no exception is raised.
Listener = Callable[[int], bool]


class Signals:
    """The signal handlers of this process and its count of critical sections.

    Handlers run in the main thread, between any two instructions, so they do not print: they record the signal, call
    the listener, or raise Terminated.
    """

    def __init__(self) -> None:
        # Reentrant, because a handler may interrupt the main thread while it holds the lock.
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._sections = 0
        self._arrived: List[int] = []
        self._previous: Dict[int, Any] = {}
        self._listeners: List[Listener] = []
        self._owns_process = self._ending = self._closed = False
        self._raised = 0
        self._repeater: Optional[SignalRepeater] = None

    # -- handlers

    def install(self, owns_process: bool = False) -> None:
        """Set the handlers; in a thread other than the main one, where Python does not allow it, do nothing.

        :param owns_process: a handler may end the process, may detach a terminal that accepts no output, and runs
            soon also when the signal has arrived just before a system call.
        """
        if threading.current_thread() is not threading.main_thread() or self._previous:
            return
        self._owns_process = owns_process
        if owns_process and os.name != "nt":
            self._repeater = SignalRepeater(_deliver)
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            # An ignored signal (nohup) stays ignored; a handler that Python did not set cannot be restored.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._previous[number] = signal.signal(number, self._handle)

    def uninstall(self) -> None:
        """Restore the handlers that install() has replaced."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Call `listener` first for signals that arrive in the block."""
        temporary = not self._previous
        self._listeners.append(listener)
        if temporary:
            self.install()
        try:
            yield
        finally:
            self._listeners.remove(listener)
            if temporary:
                self.uninstall()

    def _handle(self, signum: int, frame: Any) -> None:
        if self._repeater and not self._repeater.take(signum):
            return
        if not self._ending and self._listeners and self._listeners[-1](signum):
            return
        with self._lock:
            if self._sections:
                self._arrived.append(signum)
                return
            if self._owns_process and (self._ending or self._raised >= _MAX_RAISED):
                os._exit(128 + signum)  # under the lock, so that no thread enters a section
        self._raised += 1
        if self._owns_process:
            _detach_blocked_terminals()
        raise Terminated(signum)

    # -- sections

    @contextmanager
    def section(self) -> Iterator["Signals"]:
        """One critical section of this thread. Sections may be nested, and those of several threads may overlap.

        The value of the block has check(), which raises Terminated if a signal has arrived.

        :raises CliError: on entry, when the process is ending.
        """
        # Without main() (the package is used as a library), a section of the main thread sets the handlers.
        temporary = not self._previous and threading.current_thread() is threading.main_thread()
        with self._lock:
            if self._closed:
                raise CliError("The command is ending, so nothing was sent.")
            self._sections += 1
        try:
            if temporary:
                self.install()
            yield self
        finally:
            self._leave(temporary)

    def _leave(self, temporary: bool) -> None:
        if temporary:
            self.uninstall()
        arrived: List[int] = []
        with self._lock:
            self._sections -= 1
            if not self._sections:
                arrived, self._arrived = self._arrived, []
                self._idle.notify_all()
        for number in dict.fromkeys(arrived):
            _deliver(number)

    def deliver_again(self, number: int) -> None:
        """Deliver a signal again in a moment, when the code that discarded its exception has returned."""
        timer = threading.Timer(_LOST_SIGNAL_SECONDS, _deliver, (number,))
        timer.daemon = True
        timer.start()

    def check(self) -> None:
        """Inside a section: end it now if a signal has arrived since it began.

        :raises Terminated: a signal has arrived.
        """
        with self._lock:
            if not self._arrived:
                return
            number = self._arrived[0]
            self._arrived.clear()
        raise Terminated(number)

    # -- the end of the process

    def end(self) -> None:
        """From now on, a signal ends the process without an exception: main() has nothing left to unwind."""
        self._ending = True

    def close(self, seconds: float = EXIT_WAIT_SECONDS) -> None:
        """Wait until no thread is in a section, at most `seconds`, and let no thread enter one after that."""
        deadline = time.monotonic() + seconds
        with self._lock:
            while self._sections and time.monotonic() < deadline:
                self._idle.wait(0.2)  # Windows runs handlers between waits only
            self._closed = True

    def end_process(self, ended: Terminated) -> NoReturn:
        """End the process with the signal's exit status, after the last critical section.

        Buffers are not flushed, and the message is omitted when stderr would block: a stopped terminal takes no output.
        """
        self.end()
        self.close()
        if is_writable(2, _SLOW_TERMINAL_SECONDS):
            with suppress(OSError):  # the terminal is gone
                os.write(2, f"{ended.message}\n".encode())
        os._exit(ended.exit_code)


def termination(error: BaseException) -> Terminated:
    """The signal behind an exception; KeyboardInterrupt and click.Abort come from Ctrl-C."""
    return error if isinstance(error, Terminated) else Terminated(signal.SIGINT)


def _deliver(number: int) -> None:
    """Send the signal to the main thread, whose system call only a signal to that thread interrupts."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)


def _detach_blocked_terminals() -> None:
    """Discard the pending output of a terminal that accepts none, because the process would wait for it."""
    deadline = time.monotonic() + _SLOW_TERMINAL_SECONDS
    for descriptor in (1, 2):
        if os.isatty(descriptor) and not is_writable(descriptor, max(0.0, deadline - time.monotonic())):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)


def is_writable(descriptor: int, seconds: float = 0.0) -> bool:
    """False when a write would block, and still would after `seconds`.

    Windows cannot tell, and a closed descriptor never blocks: True.
    """
    try:
        return bool(select.select([], [descriptor], [], seconds)[1])
    except (OSError, ValueError):
        return True


# One for the process, as signal handlers are process-wide: handlers, worker threads and programs that use this package
# as a library share one count of critical sections.
SIGNALS = Signals()

# Defers signals until the last such block of any thread ends.
deferred_signals = SIGNALS.section
