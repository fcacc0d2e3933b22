"""`cld regen_derived`: regenerates the derived assets of a transformation, with one `explicit` call for each asset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import ApiError, CliError, Declined
from cloudinary_cli.net.retry import retried
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.sdk.pages import PAGE_SIZE, pages, wait_for_quota
from cloudinary_cli.text import one_line
from cloudinary_cli.transfer.engine.filters import ItemFilter
from cloudinary_cli.transfer.engine.plan_file import PlanLine, one_of, open_plan
from cloudinary_cli.transfer.engine.records import Outcome, PlannedItem, Status
from cloudinary_cli.transfer.engine.run import Run, TransferOptions, transfer_run
from cloudinary_cli.transfer.engine.summary import listed
from cloudinary_cli.transfer.http.upload import UploadTarget, explicit

DEFAULT_MAX_RESULTS = 10
_ACTION = "explicit"
_COST = (
    "This command regenerates derived assets. They count as transformations, which may cost money, depending on your"
    " plan. Continue?"
)


@dataclass(frozen=True)
class RegenOptions:
    """The options of `cld regen_derived`. `max_results` is the number of derived assets; None for all."""

    transformation: str
    max_results: Optional[int] = DEFAULT_MAX_RESULTS
    notification_url: Optional[str] = None
    is_async: bool = False
    force: bool = False
    transfer: TransferOptions = field(default_factory=TransferOptions)


class _Identity(NamedTuple):
    """Identifies the original asset of a derived asset."""

    resource_type: str
    type: str
    public_id: str

    @property
    def key(self) -> str:
        """The asset's name in reports. The public ID alone is ambiguous: an image and a video may have the same one."""
        return "/".join(self)


class _Listing(NamedTuple):
    """The derived assets of a transformation. `is_complete` is False if `max_results` ended the listing."""

    is_named: bool
    derived: Sequence[Mapping[str, Any]]
    is_complete: bool


def regenerate(app: AppContext, options: RegenOptions) -> None:
    """Regenerate the derived assets of a transformation.

    :raises TransferIncomplete: some items failed, the others were done. :raises Declined: the user declined.
    :raises CliError: the run could not start.
    """
    item_filter = options.transfer.item_filter()
    app.active.require()
    if options.transfer.items:
        _regenerate_items(app, options, item_filter)
        return
    with transfer_run(app, options.transfer) as run:
        listing = _list(run, options)
        # All assets are listed before the first one is regenerated, because that changes the listing.
        assets = [asset for asset in _distinct(listing.derived) if item_filter.includes(asset.public_id, asset.key)]
        _print_listing(run, options, listing, assets)
        if options.transfer.dry_run:
            for asset in assets:
                app.console.info(one_line(asset.key, None))
            run.plan(_planned(asset, options, listing.is_named) for asset in assets)
        else:
            _confirm(app, options, [asset.key for asset in assets], len(assets))
            target = UploadTarget(run.session, app.sdk_config)
            parameters = _parameters(options, listing.is_named)
            run.execute([_Regenerate(target, asset, parameters) for asset in assets])
        _finish(run, options, len(assets))


def _planned(asset: _Identity, options: RegenOptions, is_named: bool) -> PlannedItem:
    values = {**asset._asdict(), "transformation": options.transformation, "named": is_named}
    return PlannedItem(_ACTION, asset.key, values)


def _regenerate_items(app: AppContext, options: RegenOptions, item_filter: ItemFilter) -> None:
    """Regenerate the derived assets of the plan of --items."""

    def record(item: PlanLine) -> Tuple[_Identity, bool]:
        one_of(item, (_ACTION,))
        if item.text("transformation") != options.transformation:
            raise item.error(f"it is for the transformation '{item.text('transformation')}'")
        identity = _Identity(*(item.text(name) for name in _Identity._fields))
        return identity, item.values.get("named") is True

    def includes(item: PlanLine) -> bool:
        return item_filter.includes(item.text("public_id"), item.path)

    with open_plan(options.transfer, record, includes) as items, transfer_run(app, options.transfer) as run:
        total = items.check(run)
        if options.transfer.dry_run:
            items.print_plan(run)
        else:
            _confirm(app, options, total.names, total.count)
            target = UploadTarget(run.session, app.sdk_config)
            actions = (_Regenerate(target, asset, _parameters(options, is_named)) for asset, is_named in items)
            run.execute(actions, total=total.count)
        _finish(run, options, total.count)


def _confirm(app: AppContext, options: RegenOptions, names: Sequence[str], count: int) -> None:
    """Ask, with the first names of `count` assets.

    :raises Declined: the user declined. Nothing was regenerated.
    """
    if options.force or not count:
        return
    transformation, cloud = one_line(options.transformation), one_line(str(app.sdk_config.cloud_name))
    lines = [f"The derived assets with transformation '{transformation}' in cloud '{cloud}' will be regenerated, of:"]
    app.console.notice("\n".join(lines + [f"  {name}" for name in listed(names, count=count)]))
    if not app.console.confirm(_COST):
        raise Declined("Stopping. Nothing was regenerated.")


