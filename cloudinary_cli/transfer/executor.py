"""Runs actions in a bounded pool of threads and hands their outcomes over in the order of the plan.

Knows actions as things that run and return an Outcome. Everything is said and saved by the caller, in its own thread.
"""

from __future__ import annotations

import queue
import signal
import threading
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Protocol, Sequence, Tuple, Union

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, Terminated
from cloudinary_cli.transfer.assets import Outcome, Status
from cloudinary_cli.transfer.session import Stop
from cloudinary_cli.utils.retry import Stopped

# Short, because Python runs signal handlers between two waits of the main thread.
_SLICE_SECONDS = 0.2


class Action(Protocol):
    """One item of a plan; or several that one request does, and then it has `keys` and returns an outcome for each."""

    @property
    def action(self) -> str: ...

    @property
    def key(self) -> str: ...

    def run(self) -> Union[Outcome, List[Outcome]]:
        """Do it. Raises CliError for a failure, Stopped when it was not begun."""


def keys_of(action: Action) -> Sequence[str]:
    """The items of an action."""
    keys: Sequence[str] = getattr(action, "keys", (action.key,))
    return keys


Arrived = Callable[[Outcome], None]


class Executor:
    """A pool of at most `workers` threads.

    :param arrived: called in the caller's thread with each outcome as it comes, for progress and records; the outcomes
        themselves are yielded in the order of the actions.
    """

    def __init__(self, workers: int, stop: Stop, arrived: Optional[Arrived] = None) -> None:
        self._workers = workers
        self._stop = stop
        self._arrived = arrived or (lambda outcome: None)

    def run(self, actions: Sequence[Action]) -> Iterator[Outcome]:
        """Run all actions. After stop.request() those that have not begun come back as cancelled."""
        results: "queue.SimpleQueue[Tuple[int, List[Outcome]]]" = queue.SimpleQueue()
        pending = iter(enumerate(actions))
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    number, action = next(pending, (-1, None))
                if action is None:
                    return
                results.put((number, self._outcomes(action)))

        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(self._workers, len(actions)))]
        for thread in threads:
            thread.start()
        yield from self._in_order(results, len(actions))

    def _outcomes(self, action: Action) -> List[Outcome]:
        if self._stop.requested.is_set():
            return _each(action, Status.CANCELLED, "not begun: the run was stopped")
        try:
            result = action.run()
        except Stopped:
            return _each(action, Status.CANCELLED, "not finished: the run was stopped")
        except CliError as error:
            return _each(action, Status.FAILED, error.message)
        except Exception as error:  # noqa: BLE001 - one item's defect must not take the others along
            logger.debug("%s of '%s' failed", action.action, action.key, exc_info=True)
            return _each(action, Status.FAILED, f"{type(error).__name__}: {error}")
        return result if isinstance(result, list) else [result]

    def _in_order(self, results: "queue.SimpleQueue[Tuple[int, List[Outcome]]]", count: int) -> Iterator[Outcome]:
        early: Dict[int, List[Outcome]] = {}
        for wanted in range(count):
            while wanted not in early:
                try:
                    number, outcomes = results.get(timeout=_SLICE_SECONDS)
                except queue.Empty:
                    continue
                for outcome in outcomes:
                    self._arrived(outcome)
                early[number] = outcomes
            yield from early.pop(wanted)


def _each(action: Action, status: Status, error: str) -> List[Outcome]:
    return [Outcome(action.action, key, status, error) for key in keys_of(action)]


class Interruption:
    """Which signal asked a run to stop; None for none."""

    def __init__(self) -> None:
        self.signal: Optional[int] = None

    def raise_if_any(self) -> None:
        """End the program as the signal would have, now that everything is saved."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signal is not None:
            raise Terminated


@contextmanager
def stoppable(stop: Stop, say: Callable[[str], None]) -> Iterator[Interruption]:
    """The first Ctrl-C (or SIGTERM) in the block asks for a stop, the second one aborts.

    :param say: shows the user what the first one did.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # signals are the main thread's; somebody else's program runs us
        return

    def handle(signum: int, frame: Any) -> None:
        if interruption.signal is not None:
            stop.abort()
            raise KeyboardInterrupt if signum == signal.SIGINT else Terminated
        interruption.signal = signum
        stop.request()
        say("Stopping: what is under way is finished. Once more ends it at once.")

    numbers: List[int] = [signal.SIGINT, signal.SIGTERM]
    previous = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield interruption
    except BaseException:
        stop.abort()
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
