"""`cld sync`: lists both sides at the same time, plans, asks, transfers, and deletes last."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Set, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError, NoHomeDirectory
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.actions import DeleteLocal, DownloadFile, UploadFile, delete_batches
from cloudinary_cli.transfer.actions import remove_empty_directories as remove_empty
from cloudinary_cli.transfer.engine.background import Background
from cloudinary_cli.transfer.engine.filters import ItemFilter
from cloudinary_cli.transfer.engine.part_file import remove_orphan
from cloudinary_cli.transfer.engine.records import Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.engine.run import Run, TransferOptions, transfer_run
from cloudinary_cli.transfer.http.upload import UploadTarget
from cloudinary_cli.transfer.keys import normalized, remote_key
from cloudinary_cli.transfer.remote import RemoteIndex, RemoteQuery, list_folder
from cloudinary_cli.transfer.scan import ScanResult, scan
from cloudinary_cli.transfer.sync import disk_names, matching, messages, plan, policy
from cloudinary_cli.transfer.sync.hashing import EtagCache, Hasher
from cloudinary_cli.transfer.sync.name_map import NameMap
from cloudinary_cli.transfer.sync.plan import Direction, Plan, Upload
from cloudinary_cli.transfer.sync.policy import Policy, Sides
from cloudinary_cli.transfer.upload_options import default_options, folder_option, upload_target

DEFAULT_BATCH_SIZE = 30


@dataclass(frozen=True)
class SyncOptions:
    """The options of `cld sync`. `remote.folder` has no leading or trailing slash."""

    direction: Direction
    local_folder: str
    remote: RemoteQuery
    policy: Policy = Policy.ASK
    include_hidden: bool = False
    batch_size: int = DEFAULT_BATCH_SIZE
    upload_options: Mapping[str, Any] = field(default_factory=dict)
    transfer: TransferOptions = field(default_factory=TransferOptions)


@dataclass
class _Found:
    """The local files, the assets, and how they match."""

    names: NameMap
    local: ScanResult
    remote: RemoteIndex
    assets: List[RemoteAsset] = field(default_factory=list)
    matched: matching.Matched = field(default_factory=matching.Matched)
    keys: Set[str] = field(default_factory=set)  # of all local files
    clashes: List[Outcome] = field(default_factory=list)
    folders: Dict[str, str] = field(default_factory=dict)  # normal form C -> the server's spelling


def sync(app: AppContext, options: SyncOptions) -> None:
    """Make the receiving side equal to the other side.

    :raises TransferIncomplete: some items failed, the others were done. :raises Declined: the user declined.
    :raises CliError: the run could not start. Nothing was changed.
    """
    item_filter = options.transfer.item_filter()
    with transfer_run(app, options.transfer) as run:
        _Sync(run, options, item_filter).run()


class _Sync:
    def __init__(self, run: Run, options: SyncOptions, item_filter: ItemFilter) -> None:
        self._run, self._options, self._item_filter = run, options, item_filter
        self._console = run.app.console
        self._uploaded: Dict[str, str] = {}  # local key -> remote key
        self._identities: Set[Tuple[str, str, str]] = set()  # of what was uploaded
        self._synced = self._deleted = 0

    @property
    def _is_push(self) -> bool:
        return self._options.direction is Direction.PUSH

    def run(self) -> None:
        hasher = self._hasher()
        found = self._find(hasher)
        work = self._plan(found, hasher)
        if self._options.transfer.dry_run:
            messages.print_plan(self._console, work, self._options.batch_size)
            for clash in found.clashes:
                self._console.warning(clash.message)
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

    def _find(self, hasher: Hasher) -> _Found:
        """List both sides at the same time. Local files are hashed while the remote listing is in progress."""
        options = self._options
        names = NameMap.load(options.local_folder)
        listing = Background(self._list)
        local = scan(options.local_folder, options.include_hidden, self._run.session.progress)
        messages.print_local(self._console, options.local_folder, local)
        if self._is_push and not local.exists:
            raise CliError(f"Cannot push a non-existent local folder '{options.local_folder}'. Check its name.")
        hasher.begin(local.files)
        remote = listing.result()
        messages.print_remote(self._console, options.remote.folder, remote)
        if not self._is_push and not remote.exists:
            raise CliError(
                f"Cannot pull from a non-existent Cloudinary folder '{options.remote.folder}'. Find it with:"
                " cld search_folders"
            )
        found = _Found(names, local, remote)
        self._match(found, hasher)
        return found

    def _list(self) -> RemoteIndex:
        name = f"Listing Cloudinary folder {self._options.remote.folder or '/'}"
        with self._run.session.progress.item(name):
            return list_folder(self._options.remote, self._run.app.clock)

    def _match(self, found: _Found, hasher: Hasher) -> None:
        known = found.names.effective({asset.key for asset in found.remote.assets})
        found.remote.leave_out(self._options.include_hidden, set(known.values()))
        messages.print_ignored(self._console, found.remote)
        files = matching.distinct(found.local.files, known)
        found.assets, shared = matching.resolve_duplicates(found.remote.assets, files, hasher.etag)
        messages.print_duplicates(self._console, self._options.remote.folder, shared)
        known = found.names.effective({asset.key for asset in found.assets})
        matched = matching.match(files, found.assets, known, hasher.etag)
        if not self._is_push:
            matched = disk_names.paired_by_disk(matched, self._options.local_folder)
        found.keys = {file.key for file in files}
        found.matched = plan.selected(matched, self._item_filter.includes)

    # -- planning

    def _plan(self, found: _Found, hasher: Hasher) -> Plan:
        hasher.finish(pair.local for pair in found.matched.pairs if plan.needs_hash(pair))
        work = plan.build(found.matched, self._options.direction, hasher.etag)
        if not self._is_push:
            root, may_write = self._options.local_folder, not self._options.transfer.dry_run
            work, found.clashes = disk_names.without_clashes(work, root, found.local.files, may_write)
        if not self._options.transfer.dry_run:
            hasher.save(found.local.files)
        messages.print_differences(self._console, work, self._run.shows_each)
        source_is_empty = not (found.local.files if self._is_push else found.remote.assets)
        folder, status = self._options.remote.folder or "/", self._options.remote.status
        cloud = str(self._run.app.sdk_config.cloud_name)
        sides = Sides(self._options.local_folder, folder, cloud, source_is_empty, status)
        if not policy.deletes(self._console, self._options.policy, self._options.transfer, work, sides):
            work = plan.without_deletions(work)
        return plan.with_upload_keys(work, found.assets, found.remote.mode) if self._is_push else work

    # -- transferring

    def _carry_out(self, found: _Found, work: Plan) -> None:
        for path in found.local.parts:
            if remove_orphan(path):
                self._console.debug(f"Removed '{path}', the temporary file of an earlier run.")
        self._run.record([*self._problems(found.local), *found.clashes])
        try:
            self._transfer(found, work)
        finally:
            if self._is_push:
                found.names.save({**found.matched.found, **self._uploaded}, found.keys)
        if work.deletions:
            self._delete(found, work)

    def _problems(self, local: ScanResult) -> List[Outcome]:
        """The local entries that cannot be transferred. They are not failures of a pull, which only writes files."""
        relevant = [problem for problem in local.problems if self._item_filter.may_include(problem.key)]
        return relevant if self._is_push else [policy.skipped(problem) for problem in relevant]

    def _transfer(self, found: _Found, work: Plan) -> None:
        folder = self._options.remote.folder or "/"
        if work.uploads:
            self._console.info(f"Uploading {len(work.uploads)} items to Cloudinary folder '{folder}'")
            config, has_new = self._run.app.sdk_config, any(upload.replaces is None for upload in work.uploads)
            given = self._options.upload_options
            target = upload_target(self._run.session, config, found.remote.mode, given, has_new)
            found.folders = policy.folders(found.assets, found.remote.mode)
            by_key = {upload.file.relative: upload for upload in work.uploads}
            uploads = [self._upload(target, upload, found) for upload in work.uploads]
            self._run.execute(uploads, lambda outcome: self._record_upload(by_key[outcome.key], outcome, found))
        if work.downloads:
            self._console.info(f"Preparing to download {len(work.downloads)} items from Cloudinary folder '{folder}'")
            self._console.info(f"Downloading {len(work.downloads)} files from Cloudinary")
            session, root = self._run.session, self._options.local_folder
            fields = self._run.app.active.fields
            self._run.execute([DownloadFile(session, root, item, fields) for item in work.downloads], self._count)

    def _upload(self, target: UploadTarget, item: Upload, found: _Found) -> UploadFile:
        mode = found.remote.mode
        directory, _, name = item.remote_key.rpartition("/")
        options = {**default_options(mode), **self._options.upload_options}
        folder = "/".join(name for name in (self._options.remote.folder, directory) if name)
        options.update(folder_option(mode, found.folders.get(nfc(folder), folder)))
        own_name = os.path.basename(item.file.relative)
        if item.remote_key != normalized(item.file.relative):
            options["filename"] = name
        elif nfc(own_name) != own_name:
            options["filename"] = nfc(own_name)
        if item.replaces is not None:
            options.update(policy.in_place(item.replaces, mode))
        return UploadFile(target, item.file.relative, item.file.path, options, mode, item.file.size)

    def _record_upload(self, item: Upload, outcome: Outcome, found: _Found) -> None:
        """Record the name that the server chose, and the asset that was uploaded."""
        self._count(outcome)
        response = outcome.response or {}
        if response.get("public_id"):
            kind = str(response.get("resource_type") or "image"), str(response.get("type") or "upload")
            self._identities.add((*kind, str(response["public_id"])))
        is_duplicate = item.replaces is not None and item.replaces.key != item.replaces.server_key
        if policy.has_key(response, found.remote.mode) and not is_duplicate:
            key = remote_key(response, self._options.remote.folder, found.remote.mode)
            if key is not None:
                self._uploaded[item.file.key] = key

    def _count(self, outcome: Outcome) -> None:
        self._synced += outcome.status is Status.OK

    def _delete(self, found: _Found, work: Plan) -> None:
        """Delete last, and only if everything was transferred."""
        remote = policy.pending_deletions(work, self._identities, found.remote.mode)
        if not self._run.is_clean:
            keys = [asset.key for asset in remote] + [file.relative for file in work.delete_local]
            for key in keys:
                self._run.reporter.arrived(policy.not_deleted(key))
            self._console.warning(f"{len(keys)} files are not deleted, because not everything was transferred.")
            return
        root = self._options.local_folder
        written = [os.path.join(root, *item.relative.split("/")) for item in work.downloads]
        local = disk_names.other_files(work.delete_local, written)
        batches = list(delete_batches(remote, self._options.batch_size))
        for line in messages.deletion_lines(batches):
            self._console.info(line)
        self._run.execute([*batches, *map(DeleteLocal, local)], self._count_deleted)
        if work.delete_remote:
            self._console.info(f"Deleted {self._deleted} resources")
        if work.delete_local and not self._run.interrupted:
            hidden = self._options.include_hidden
            remove_empty(self._options.local_folder, lambda name: hidden or not name.startswith("."))

    def _count_deleted(self, outcome: Outcome) -> None:
        self._deleted += outcome.status is Status.OK

    # -- the result

    def _finish(self, found: _Found, work: Plan) -> None:
        tally, is_dry = self._run.tally, self._options.transfer.dry_run
        counts = {
            "in_sync": len(work.in_sync),
            "synced": self._synced,
            "deleted": self._deleted,
            "skipped": tally.of(Status.SKIPPED),
        }
        if work.transfers and not is_dry:
            messages.print_summary(self._console, {**counts, "failed": tally.failed, "cancelled": tally.cancelled})
        summary: Dict[str, Any] = {
            "command": "sync",
            "direction": self._options.direction.value,
            "local_folder": self._options.local_folder,
            "cloudinary_folder": self._options.remote.folder or "/",
            **counts,
            **({"plan": messages.plan_json(work)} if is_dry else {}),
        }
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        self._run.finish(
            summary,
            f"Command execution failed, error: Sync did not finish successfully: {tally.failed} failed{skipped}.",
        )
        self._console.info("Nothing was changed (--dry-run)." if is_dry else "Done!")
