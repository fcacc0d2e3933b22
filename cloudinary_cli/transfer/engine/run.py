"""One run of a bulk command: session, executor and report, and how the run ends."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterable, Iterator, Optional, Sequence, Tuple

from cloudinary_cli.context import AppContext
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import Terminated, TransferIncomplete
from cloudinary_cli.net.chunks import DEFAULT_CHUNK_WORKERS
from cloudinary_cli.net.retry import TRANSFER_BUDGET
from cloudinary_cli.sdk import activation
from cloudinary_cli.text import one_line, to_json, without_signature
from cloudinary_cli.transfer.engine.executor import Executor, TransferAction, keys_of
from cloudinary_cli.transfer.engine.filters import ItemFilter, item_filter
from cloudinary_cli.transfer.engine.records import Outcome, PlannedItem
from cloudinary_cli.transfer.engine.report import Reporter, Tally, report_file
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.engine.stop import Stop, StopRules, stoppable
from cloudinary_cli.transfer.engine.summary import listed, next_command, totals_line

DEFAULT_WORKERS = 30
_MAX_UNCONFIRMED_SHOWN = 20


@dataclass(frozen=True)
class TransferOptions:
    """The common options of the bulk commands. `filters` are ("include" | "exclude", pattern), in the given order."""

    workers: int = DEFAULT_WORKERS
    dry_run: bool = False
    filters: Tuple[Tuple[str, str], ...] = ()
    shard: Optional[str] = None
    retry_failed: Optional[str] = None
    files_from: Optional[str] = None
    items: Optional[str] = None  # a plan instead of a listing; `-` for stdin
    report: Optional[str] = None
    max_delete: Optional[int] = None
    verbose: bool = False  # a line for each item, also beside the display
    as_json: bool = False
    max_errors: Optional[int] = None
    chunk_workers: int = DEFAULT_CHUNK_WORKERS
    bwlimit: Optional[int] = None  # bytes per second

    def item_filter(self) -> ItemFilter:
        """The items that belong to the run. Call it before transfer_run(): --report may overwrite --retry-failed.

        :raises CliError: a pattern, the shard or a path is malformed, or a file cannot be read.
        """
        return item_filter(self.filters, self.shard, self.retry_failed, self.files_from)


class Run:
    """The state of a command while it transfers."""

    def __init__(self, app: AppContext, options: TransferOptions, session: TransferSession, reporter: Reporter) -> None:
        self.app = app
        self.options = options
        self.session = session
        self.reporter = reporter
        self._rules = StopRules(session.stop, options.max_errors)

    @property
    def tally(self) -> Tally:
        return self.reporter.tally

    @property
    def cloud_name(self) -> str:
        """The cloud of the active configuration."""
        return str(self.app.sdk_config.cloud_name)

    @property
    def shows_each(self) -> bool:
        """True when a line is printed for each item."""
        return self.reporter.shows_each

    @property
    def interrupted(self) -> bool:
        """True when the user has requested a stop. Save the results, and end with finish()."""
        return self.session.stop.signal is not None

    @property
    def is_clean(self) -> bool:
        """True while no item has failed and none was cancelled."""
        return not self.interrupted and not self.tally.failed and not self.tally.cancelled

    def execute(
        self,
        actions: Iterable[TransferAction],
        each: Callable[[Outcome], None] = lambda outcome: None,
        total: Optional[int] = None,
    ) -> None:
        """Run all actions. `each` is called with their outcomes in order, after they were printed.

        :param total: the approximate number of actions of a stream, for the display.
        :raises CliError: raised by a stream of actions. The actions before it have been run.
        """
        if self.interrupted or (isinstance(actions, Sequence) and not actions):
            return
        self._begin(actions if isinstance(actions, Sequence) else None, total)
        notice = self.app.console.notice
        cancelled = self.tally.cancelled
        session, arrived = self.session, self.reporter.arrived
        executor = Executor(
            self.options.workers, session.stop, arrived, notice, self._rules.watch, progress=session.progress
        )
        try:
            with stoppable(session.stop):
                for outcome in executor.run(actions):
                    self.reporter.show(outcome)
                    _log_response(outcome)
                    each(outcome)
        except Terminated:
            unconfirmed = executor.in_progress()
            if unconfirmed:
                notice(_unconfirmed_notice(unconfirmed))
            self._print_end("Continue", None)
            raise
        finally:
            self.reporter.close()
        if self.session.stop.reason:
            count = self.tally.cancelled - cancelled
            self.app.console.error(f"The run was stopped: {self.session.stop.reason}. {count} items were not tried.")

    def _begin(self, actions: Optional[Sequence[TransferAction]], total: Optional[int]) -> None:
        if actions is not None:
            total = sum(getattr(action, "items", 0) or len(keys_of(action)) for action in actions)
        self.reporter.begin(total, sum(getattr(action, "size", None) or 0 for action in actions or ()))

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Count and print outcomes of items that need no request, such as a refused file."""
        for outcome in outcomes:
            self.reporter.arrived(outcome)
            self.reporter.show(outcome)
        self._rules.watch(outcomes)

    def plan(self, items: Iterable[PlannedItem]) -> None:
        """Write what a dry run would do to the --report file."""
        if self.options.report:
            for item in items:
                self.reporter.record(replace(item, values={**item.values, "cloud": self.cloud_name}))

    def finish(self, summary: Dict[str, Any], failure: str, is_complete: bool = True) -> None:
        """Print the summary if JSON was requested, and end the command with the exit status of the outcomes.

        :param is_complete: False if the report lacks items, because the listing ended early.
        :raises Terminated: after a stop. :raises TransferIncomplete: an item failed.
        """
        if self.options.as_json:
            self.app.console.json({**summary, **self._totals()})
        verb = "Continue" if self.interrupted else "Retry" if self.tally.failed else ""
        advice = self._print_end(verb, self.options.report if is_complete else None)
        if self.session.stop.signal is not None:
            raise Terminated(self.session.stop.signal)
        if self.tally.failed:
            raise TransferIncomplete(f"{failure} {advice}")

    def _print_end(self, verb: str, report: Optional[str]) -> str:
        """Print what was done, and the failures by their cause. Returns how to continue or retry."""
        console, tally = self.app.console, self.tally
        if tally.done:
            size, seconds = tally.size, self.reporter.seconds
            console.info(totals_line(tally.counts, size, seconds, self.session.progress.retries))
        for line in self.reporter.failures.lines():
            console.error(line)
        if not verb:
            return ""
        command = next_command(console, report, self.options.retry_failed)
        advice = f"{verb} with: {command}" if command else "Run the same command again to do the rest."
        if verb == "Continue":
            console.info(advice)
        return advice

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


