"""What a sync has to do. Pure: no disk, no network, no prints; hashes are asked for where sizes do not decide."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import AbstractSet, Callable, List, NamedTuple, Optional

from cloudinary_cli.transfer.engine.records import Download, LocalFile, RemoteAsset
from cloudinary_cli.transfer.keys import FolderMode, place
from cloudinary_cli.transfer.sync.matching import Etag, Matched, Pair, upload_keys


class Direction(str, Enum):
    """Which side is made like the other."""

    PUSH = "push"
    PULL = "pull"


class Upload(NamedTuple):
    """A file to upload: as a new asset with this key, or over the content of one."""

    file: LocalFile
    remote_key: str
    replaces: Optional[RemoteAsset] = None


@dataclass(frozen=True)
class Plan:
    """The work, each list in the order of its keys. One of the directions has empty lists."""

    direction: Direction
    uploads: List[Upload] = field(default_factory=list)
    downloads: List[Download] = field(default_factory=list)
    delete_remote: List[RemoteAsset] = field(default_factory=list)
    delete_local: List[LocalFile] = field(default_factory=list)
    in_sync: List[Pair] = field(default_factory=list)
    out_of_sync: List[Pair] = field(default_factory=list)

    @property
    def transfers(self) -> int:
        return len(self.uploads) + len(self.downloads)

    @property
    def deletions(self) -> int:
        return len(self.delete_remote) + len(self.delete_local)


def needs_hash(pair: Pair) -> bool:
    """False where the sizes decide, or there is nothing to compare with."""
    local, remote = pair
    return bool(remote.etag) and (remote.size is None or remote.size == local.size)


def selected(matched: Matched, takes: Callable[[str], bool]) -> Matched:
    """What belongs to the run. A pair is one item, called as on the local side; so is what was to be deleted."""
    return Matched(
        [pair for pair in matched.pairs if takes(pair.local.relative)],
        [file for file in matched.local_only if takes(file.relative)],
        [asset for asset in matched.remote_only if takes(asset.key)],
        matched.found,
    )


def build(matched: Matched, direction: Direction, etag: Etag) -> Plan:
    """The plan that makes both sides alike, deletions included."""
    in_sync: List[Pair] = []
    out_of_sync: List[Pair] = []
    for pair in matched.pairs:
        same = needs_hash(pair) and etag(pair.local) == pair.remote.etag
        (in_sync if same else out_of_sync).append(pair)
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


def with_upload_keys(plan: Plan, assets: List[RemoteAsset], mode: FolderMode) -> Plan:
    """The plan whose new assets get names that collide with none that stays, now that it is known what is deleted."""
    doomed = {asset.identity for asset in plan.delete_remote}
    kept = {
        place(asset.server_key, mode) for asset in assets if asset.identity not in doomed and _collides(asset, mode)
    }
    keys = upload_keys([upload.file for upload in plan.uploads if upload.replaces is None], kept, mode)
    uploads = [
        upload if upload.replaces is not None else upload._replace(remote_key=keys[upload.file.key])
        for upload in plan.uploads
    ]
    return replace(plan, uploads=uploads)


def _collides(asset: RemoteAsset, mode: FolderMode) -> bool:
    # In fixed mode another delivery type is another name space. In dynamic mode a display name may occur twice, and
    # which duplicate is which file is told by content.
    return asset.type == "upload" if mode is FolderMode.FIXED else asset.server_key == asset.key


def without_deletions(plan: Plan) -> Plan:
    """The same, but nothing is deleted."""
    return replace(plan, delete_remote=[], delete_local=[])


def without_overwritten(assets: List[RemoteAsset], uploaded: AbstractSet[object]) -> List[RemoteAsset]:
    """What is still to be deleted: an upload may have taken the place of an asset that was to go.

    :param uploaded: (resource type, type, public ID) of what was uploaded.
    """
    return [asset for asset in assets if asset.identity not in uploaded]
