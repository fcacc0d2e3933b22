"""Runs actions in a bounded pool of threads and yields their outcomes in the order of the actions.

The workers neither print nor save: callbacks in the caller's thread do.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Protocol, Sequence, Sized, Tuple, Union

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError
from cloudinary_cli.net.retry import Stopped
from cloudinary_cli.progress import Progress
from cloudinary_cli.transfer.engine.records import Outcome, Status
from cloudinary_cli.transfer.engine.stop import Stop

_SLICE_SECONDS = 0.2  # Python runs signal handlers between two waits of the main thread
# How many actions of a stream are held, so that the other workers go on while one action is slow.
MAX_AHEAD = 1000


class TransferAction(Protocol):
    """One item of a plan. An action that handles several items with one request has `keys`, and returns a list."""

    @property
    def action(self) -> str: ...

    @property
    def key(self) -> str: ...

    def run(self) -> Union[Outcome, List[Outcome]]:
        """Do it. Raises CliError for a failure, and Stopped when it was not started."""


def keys_of(action: TransferAction) -> Sequence[str]:
    """The keys of the items of an action."""
    keys: Sequence[str] = getattr(action, "keys", (action.key,))
    return keys


OutcomeCallback = Callable[[Outcome], None]


@dataclass
class Executor:
    """A pool of at most `workers` threads.

    :param on_outcome: called in the caller's thread with each outcome as soon as it arrives, in any order.
    :param notify: called in the caller's thread with the notice of a request to stop.
    :param watch: called in the worker with the outcomes of each action, before the worker starts another one.
    :param progress: learns which actions are in progress.
    """

    workers: int
    stop: Stop
    on_outcome: OutcomeCallback = lambda outcome: None
    notify: Callable[[str], None] = lambda text: None
    watch: Callable[[List[Outcome]], None] = lambda outcomes: None
    progress: Progress = field(default_factory=Progress)
    _in_progress: Dict[int, TransferAction] = field(default_factory=dict, init=False)

    def run(self, actions: Iterable[TransferAction]) -> Iterator[Outcome]:
        """Run all actions. After stop.request() the actions that were not started are cancelled.

        An iterable without a length may be endless: it is read only a little ahead of the outcomes.

        :raises CliError: raised by the iterable. All actions before it have been run.
        """
        tasks: "queue.SimpleQueue[Optional[Tuple[int, TransferAction]]]" = queue.SimpleQueue()
        ordered = _Ordered(self.on_outcome, self._pass_on_notice)
        ahead = len(actions) if isinstance(actions, Sized) else max(MAX_AHEAD, 2 * self.workers)
        errors: List[CliError] = []
        threads = sent = 0
        try:
            for sent, action in enumerate(_until_error(actions, errors), 1):
                tasks.put((sent - 1, action))
                if threads < self.workers:
                    threads += 1
                    threading.Thread(target=self._work, args=(tasks, ordered), daemon=True).start()
                yield from ordered.take(sent - ahead)
            yield from ordered.take(sent)
        finally:
            for _ in range(threads):
                tasks.put(None)
        if errors:
            raise errors[0]

    def _work(self, tasks: "queue.SimpleQueue[Optional[Tuple[int, TransferAction]]]", ordered: "_Ordered") -> None:
        while True:
            task = tasks.get()
            if task is None:
                return
            number, action = task
            self._in_progress[number] = action
            outcomes = self._outcomes(action)
            # Deleted before the outcomes are passed on, so that an item with an outcome never counts as unconfirmed.
            del self._in_progress[number]
            self.watch(outcomes)
            ordered.results.put((number, outcomes))

    def in_progress(self) -> List[str]:
        """The keys of the items that were started and have no outcome."""
        return [key for _, action in sorted(dict(self._in_progress).items()) for key in keys_of(action)]

    def _pass_on_notice(self) -> None:
        notice = self.stop.take_notice()
        if notice:
            self.notify(notice)

    def _outcomes(self, action: TransferAction) -> List[Outcome]:
        if self.stop.requested.is_set():
            return self._cancelled(action, "not tried")
        try:
            with self.progress.item(action.key, getattr(action, "size", None)):
                result = action.run()
        except Stopped:
            return self._cancelled(action, "not finished")
        except CliError as error:
            return _each(action, Status.FAILED, error.message, error)
        except Exception as error:  # noqa: BLE001 - a defect in one item must not end the others
            logger.debug("%s of '%s' failed", action.action, action.key, exc_info=True)
            return _each(action, Status.FAILED, f"{type(error).__name__}: {error}", error)
        return result if isinstance(result, list) else [result]

    def _cancelled(self, action: TransferAction, what: str) -> List[Outcome]:
        return _each(action, Status.CANCELLED, f"{what}: {self.stop.reason or 'the run was stopped'}")


def _until_error(actions: Iterable[TransferAction], errors: List[CliError]) -> Iterator[TransferAction]:
    """Yield actions until the iterable ends or raises. The error is kept for later: the started actions go on."""
    try:
        yield from actions
    except CliError as error:
        errors.append(error)


class _Ordered:
    """Puts outcomes that arrive in any order into the order of their actions."""

    def __init__(self, on_outcome: OutcomeCallback, tick: Callable[[], None]) -> None:
        """:param tick: called repeatedly while outcomes are awaited."""
        self._on_outcome = on_outcome
        self._tick = tick
        self.results: "queue.SimpleQueue[Tuple[int, List[Outcome]]]" = queue.SimpleQueue()
        self._early: Dict[int, List[Outcome]] = {}
        self._taken = 0

    def take(self, least: int) -> Iterator[Outcome]:
        """Yield the outcomes of the next actions that have arrived. Waits for those of the first `least` actions."""
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
                self._on_outcome(outcome)
            self._early[number] = outcomes


def _each(action: TransferAction, status: Status, error: str, cause: Optional[BaseException] = None) -> List[Outcome]:
    origin: Optional[str] = getattr(action, "origin", None)
    return [Outcome(action.action, key, status, error, cause=cause, origin=origin) for key in keys_of(action)]
