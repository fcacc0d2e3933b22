"""One run of a bulk command: the session, the executor and the report put together, and how it ends.

Knows nothing of uploads or downloads; the command says what its items are and what else there is to save.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, Iterator, Optional, Sequence, Tuple

from cloudinary_cli.context import AppContext
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import Terminated, TransferIncomplete
from cloudinary_cli.text import one_line, to_json, without_signature
from cloudinary_cli.transfer.engine.executor import Executor, Interruption, TransferAction, keys_of, stoppable
from cloudinary_cli.transfer.engine.filters import ItemFilter, item_filter
from cloudinary_cli.transfer.engine.records import Outcome
from cloudinary_cli.transfer.engine.report import Reporter, Tally, report_file
from cloudinary_cli.transfer.engine.session import TransferSession, open_session
from cloudinary_cli.transfer.engine.stop_rules import StopRules

DEFAULT_WORKERS = 30
_UNCONFIRMED_SHOWN = 20


@dataclass(frozen=True)
class TransferOptions:
    """What the bulk commands have in common. `filters` are ("include" | "exclude", pattern), in the order given."""

    workers: int = DEFAULT_WORKERS
    dry_run: bool = False
    filters: Tuple[Tuple[str, str], ...] = ()
    shard: Optional[str] = None
    retry_failed: Optional[str] = None
    report: Optional[str] = None
    max_delete: Optional[int] = None
    progress: bool = True
    as_json: bool = False
    max_errors: Optional[int] = None

    def item_filter(self) -> ItemFilter:
        """Which items the run is about. Asked for before transfer_run(): --report may name the file of --retry-failed.

        :raises CliError: a pattern or the shard is malformed, or the file cannot be read.
        """
        return item_filter(self.filters, self.shard, self.retry_failed)


class Run:
    """What a command holds while it transfers."""

    def __init__(self, app: AppContext, options: TransferOptions, session: TransferSession, reporter: Reporter) -> None:
        self.app = app
        self.options = options
        self.session = session
        self.reporter = reporter
        self._interruption = Interruption()
        self._rules = StopRules(session.stop, options.max_errors)

    @property
    def tally(self) -> Tally:
        return self.reporter.tally

    @property
    def interrupted(self) -> bool:
        """True when the user has asked for a stop: save what there is, and end with finish()."""
        return self._interruption.signal is not None

    @property
    def is_clean(self) -> bool:
        """True while nothing failed and nothing was left out because of a stop."""
        return not self.interrupted and not self.tally.failed and not self.tally.cancelled

    def execute(
        self,
        actions: Iterable[TransferAction],
        each: Callable[[Outcome], None] = lambda outcome: None,
        total: Optional[int] = None,
    ) -> None:
        """Run all actions; `each` gets their outcomes in order, after they were shown.

        :param total: about how many there are, for the progress of a stream.
        :raises CliError: a stream of actions ended with it; what it had given before was run.
        """
        is_known = isinstance(actions, Sequence)
        if self.interrupted or (is_known and not actions):
            return
        self.reporter.begin(sum(len(keys_of(action)) for action in actions) if is_known else total)
        notice = self.app.console.notice
        cancelled = self.tally.cancelled
        executor = Executor(self.options.workers, self.session.stop, self.reporter.arrived, notice, self._rules.watch)
        try:
            with stoppable(self.session.stop) as interruption:
                self._interruption = interruption
                for outcome in executor.run(actions):
                    self.reporter.show(outcome)
                    _trace(outcome)
                    each(outcome)
        except Terminated:
            unconfirmed = executor.under_way()
            if unconfirmed:
                notice(_unconfirmed(unconfirmed))
            raise
        finally:
            self.reporter.close()
        if self.session.stop.reason:
            count = self.tally.cancelled - cancelled
            self.app.console.error(f"The run was stopped: {self.session.stop.reason}. {count} items were not tried.")

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Count and show what came to its end without being run, such as an item that was refused."""
        for outcome in outcomes:
            self.reporter.arrived(outcome)
            self.reporter.show(outcome)
        self._rules.watch(outcomes)

    def finish(self, summary: Dict[str, Any], failure: str) -> None:
        """Print the summary where JSON was asked for, and end the command as the outcomes demand.

        :raises Terminated: after a stop. :raises TransferIncomplete: something failed.
        """
        if self.options.as_json:
            self.app.console.json({**summary, **self._totals()})
        self._interruption.raise_if_any()
        if self.tally.failed:
            raise TransferIncomplete(failure)

    def _totals(self) -> Dict[str, Any]:
        return {
            "failed": self.tally.failed,
            "cancelled": self.tally.cancelled,
            "bytes": self.tally.size,
            "seconds": round(self.reporter.seconds, 3),
            "dry_run": self.options.dry_run,
            "interrupted": self.interrupted,
            "stopped": self.session.stop.reason or None,
        }


def _unconfirmed(keys: Sequence[str]) -> str:
    """What an aborted run has to say about the items whose requests it left: the server may have served them."""
    shown = ", ".join(one_line(key, 100) for key in keys[:_UNCONFIRMED_SHOWN])
    more = f" and {len(keys) - _UNCONFIRMED_SHOWN} more" if len(keys) > _UNCONFIRMED_SHOWN else ""
    return (
        f"{len(keys)} under way were stopped. They may have been completed at the server, without a confirmation "
        f"(a file sent in parts is stored with its last part only): {shown}{more}"
    )


def _trace(outcome: Outcome) -> None:
    """What the server answered, for -v DEBUG; a signed address would let anybody in."""
    if outcome.response is not None and logger.isEnabledFor(logging.DEBUG):
        for line in without_signature(to_json(outcome.response)).split("\n"):
            logger.debug("%s", line)


@contextmanager
def transfer_run(app: AppContext, options: TransferOptions) -> Iterator[Run]:
    """A run with its --report file open, so that one that cannot be written is met before anything is changed.

    :raises ConfigError: nothing usable is selected. :raises CliError: the report cannot be written.
    """
    session = open_session(app, options.workers)
    with report_file(None if options.dry_run else options.report) as record:
        reporter = Reporter(app.console, options.progress, record)
        try:
            yield Run(app, options, session, reporter)
        finally:
            reporter.close()
            session.connector.close()
