"""Runs actions in a bounded pool of threads and hands their outcomes over in the order of the plan.

Knows actions as things that run and return an Outcome. Everything is said and saved by the caller, in its own thread.
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Protocol, Sequence, Sized, Tuple, Union

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, Terminated
from cloudinary_cli.net.retry import Stopped
from cloudinary_cli.system.signals import SIGNALS
from cloudinary_cli.transfer.engine.records import Outcome, Status
from cloudinary_cli.transfer.engine.session import Stop

# Short, because Python runs signal handlers between two waits of the main thread.
_SLICE_SECONDS = 0.2
# How many actions of a stream are held: enough for the others to go on while one is slow.
_AHEAD = 1000


class TransferAction(Protocol):
    """One item of a plan; or several that one request does, and then it has `keys` and returns an outcome for each."""

    @property
    def action(self) -> str: ...

    @property
    def key(self) -> str: ...

    def run(self) -> Union[Outcome, List[Outcome]]:
        """Do it. Raises CliError for a failure, Stopped when it was not begun."""


def keys_of(action: TransferAction) -> Sequence[str]:
    """The items of an action."""
    keys: Sequence[str] = getattr(action, "keys", (action.key,))
    return keys


Arrived = Callable[[Outcome], None]
Watch = Callable[[List[Outcome]], None]


class Executor:
    """A pool of at most `workers` threads.

    :param arrived: called in the caller's thread with each outcome as it comes, for progress and records; the outcomes
        themselves are yielded in the order of the actions.
    :param say: called in the caller's thread with what a request to stop has to say.
    :param watch: called in the worker with the outcomes of each action, before it begins another one.
    """

    def __init__(
        self,
        workers: int,
        stop: Stop,
        arrived: Optional[Arrived] = None,
        say: Callable[[str], None] = lambda text: None,
        watch: Optional[Watch] = None,
    ) -> None:
        self._workers = workers
        self._stop = stop
        self._say = say
        self._watch = watch or (lambda outcomes: None)
        self._under_way: Dict[int, TransferAction] = {}
        self._arrived = arrived or (lambda outcome: None)

    def run(self, actions: Iterable[TransferAction]) -> Iterator[Outcome]:
        """Run all actions. After stop.request() those that have not begun come back as cancelled.

        What is no collection is drawn only a little ahead of what has been yielded, so that it may be endless.

        :raises CliError: the next action cannot be had; all before it have been run.
        """
        tasks: "queue.SimpleQueue[Optional[Tuple[int, TransferAction]]]" = queue.SimpleQueue()
        ordered = _Ordered(self._arrived, self._say_notice)
        ahead = len(actions) if isinstance(actions, Sized) else max(_AHEAD, 2 * self._workers)
        drawn = _Drawn(actions)
        threads = sent = 0
        try:
            for sent, action in enumerate(drawn, 1):
                tasks.put((sent - 1, action))
                if threads < self._workers:
                    threads += 1
                    threading.Thread(target=self._work, args=(tasks, ordered), daemon=True).start()
                yield from ordered.take(sent - ahead)
            yield from ordered.take(sent)
        finally:
            for _ in range(threads):
                tasks.put(None)
        if drawn.error is not None:
            raise drawn.error

    def _work(self, tasks: "queue.SimpleQueue[Optional[Tuple[int, TransferAction]]]", ordered: "_Ordered") -> None:
        while True:
            task = tasks.get()
            if task is None:
                return
            number, action = task
            self._under_way[number] = action
            outcomes = self._outcomes(action)
            # Before it is handed over: an item with an outcome is never called unconfirmed.
            del self._under_way[number]
            self._watch(outcomes)
            ordered.results.put((number, outcomes))

    def under_way(self) -> List[str]:
        """The items that have begun and have no outcome."""
        return [key for _, action in sorted(dict(self._under_way).items()) for key in keys_of(action)]

    def _say_notice(self) -> None:
        notice = self._stop.take_notice()
        if notice:
            self._say(notice)

    def _outcomes(self, action: TransferAction) -> List[Outcome]:
        if self._stop.requested.is_set():
            return _each(action, Status.CANCELLED, f"not tried: {self._stop.reason or 'the run was stopped'}")
        try:
            result = action.run()
        except Stopped:
            return _each(action, Status.CANCELLED, f"not finished: {self._stop.reason or 'the run was stopped'}")
        except CliError as error:
            return _each(action, Status.FAILED, error.message, error)
        except Exception as error:  # noqa: BLE001 - one item's defect must not take the others along
            logger.debug("%s of '%s' failed", action.action, action.key, exc_info=True)
            return _each(action, Status.FAILED, f"{type(error).__name__}: {error}", error)
        return result if isinstance(result, list) else [result]


class _Drawn:
    """Actions until their end, or until there is no next one to be had: what has begun is finished first."""

    def __init__(self, actions: Iterable[TransferAction]) -> None:
        self._actions = actions
        self.error: Optional[CliError] = None

    def __iter__(self) -> Iterator[TransferAction]:
        pending = iter(self._actions)
        while True:
            try:
                action = next(pending, None)
            except CliError as error:
                self.error = error
                return
            if action is None:
                return
            yield action


class _Ordered:
    """Outcomes in the order of their actions, in whatever order they come."""

    def __init__(self, arrived: Arrived, tick: Callable[[], None]) -> None:
        """:param tick: called again and again while outcomes are awaited."""
        self._tick = tick
        self.results: "queue.SimpleQueue[Tuple[int, List[Outcome]]]" = queue.SimpleQueue()
        self._arrived = arrived
        self._early: Dict[int, List[Outcome]] = {}
        self._taken = 0

    def take(self, least: int) -> Iterator[Outcome]:
        """Those of the next actions that have come; waits until all of the first `least` actions have."""
        while True:
            self._tick()
            while self._taken in self._early:
                self._taken += 1
                yield from self._early.pop(self._taken - 1)
            try:
                number, outcomes = self.results.get(block=self._taken < least, timeout=_SLICE_SECONDS)
            except queue.Empty:
                if self._taken >= least:
                    return
                continue
            for outcome in outcomes:
                self._arrived(outcome)
            self._early[number] = outcomes


def _each(action: TransferAction, status: Status, error: str, cause: Optional[BaseException] = None) -> List[Outcome]:
    return [Outcome(action.action, key, status, error, cause=cause) for key in keys_of(action)]


class Interruption:
    """Which signal asked a run to stop; None for none."""

    def __init__(self) -> None:
        self.signal: Optional[int] = None

    def raise_if_any(self) -> None:
        """End the program as the signal would have, now that everything is saved."""
        if self.signal is not None:
            raise Terminated(self.signal)


STOPPING = (
    "Stopping: requests under way are finished, and a file that is sent in parts is not stored. "
    "Once more ends it at once."
)


@contextmanager
def stoppable(stop: Stop) -> Iterator[Interruption]:
    """The first signal in the block asks for a stop, the second one aborts. Executor.run() says so to the user."""
    interruption = Interruption()

    def requested(signum: int) -> bool:
        if interruption.signal is not None:
            return False
        interruption.signal = signum
        stop.request(STOPPING)
        return True

    with SIGNALS.listening(requested):
        try:
            yield interruption
        except BaseException:
            stop.abort()
            raise
