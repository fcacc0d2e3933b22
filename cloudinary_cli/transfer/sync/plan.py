"""Plans the work of a sync. Pure: no disk, no network, no output. Hashes are requested only if sizes are equal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

from cloudinary_cli.transfer.engine.records import Download, LocalFile, RemoteAsset
from cloudinary_cli.transfer.keys import FolderMode, normalized, place
from cloudinary_cli.transfer.sync.matching import Etag, Matched, Pair, upload_keys


class Direction(str, Enum):
    """PUSH changes the remote folder, PULL the local one."""

    PUSH = "push"
    PULL = "pull"


class Upload(NamedTuple):
    """A file to upload: as a new asset with this key, or to replace the content of an asset."""

    file: LocalFile
    remote_key: str
    replaces: Optional[RemoteAsset] = None


class Rename(NamedTuple):
    """A file and an asset of equal content and different names. A push renames the asset, a pull the file."""

    file: LocalFile
    asset: RemoteAsset


@dataclass(frozen=True)
class Plan:
    """The work. Each list is sorted by key, and the lists of the other direction are empty."""

    direction: Direction
    uploads: List[Upload] = field(default_factory=list)
    downloads: List[Download] = field(default_factory=list)
    delete_remote: List[RemoteAsset] = field(default_factory=list)
    delete_local: List[LocalFile] = field(default_factory=list)
    renames: List[Rename] = field(default_factory=list)
    in_sync: List[Pair] = field(default_factory=list)
    out_of_sync: List[Pair] = field(default_factory=list)
    upload_type: str = "upload"  # the delivery type of new assets

    @property
    def transfers(self) -> int:
        return len(self.uploads) + len(self.downloads) + len(self.renames)

    @property
    def deletions(self) -> int:
        return len(self.delete_remote) + len(self.delete_local)

    @property
    def renamed_paths(self) -> List[Tuple[str, str]]:
        """The old and the new path of each rename."""
        paths = [(rename.asset.key, rename.file.relative) for rename in self.renames]
        return paths if self.direction is Direction.PUSH else [(new, old) for old, new in paths]

    @property
    def deleted_names(self) -> List[str]:
        return [asset.key for asset in self.delete_remote] + [file.relative for file in self.delete_local]


def needs_hash(pair: Pair) -> bool:
    """False when the sizes differ, or the asset has no etag to compare with."""
    local, remote = pair
    return bool(remote.etag) and (remote.size is None or remote.size == local.size)


def selected(matched: Matched, includes: Callable[[str], bool]) -> Matched:
    """The part that belongs to the run. A pair is one item, with the name of the local file."""
    return Matched(
        [pair for pair in matched.pairs if includes(pair.local.relative)],
        [file for file in matched.local_only if includes(file.relative)],
        [asset for asset in matched.remote_only if includes(asset.key)],
        matched.found,
    )


def build(matched: Matched, direction: Direction, etag: Etag) -> Plan:
    """The plan that makes the receiving side equal to the other side, including deletions."""
    in_sync: List[Pair] = []
    out_of_sync: List[Pair] = []
    for pair in matched.pairs:
        is_equal = needs_hash(pair) and etag(pair.local) == pair.remote.etag
        (in_sync if is_equal else out_of_sync).append(pair)
    if direction is Direction.PUSH:
        changed = [Upload(pair.local, pair.remote.server_key, pair.remote) for pair in out_of_sync]
        added = [Upload(file, file.key) for file in matched.local_only]
        return Plan(
            direction,
            uploads=sorted(changed + added, key=lambda upload: upload.file.relative),
            delete_remote=matched.remote_only,
            in_sync=in_sync,
            out_of_sync=out_of_sync,
        )
    downloads = [Download(pair.remote, pair.local.relative) for pair in out_of_sync]
    downloads += [Download(asset, asset.key) for asset in matched.remote_only]
    return Plan(
        direction,
        downloads=sorted(downloads, key=lambda download: download.relative),
        delete_local=matched.local_only,
        in_sync=in_sync,
        out_of_sync=out_of_sync,
    )


def with_upload_keys(plan: Plan, assets: List[RemoteAsset], mode: FolderMode, others: Sequence[LocalFile] = ()) -> Plan:
    """The plan with names for the new assets that collide neither with each other nor with an asset that is kept.

    :param others: the new files of the other shards. They get the same names there.
    """
    deleted = {asset.identity for asset in plan.delete_remote}
    kept = {
        place(asset.server_key, mode)
        for asset in assets
        if asset.identity not in deleted and _collides(asset, mode, plan.upload_type)
    }
    kept.update(place(normalized(rename.file.relative), mode) for rename in plan.renames)
    new = [*(upload.file for upload in plan.uploads if upload.replaces is None), *others]
    keys = upload_keys(sorted(new, key=lambda file: file.relative), kept, mode)
    uploads = [
        upload if upload.replaces is not None else upload._replace(remote_key=keys[upload.file.key])
        for upload in plan.uploads
    ]
    return replace(plan, uploads=uploads)


def _collides(asset: RemoteAsset, mode: FolderMode, upload_type: str) -> bool:
    # In fixed mode each delivery type has its own public IDs. In dynamic mode a display name may occur twice, and the
    # content decides which asset belongs to which file.
    return asset.type == upload_type if mode is FolderMode.FIXED else asset.server_key == asset.key