def _unconfirmed_notice(keys: Sequence[str]) -> str:
    """The message of an aborted run about the requests that it abandoned."""
    shown = ", ".join(listed([one_line(key, 100) for key in keys], _MAX_UNCONFIRMED_SHOWN))
    return (
        f"{len(keys)} items were abandoned without a response. The server may have completed them (a file that is sent"
        f" in parts is stored only with its last part): {shown}"
    )


def _log_response(outcome: Outcome) -> None:
    # For -v DEBUG. A signed URL gives anyone access to the asset, so signatures are removed.
    if outcome.response is not None and logger.isEnabledFor(logging.DEBUG):
        for line in without_signature(to_json(outcome.response)).split("\n"):
            logger.debug("%s", line)


@contextmanager
def transfer_run(app: AppContext, options: TransferOptions) -> Iterator[Run]:
    """A run with its --report file open, so that an unwritable report is an error before anything is changed.

    :raises ConfigError: no usable configuration is selected. :raises CliError: the report cannot be written.
    """
    config, stop = app.sdk_config, Stop()
    connector = activation.install_transport(
        config.api_proxy, config.timeout, pool_size=options.workers, budget=TRANSFER_BUDGET, stop=stop.requested
    )
    session = TransferSession(connector, options.workers, options.chunk_workers, options.bwlimit, stop)
    # A dry run that previews a repetition must not replace the list of failures that it reads.
    keeps_report = options.dry_run and options.report == options.retry_failed
    with report_file(None if keeps_report else options.report) as record:
        shows_each = options.verbose or not app.console.has_display()
        reporter = Reporter(app.console, session.progress, record, shows_each)
        try:
            with app.console.live(reporter.rows):
                yield Run(app, options, session, reporter)
        finally:
            connector.close()
