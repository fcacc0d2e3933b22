"""Deletes what exists only on the receiving side, or moves it to a backup, after a run without failures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import List, Optional, Sequence

from cloudinary_cli.transfer.actions import DeleteLocal, delete_batches, remove_empty_directories
from cloudinary_cli.transfer.engine.executor import TransferAction
from cloudinary_cli.transfer.engine.records import Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.engine.run import Run
from cloudinary_cli.transfer.sync import disk_names, messages, policy
from cloudinary_cli.transfer.sync.backups import Backups
from cloudinary_cli.transfer.sync.plan import Direction, Plan


@dataclass
class Deletion:
    """The deletions of one run. `count` is the number of deleted items, including those that a backup has.

    :param root: the local folder. :param batch_size: the number of assets to delete with one call.
    """

    run: Run
    root: str
    batch_size: int
    include_hidden: bool
    backups: Optional[Backups] = None
    count: int = 0

    def carry_out(self, work: Plan, remote: Sequence[RemoteAsset]) -> None:
        """:param remote: the assets to delete, without those that an upload has replaced."""
        if not self.run.is_clean:
            self._report_kept([asset.key for asset in remote] + [file.relative for file in work.delete_local])
            return
        actions = self._actions(work, remote)
        self.run.execute(actions, self._add)
        if work.delete_remote:
            where = f"Moved {self.count} resources to '{self.backups.place}'" if self.backups else ""
            self.run.app.console.info(where or f"Deleted {self.count} resources")
        if (work.delete_local or work.renames) and work.direction is Direction.PULL and not self.run.interrupted:
            remove_empty_directories(self.root, lambda name: self.include_hidden or not name.startswith("."))

    def _report_kept(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.run.reporter.arrived(policy.not_deleted(key))
        if keys:
            self.run.app.console.warning(f"{len(keys)} files are not deleted, because not everything was transferred.")

    def _actions(self, work: Plan, remote: Sequence[RemoteAsset]) -> List[TransferAction]:
        names = [item.relative for item in work.downloads]
        if work.direction is Direction.PULL:
            names += [new for _, new in work.renamed_paths]
        local = disk_names.other_files(work.delete_local, [os.path.join(self.root, *name.split("/")) for name in names])
        if self.backups is not None:
            return [*map(self.backups.move_asset, remote), *map(self.backups.move_file, local)]
        batches = list(delete_batches(remote, self.batch_size))
        for line in messages.deletion_lines(batches):
            self.run.app.console.info(line)
        return [*batches, *map(DeleteLocal, local)]

    def _add(self, outcome: Outcome) -> None:
        self.count += outcome.status is Status.OK