def _list(run: Run, options: RegenOptions) -> _Listing:
    """List the derived assets, page by page, up to `max_results`.

    :raises ApiError: no such transformation, refused, or no response after the retries.
    """
    limit = options.max_results
    derived: List[Mapping[str, Any]] = []

    def fetch(cursor: Optional[str] = None) -> Any:
        size = PAGE_SIZE if limit is None else min(PAGE_SIZE, limit - len(derived))
        page = {"max_results": size, **({"next_cursor": cursor} if cursor else {})}
        try:
            return retried(lambda: call_api(loader.module("admin").transformation, options.transformation, **page))
        except ApiError as error:
            if error.status != 404:
                raise
            reason = str(error).rstrip(".")
            raise ApiError(f"{reason}. List the transformations: cld admin transformations", 404) from error

    with run.session.progress.item("Listing derived assets", detail=lambda: str(len(derived))):
        first = fetch()
        for page in pages(first, fetch):
            items = page.get("derived")
            derived.extend(item for item in (items if isinstance(items, list) else []) if isinstance(item, dict))
            if page.get("next_cursor"):
                if limit is not None and len(derived) >= limit:
                    return _Listing(bool(first.get("named")), derived, False)
                wait_for_quota(page, run.app.clock)
    return _Listing(bool(first.get("named")), derived, True)


def _distinct(derived: Sequence[Mapping[str, Any]]) -> List[_Identity]:
    """The original assets, each once, in the order of the listing.

    :raises ApiError: a derived asset has no public ID.
    """
    found: Dict[_Identity, None] = {}
    for item in derived:
        if not item.get("public_id"):
            raise ApiError("The server's response has a derived asset without a public ID.")
        kind = str(item.get("resource_type") or "image"), str(item.get("type") or "upload")
        found[_Identity(*kind, str(item["public_id"]))] = None
    return list(found)


def _print_listing(run: Run, options: RegenOptions, listing: _Listing, assets: Sequence[_Identity]) -> None:
    console = run.app.console
    if not listing.derived:
        console.info("No derived assets are using this transformation.")
    elif not assets:
        console.info("The options select no derived asset.")
    elif options.transfer.dry_run:
        console.info("The derived assets of the following assets would be regenerated:")
    if not listing.is_complete:
        console.warning(
            f"Only the first {len(listing.derived)} derived assets of the transformation are included."
            " Use -A (--auto_paginate) for all, or -n N for N of them."
        )


def _parameters(options: RegenOptions, is_named: bool) -> Dict[str, Any]:
    text = options.transformation
    return {
        "eager": f"t_{text}" if is_named and not text.startswith("t_") else text,
        "eager_async": options.is_async,
        "eager_notification_url": options.notification_url,
        "overwrite": True,
        "invalidate": True,
    }


def _finish(run: Run, options: RegenOptions, planned: int) -> None:
    failed = run.tally.failed
    if run.is_clean and planned and not options.transfer.dry_run:
        state = "in progress" if options.is_async else "complete"
        run.app.console.success(f"Regeneration {state}. {run.tally.ok} assets.")
    count = {"would_regenerate": planned} if options.transfer.dry_run else {"regenerated": run.tally.ok}
    run.finish(
        {"command": "regen_derived", "transformation": options.transformation, **count},
        f"{failed} of {planned} assets were not regenerated.",
    )


@dataclass(frozen=True)
class _Regenerate:
    """One `explicit` call."""

    target: UploadTarget
    asset: _Identity
    parameters: Mapping[str, Any]
    action: str = _ACTION

    @property
    def key(self) -> str:
        return self.asset.key

    def run(self) -> Outcome:
        asset = self.asset
        options = {**self.parameters, "resource_type": asset.resource_type, "type": asset.type}
        try:
            derived = _first_eager(explicit(self.target, asset.public_id, options))
        except CliError as error:
            name = f"{one_line(asset.public_id)} of type: {asset.type} and resource_type: {asset.resource_type}"
            message = f"Failed to regenerate {name}, error: {error.message}"
            reason, public_id = error.message, asset.public_id
            return Outcome(self.action, self.key, Status.FAILED, reason, public_id, message=message, cause=error)
        url = derived.get("secure_url") or derived.get("url")
        verb = "Processing" if self.parameters["eager_async"] else "Regenerated"
        name = one_line(str(url or asset.public_id), None)
        return Outcome(self.action, self.key, public_id=asset.public_id, url=url, message=f"{verb} {name}")


def _first_eager(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of the response about the derived asset; empty if there is none.

    :raises ApiError: the derived asset could not be generated.
    """
    eager = response.get("eager")
    first = eager[0] if isinstance(eager, list) and eager else None
    derived: Mapping[str, Any] = first if isinstance(first, dict) else {}
    if derived.get("status") == "failed":
        raise ApiError(one_line(str(derived.get("reason") or "the server reports 'failed'"), 500))
    return derived
