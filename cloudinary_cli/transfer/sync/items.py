"""`cld sync --items`: carries out a plan without a listing. Its lines are read one by one, and deletions come last."""

from __future__ import annotations

import os
from typing import Dict, Iterator, List, Set, Tuple, Union

from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.sdk.delivery import DeliveryUrls
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.actions import DownloadFile, remove_empty_directories
from cloudinary_cli.transfer.engine.executor import TransferAction
from cloudinary_cli.transfer.engine.plan_file import DELETE, PlanFile, PlanLine, PlanTotal, one_of, open_plan
from cloudinary_cli.transfer.engine.records import Download, LocalFile, Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.engine.run import Run, transfer_run
from cloudinary_cli.transfer.http.upload import UploadTarget
from cloudinary_cli.transfer.keys import FolderMode, normalized, remote_key
from cloudinary_cli.transfer.planned import PlannedUpload, local_file, remote_asset, safe_path
from cloudinary_cli.transfer.scan import file_finder
from cloudinary_cli.transfer.sync import policy
from cloudinary_cli.transfer.sync.name_map import NameMap
from cloudinary_cli.transfer.sync.plan import Direction
from cloudinary_cli.transfer.sync.planned_deletions import DeleteUnchangedAssets, DeleteUnchangedFile
from cloudinary_cli.transfer.sync.sync import SyncOptions
from cloudinary_cli.transfer.sync.transfers import report_kept

Record = Union[PlannedUpload, Download, RemoteAsset, LocalFile]


def sync_items(app: AppContext, options: SyncOptions) -> None:
    """Carry out the plan of --items.

    :raises TransferIncomplete: some items failed, the others were done. :raises Declined: the user declined.
    :raises CliError: the run could not start. Nothing was changed.
    """
    item_filter = options.transfer.item_filter()
    if options.direction is Direction.PUSH and not os.path.isdir(options.local_folder):
        raise CliError(f"Cannot push a non-existent local folder '{options.local_folder}'. Check its name.")
    names = NameMap.load(options.local_folder)
    with open_plan(
        options.transfer, lambda item: _record(item, options), lambda item: item_filter.includes(item.path)
    ) as items, transfer_run(app, options.transfer) as run:
        total = items.check(run)
        if options.transfer.dry_run:
            items.print_plan(run)
        work = _SyncItems(run, options, items, names)
        work.carry_out(total)
        work.finish(total)


def _record(item: PlanLine, options: SyncOptions) -> Record:
    """:raises CliError: the item cannot be a part of this run."""
    if options.direction is Direction.PULL:
        if one_of(item, ("download", DELETE)) == DELETE:
            return local_file(item, options.local_folder)
        return Download(remote_asset(item), safe_path(item))
    if one_of(item, ("upload", DELETE)) == DELETE:
        return remote_asset(item)
    upload, folder = PlannedUpload.of_item(item), nfc(options.remote.folder)
    if folder and not f"{nfc(upload.folder)}/".startswith(f"{folder}/"):
        raise item.error(f"its folder '{upload.folder}' is not in '{options.remote.folder}'")
    return upload


