"""`cld sync`: lists both sides at the same time, plans, asks, transfers, and deletes last."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import NoHomeDirectory
from cloudinary_cli.transfer.actions import remove_empty_directories
from cloudinary_cli.transfer.engine.filters import ItemFilter
from cloudinary_cli.transfer.engine.part_file import remove_orphan
from cloudinary_cli.transfer.engine.records import LocalFile, Outcome, Status
from cloudinary_cli.transfer.engine.run import Run, TransferOptions, transfer_run
from cloudinary_cli.transfer.keys import FolderMode, remote_key
from cloudinary_cli.transfer.remote import RemoteQuery
from cloudinary_cli.transfer.scan import ScanResult
from cloudinary_cli.transfer.sync import backups, disk_names, find, messages, plan, policy, renames
from cloudinary_cli.transfer.sync.find import Folders, Found
from cloudinary_cli.transfer.sync.hashing import EtagCache, Hasher
from cloudinary_cli.transfer.sync.plan import Direction, Plan, Upload
from cloudinary_cli.transfer.sync.policy import Policy, Sides
from cloudinary_cli.transfer.sync.transfers import BATCH_SIZE, Transfers, report_kept


@dataclass(frozen=True)
class SyncOptions:
    """The options of `cld sync`. `remote.folder` has no leading or trailing slash."""

    direction: Direction
    local_folder: str
    remote: RemoteQuery
    policy: Policy = Policy.ASK
    include_hidden: bool = False
    batch_size: int = BATCH_SIZE
    upload_options: Mapping[str, Any] = field(default_factory=dict)
    transfer: TransferOptions = field(default_factory=TransferOptions)
    track_renames: bool = False
    backup: Optional[str] = None  # the directory of a pull, or the Cloudinary folder of a push without outer slashes

    def summary(self) -> Dict[str, Any]:
        """The members of the JSON summary that do not depend on the run."""
        return {
            "command": "sync",
            "direction": self.direction.value,
            "local_folder": self.local_folder,
            "cloudinary_folder": self.remote.folder or "/",
        }


def sync(app: AppContext, options: SyncOptions) -> None:
    """Make the receiving side equal to the other side.

    :raises TransferIncomplete: some items failed, the others were done. :raises Declined: the user declined.
    :raises CliError: the run could not start. Nothing was changed.
    """
    item_filter = options.transfer.item_filter()
    if options.backup is not None:
        backups.check(options.direction, options.backup, options.local_folder, options.remote.folder)
    with transfer_run(app, options.transfer) as run:
        _Sync(run, options, item_filter).run()


class _Sync:
    def __init__(self, run: Run, options: SyncOptions, item_filter: ItemFilter) -> None:
        self._run, self._options, self._item_filter = run, options, item_filter
        self._console = run.app.console
        self._uploaded: Dict[str, str] = {}  # local key -> remote key
        self._identities: Set[Tuple[str, str, str]] = set()  # of what was uploaded
        self._done: "Counter[str]" = Counter()  # successful items, by action
        self._deleted = 0  # or moved to a backup

    @property
    def _is_push(self) -> bool:
        return self._options.direction is Direction.PUSH

    def run(self) -> None:
        hasher = self._hasher()
        found = self._find(hasher)
        work = self._plan(found, hasher)
        if self._options.transfer.dry_run:
            messages.print_plan(self._console, work, self._options.batch_size, self._options.backup)
            for clash in found.clashes:
                self._console.warning(clash.message)
            self._run.plan(self._transfers(found).items(work))
        else:
            self._carry_out(found, work)
        self._finish(found, work)

    # -- finding

    def _hasher(self) -> Hasher:
        progress = self._run.session.progress
        try:
            home = defaults.home_directory(self._run.app.environ)
        except NoHomeDirectory:
            return Hasher(progress=progress)  # there is no place for a cache of hashes
        return Hasher(EtagCache(home, self._options.local_folder), progress=progress)

    def _find(self, hasher: Hasher) -> Found:
        options, is_push, app = self._options, self._is_push, self._run.app
        folders = Folders(options.local_folder, options.remote, options.include_hidden)
        includes = self._item_filter.includes

        def begin(files: Sequence[LocalFile]) -> None:
            hasher.begin(file for file in files if includes(file.relative))

        found = find.list_both(app, self._run.session.progress, folders, options.direction, begin)
        find.match(found, self._console, folders, hasher.etag, by_disk=not is_push)
        known = [*find.item_paths(found.matched), *(problem.key for problem in found.local.problems)]
        self._run.record(self._item_filter.missing(known))
        of_all_shards = replace(self._item_filter, shard=None).includes
        found.matched, every = plan.selected(found.matched, includes), found.matched.local_only
        if self._item_filter.shard is not None:
            found.others = [f for f in every if of_all_shards(f.relative) and not includes(f.relative)]
        return found

    # -- planning

    def _plan(self, found: Found, hasher: Hasher) -> Plan:
        needed = [pair.local for pair in found.matched.pairs if plan.needs_hash(pair)]
        hasher.finish([*needed, *(renames.candidates(found.matched) if self._options.track_renames else ())])
        work = plan.build(found.matched, self._options.direction, hasher.etag)
        work = replace(work, upload_type=str(self._options.upload_options.get("type") or "upload"))
        if not self._is_push:
            root, may_write = self._options.local_folder, not self._options.transfer.dry_run
            work, found.clashes = disk_names.without_clashes(work, root, found.local.files, may_write)
        source_is_empty = not (found.local.files if self._is_push else found.remote.assets)
        folder, status = self._options.remote.folder or "/", self._options.remote.status
        cloud = str(self._run.app.sdk_config.cloud_name)
        backup, direction = self._options.backup or "", self._options.direction
        sides = Sides(direction, self._options.local_folder, folder, cloud, source_is_empty, status, backup)
        if self._options.track_renames:
            work = self._with_renames(found, work, hasher, sides)
        if not self._options.transfer.dry_run:
            hasher.save(found.local.files)
        messages.print_differences(self._console, work, self._run.shows_each)
        chosen, names = self._options.policy, work.deleted_names
        if not policy.deletes(self._console, chosen, self._options.transfer, sides, work.deletions, names):
            work = replace(work, delete_remote=[], delete_local=[])
        if self._is_push:
            work = plan.with_upload_keys(work, found.assets, found.remote.mode, found.others)
        return work

    def _with_renames(self, found: Found, work: Plan, hasher: Hasher, sides: Sides) -> Plan:
        """The plan with renames, unless the user declines that URLs change."""
        if not self._is_push and sides.status not in (None, "all"):
            return work  # nothing is deleted, so nothing may be renamed
        tracked, ambiguous = renames.tracked(work, found.assets, found.remote.mode, hasher.etag)
        messages.print_ambiguous(self._console, ambiguous)
        if not tracked.renames or not self._is_push or found.remote.mode is FolderMode.DYNAMIC:
            return tracked
        if self._options.transfer.dry_run:
            self._console.info(f"{len(tracked.renames)} assets would get a new public ID and a new URL.")
        elif self._options.policy is Policy.ASK and not renames.confirmed(self._console, tracked, sides):
            return work
        return tracked

    # -- transferring

    def _carry_out(self, found: Found, work: Plan) -> None:
        for path in found.local.parts:
            if remove_orphan(path):
                self._console.debug(f"Removed '{path}', the temporary file of an earlier run.")
        self._run.record([*self._problems(found.local), *found.clashes])
        try:
            self._transfer(found, work)
        finally:
            if self._is_push:
                found.names.save({**found.matched.found, **self._uploaded}, found.keys)
        if work.deletions or work.renames:
            self._delete(found, work)

    def _problems(self, local: ScanResult) -> List[Outcome]:
        """The local entries that cannot be transferred. They are not failures of a pull, which only writes files."""
        relevant = [problem for problem in local.problems if self._item_filter.may_include(problem.key)]
        return relevant if self._is_push else [replace(problem, status=Status.SKIPPED) for problem in relevant]

    def _transfers(self, found: Found) -> Transfers:
        options, mode = self._options, found.remote.mode
        root, folder, given = options.local_folder, options.remote.folder, options.upload_options
        return Transfers(self._run, root, folder, mode, policy.folders(found.assets, mode), given, options.backup)

    def _transfer(self, found: Found, work: Plan) -> None:
        mode = found.remote.mode
        uploads = {upload.file.relative: upload for upload in work.uploads}
        keys = {rename.file.relative: rename.file.key for rename in work.renames}

        def record(outcome: Outcome) -> None:
            self._done[outcome.action] += outcome.status is Status.OK
            if outcome.action == "upload":
                self._record_upload(uploads[outcome.key], outcome, found)
            elif outcome.action == "rename" and self._is_push:
                self._record_name(keys[outcome.key], outcome.response or {}, mode)

        self._run.execute(self._transfers(found).actions(work), record)

    def _record_upload(self, item: Upload, outcome: Outcome, found: Found) -> None:
        """Record the name that the server chose, and the asset that was uploaded."""
        response = outcome.response or {}
        if response.get("public_id"):
            kind = str(response.get("resource_type") or "image"), str(response.get("type") or "upload")
            self._identities.add((*kind, str(response["public_id"])))
        if item.replaces is None or item.replaces.key == item.replaces.server_key:  # not a duplicate name
            self._record_name(item.file.key, response, found.remote.mode)

    def _record_name(self, local_key: str, response: Mapping[str, Any], mode: FolderMode) -> None:
        if policy.has_key(response, mode):
            key = remote_key(response, self._options.remote.folder, mode)
            if key is not None:
                self._uploaded[local_key] = key

    def _delete(self, found: Found, work: Plan) -> None:
        """Delete last, and only if everything was transferred."""
        run, options = self._run, self._options
        assets = policy.pending_deletions(work, self._identities, found.remote.mode)
        if not run.is_clean:
            report_kept(run, [*(asset.key for asset in assets), *(file.relative for file in work.delete_local)])
            return
        run.execute(self._transfers(found).deletions(work, assets, options.batch_size), self._count_deleted)
        if work.delete_remote:
            moved = f"Moved {self._deleted} resources to '{options.backup}'"
            self._console.info(f"Deleted {self._deleted} resources" if options.backup is None else moved)
        if not self._is_push and (work.delete_local or work.renames) and not run.interrupted:
            remove_empty_directories(options.local_folder, options.include_hidden)

    def _count_deleted(self, outcome: Outcome) -> None:
        self._deleted += outcome.status is Status.OK

    # -- the result

    def _finish(self, found: Found, work: Plan) -> None:
        tally, is_dry = self._run.tally, self._options.transfer.dry_run
        counts = {
            "in_sync": len(work.in_sync),
            "synced": self._done["upload"] + self._done["download"],
            **({"renamed": self._done["rename"]} if self._options.track_renames else {}),
            **({"backed_up": self._done["backup"] + self._deleted} if self._options.backup is not None else {}),
            "deleted": self._deleted,
            "skipped": tally.of(Status.SKIPPED),
        }
        if work.transfers and not is_dry:
            messages.print_summary(self._console, {**counts, "failed": tally.failed, "cancelled": tally.cancelled})
        summary = {
            **self._options.summary(),
            **counts,
            **({"plan": messages.plan_json(work)} if is_dry else {}),
        }
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        self._run.finish(
            summary,
            f"Command execution failed, error: Sync did not finish successfully: {tally.failed} failed{skipped}.",
        )
        self._console.info("Nothing was changed (--dry-run)." if is_dry else "Done!")
