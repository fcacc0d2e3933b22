"""`cld clone`: checks the target, searches the source, and copies assets while further pages are read.

The credentials of one account are never sent to the other.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Dict, Iterator, Optional, Union

from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError, Declined
from cloudinary_cli.net.retry import Stopped
from cloudinary_cli.search.request import all_pages_question
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.clone.asset import CopyAsset, CopyOptions, SkipAsset, key_of, upload_options
from cloudinary_cli.transfer.clone.items import PlannedListing, asset_of, planned
from cloudinary_cli.transfer.clone.query import TYPES, clone_expression
from cloudinary_cli.transfer.clone.source import Asset, SourceListing, SourceUrls
from cloudinary_cli.transfer.clone.target import MetadataFields, find_target, open_target, ping
from cloudinary_cli.transfer.engine.executor import TransferAction
from cloudinary_cli.transfer.engine.filters import ItemFilter
from cloudinary_cli.transfer.engine.plan_file import PlanLine, open_plan
from cloudinary_cli.transfer.engine.records import Outcome, Status
from cloudinary_cli.transfer.engine.run import Run, TransferOptions, transfer_run
from cloudinary_cli.transfer.engine.summary import listed
from cloudinary_cli.transfer.http.upload import UploadTarget

DEFAULT_EXPIRY_SECONDS = 3600


@dataclass(frozen=True)
class CloneOptions:
    """The options of `cld clone`. `target` may contain a secret. `url_expiry` is in seconds."""

    target: str = field(repr=False)
    copy: CopyOptions = field(default_factory=CopyOptions)
    search_expression: Optional[str] = None
    force: bool = False
    url_expiry: int = DEFAULT_EXPIRY_SECONDS
    transfer: TransferOptions = field(default_factory=TransferOptions)


@dataclass
class _Clone:
    """One run with both accounts.

    `listed` and `selected` count the assets so far, `existing` those that the target already had.
    """

    run: Run
    options: CloneOptions
    target: UploadTarget
    item_filter: ItemFilter
    listing: Union[SourceListing, PlannedListing]
    urls: SourceUrls
    listed: int = 0
    selected: int = 0
    existing: int = 0
    problem: Optional[CliError] = None  # the error that ended the listing

    @property
    def source_name(self) -> str:
        return str(self.urls.config.cloud_name)

    def includes(self, asset: Asset) -> bool:
        """True if the options select the asset. Globs and shards apply to public IDs, --retry-failed to key_of()."""
        return self.item_filter.includes(str(asset["public_id"]), key_of(asset))

    def assets(self) -> Iterator[Asset]:
        """The selected assets of the source."""
        total = self.listing.total
        with self.run.session.progress.item(f"Listing {self.source_name}", detail=lambda: f"{self.listed}/{total}"):
            for asset in self.listing.assets():
                self.listed += 1
                if self.includes(asset):
                    self.selected += 1
                    yield asset

    def actions(self) -> Iterator[TransferAction]:
        """Yield the actions while pages are read."""
        fields = MetadataFields(self.target, self.run.app.console.warning)
        try:
            for asset in self.assets():
                reason = _obstacle(asset)
                yield SkipAsset(asset, reason) if reason else self._copy(asset, fields)
        except Stopped:
            return
        except CliError as error:
            self.problem = error

    def _copy(self, asset: Asset, fields: MetadataFields) -> CopyAsset:
        values = asset.get("metadata")
        metadata = fields.known(values) if isinstance(values, dict) else {}
        return CopyAsset(self.target, self.urls, asset, upload_options(asset, self.options.copy, metadata))

    def count(self, outcome: Outcome) -> None:
        self.existing += bool((outcome.response or {}).get("existing"))


def clone(app: AppContext, options: CloneOptions) -> None:
    """Copy assets from the active configuration to the target.

    :raises TransferIncomplete: some items failed, the others were done. :raises Declined: the user declined.
    :raises CliError: the run could not start, or the listing of the source is incomplete.
    """
    if options.transfer.items and options.search_expression:
        raise CliError("--items lists the assets, so -se cannot be used with it. Give -se when the plan is made.")
    item_filter = options.transfer.item_filter()
    app.active.require()
    resolved = find_target(app, options.target)
    plan = open_plan(options.transfer, asset_of, partial(_is_planned, item_filter)) if options.transfer.items else None
    with plan or nullcontext() as items, transfer_run(app, options.transfer) as run, open_target(
        app, resolved, options.transfer.workers, run.session.stop
    ) as target:
        ping(target, resolved.name)
        urls = SourceUrls(app.sdk_config, options.url_expiry, app.clock)
        if target.cloud_name.lower() == str(urls.config.cloud_name).lower():
            raise CliError(
                "Target environment cannot be the same as source environment."
                " Choose the source with -C: cld -C SOURCE clone TARGET"
            )
        urls.check()
        if items is not None:
            # The file has been filtered already.
            _carry_out(_Clone(run, options, target, ItemFilter(), PlannedListing(items, items.check(run).count), urls))
            return
        listing = SourceListing(clone_expression(options.search_expression), app.clock, run.session.stop)
        if not listing.total and not listing.has_more:
            raise CliError(f"No asset(s) found in {urls.config.cloud_name}")
        _carry_out(_Clone(run, options, target, item_filter, listing, urls))


def _is_planned(item_filter: ItemFilter, item: PlanLine) -> bool:
    return item_filter.includes(item.text("public_id"), item.path)


def _carry_out(job: _Clone) -> None:
    if job.options.transfer.dry_run:
        _print_plan(job)
        return
    _confirm(job)
    _announce(job)
    job.run.execute(job.actions(), job.count, job.listing.total if job.item_filter.is_everything else None)
    _finish(job)


def _obstacle(asset: Asset) -> str:
    """Why an asset cannot be cloned; empty if it can."""
    kind = asset.get("type") or "upload"
    return "" if kind in TYPES else f"assets of type {kind} cannot be cloned"


def _name(asset: Asset) -> str:
    """The path of an asset with its identity, because its public ID may be random. Patterns apply to public IDs."""
    name, key = str(asset.get("display_name") or ""), key_of(asset)
    if not name or key.endswith(name):
        return key
    path = "/".join(part for part in (asset.get("asset_folder"), name) if part)
    extension = f".{asset['format']}" if asset.get("format") else ""
    return f"{path}{extension} ({key})"


def _print_plan(job: _Clone) -> None:
    console, skipped = job.run.app.console, 0
    console.info(f"The following assets would be copied from {job.source_name} to {job.target.cloud_name}:")
    for asset in job.assets():
        reason, name = _obstacle(asset), one_line(key_of(asset), None)
        if reason:
            skipped += 1
            console.warning(f"Skipped: {name}, {reason}")
        else:
            console.info(one_line(_name(asset), None))
            job.run.plan([planned(asset)])
    summary = {"command": "clone", "source": job.source_name, "target": job.target.cloud_name}
    job.run.finish({**summary, "would_copy": job.selected - skipped, "skipped": skipped}, "")


def _confirm(job: _Clone) -> None:
    """:raises Declined: there are further pages, and the user declined to copy them. Nothing was copied."""
    listing = job.listing
    if job.options.force or not listing.has_more:
        return
    names = [_name(asset) for asset in listing.first_assets if job.includes(asset)]
    is_all = job.item_filter.is_everything
    lines = [f"Assets will be copied from cloud {job.source_name} to cloud {job.target.cloud_name}:"]
    lines += [f"  {name}" for name in listed(names, count=listing.total if is_all else 0)]
    lines += [] if is_all else ["  and the selected assets of the other pages"]
    job.run.app.console.notice("\n".join(lines))
    remaining = getattr(listing.first, "rate_limit_remaining", None)
    if not job.run.app.console.confirm(all_pages_question(listing.first.get("total_count"), remaining)):
        raise Declined("Stopping. Nothing was copied. Use --force (-F) to copy all pages without a question.")


def _announce(job: _Clone) -> None:
    where = f"from {job.source_name} to {job.target.cloud_name}"
    count, listing = job.listing.total, job.listing
    what = f"{count} asset(s)"
    if not job.item_filter.is_everything:
        on_page = sum(map(job.includes, listing.first_assets))
        what = f"the selected ones of {count} asset(s)" if listing.has_more else f"{on_page} asset(s)"
    job.run.app.console.info(f"Copying {what} {where}", "blue")


def _finish(job: _Clone) -> None:
    run, tally = job.run, job.run.tally
    summary: Dict[str, Any] = {"command": "clone", "source": job.source_name, "target": job.target.cloud_name}
    copied = tally.ok - job.existing
    counts = {"copied": copied, "existing": job.existing, "skipped": tally.of(Status.SKIPPED)}
    _print_summary(job, copied)
    if not job.listing.is_complete:
        reason = f" ({job.problem.message.rstrip('.')})" if job.problem and tally.failed else ""
        run.app.console.warning(
            f"{job.source_name} was not listed to its end{reason}, so the report of this run does not contain all"
            " assets. Run it again without --retry-failed. Copied assets are kept."
        )
    run.finish(
        {**summary, **counts},
        f"{tally.failed} of {job.selected} assets were not copied.",
        job.listing.is_complete,
    )
    if job.problem is not None:
        raise job.problem


def _print_summary(job: _Clone, copied: int) -> None:
    tally, console = job.run.tally, job.run.app.console
    if not job.selected and job.listing.is_complete:
        console.info("The options select no asset.")
        return
    counts = {
        "already there": job.existing,
        "failed": tally.failed,
        "skipped": tally.of(Status.SKIPPED),
        "not begun": tally.cancelled,
    }
    verb = "Sent" if job.options.copy.is_async else "Copied"
    text = "".join(f", {count} {what}" for what, count in counts.items() if count)
    line = f"{verb} {copied} asset(s) from {job.source_name} to {job.target.cloud_name}{text}"
    if job.run.is_clean and job.listing.is_complete:
        console.success(line)
    else:
        console.warning(line)