class _SyncItems:
    def __init__(self, run: Run, options: SyncOptions, items: PlanFile[Record], name_map: NameMap) -> None:
        self._run, self._options, self._items, self._name_map = run, options, items, name_map
        self._names: Dict[str, str] = {}  # local path -> remote key, where the server has chosen another name
        self._replaced: Set[str] = set()  # the started uploads that replace an asset, and so do not name it
        self._synced = self._deleted = 0

    @property
    def _is_push(self) -> bool:
        return self._options.direction is Direction.PUSH

    def carry_out(self, total: PlanTotal) -> None:
        """Ask whether to delete, transfer, and delete. A dry run does nothing of this."""
        options, console = self._options, self._run.app.console
        cloud, folder = self._run.cloud_name, options.remote.folder or "/"
        sides = policy.Sides(options.direction, options.local_folder, folder, cloud, source_is_empty=False)
        count, names = total.deletions, total.deleted
        deletes = policy.deletes(console, options.policy, options.transfer, sides, count, names)
        if options.transfer.dry_run:
            return
        try:
            if total.transfers:
                self._run.execute(self._transfers(), self._record_transfer, total.transfers)
        finally:
            if self._names:
                self._name_map.save(self._names, set())
        if deletes and total.deletions:
            self._delete(total.deletions)

    def _transfers(self) -> Iterator[TransferAction]:
        session, options, app = self._run.session, self._options, self._run.app
        urls = DeliveryUrls(app.active.fields)
        # The plan has the public IDs that the client may choose.
        target = UploadTarget(session, app.sdk_config, names_assets=True)
        for record in self._items:
            if isinstance(record, PlannedUpload):
                if record.replaces is not None:
                    self._replaced.add(record.path)
                yield record.action(target, options.local_folder, options.upload_options)
            elif isinstance(record, Download):
                yield DownloadFile(session, options.local_folder, record, urls)

    def _record_transfer(self, outcome: Outcome) -> None:
        self._synced += outcome.status is Status.OK
        response = outcome.response or {}
        mode = FolderMode.DYNAMIC if "asset_folder" in response else FolderMode.FIXED
        if outcome.key in self._replaced:
            self._replaced.discard(outcome.key)
        elif self._is_push and policy.has_key(response, mode):
            key = remote_key(response, self._options.remote.folder, mode)
            if key is not None and key != normalized(outcome.key):
                self._names[outcome.key] = key

    # -- deleting

    def _delete(self, count: int) -> None:
        """Delete last, and only if everything was transferred."""
        console = self._run.app.console
        if not self._run.is_clean:
            records = self._deletions()
            report_kept(self._run, (r.key if isinstance(r, RemoteAsset) else r.relative for r in records))
            return
        self._run.execute(self._deletion_actions(), self._count_deleted, count)
        console.info(f"Deleted {self._deleted} {'resources' if self._is_push else 'files'}")
        if not self._is_push and not self._run.interrupted:
            remove_empty_directories(self._options.local_folder, self._options.include_hidden)

    def _deletions(self) -> Iterator[Union[RemoteAsset, LocalFile]]:
        for record in self._items:
            if isinstance(record, (RemoteAsset, LocalFile)):
                yield record

    def _deletion_actions(self) -> Iterator[TransferAction]:
        batches: Dict[Tuple[str, str], List[RemoteAsset]] = {}
        root, exists = self._options.local_folder, file_finder(self._options.local_folder)
        for record in self._deletions():
            if isinstance(record, LocalFile):
                yield DeleteUnchangedFile(record, root=root)
                continue
            batch = batches.setdefault((record.resource_type, record.type), [])
            batch.append(record)
            if len(batch) == self._options.batch_size:
                yield DeleteUnchangedAssets(tuple(batch), exists=exists)
                batch.clear()
        for batch in filter(None, batches.values()):
            yield DeleteUnchangedAssets(tuple(batch), exists=exists)

    def _count_deleted(self, outcome: Outcome) -> None:
        self._deleted += outcome.status is Status.OK

    # -- the result

    def finish(self, total: PlanTotal) -> None:
        """Print the summary, and end the command."""
        tally, options = self._run.tally, self._options
        counts = {"synced": self._synced, "deleted": self._deleted, "skipped": tally.of(Status.SKIPPED)}
        if options.transfer.dry_run:
            counts = {"would_transfer": total.transfers, "would_delete": total.deletions}
        failure = f"Command execution failed, error: Sync did not finish successfully: {tally.failed} failed."
        self._run.finish({**options.summary(), **counts}, failure)
        self._run.app.console.info("Nothing was changed (--dry-run)." if options.transfer.dry_run else "Done!")
