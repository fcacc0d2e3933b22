"""Deletions of a plan: an asset or a file is deleted only if it is still as it was when the plan was made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import Callable, Dict, Iterator, List, Sequence
from urllib.parse import quote

from cloudinary_cli.errors import ApiError
from cloudinary_cli.net.retry import retried
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.transfer.actions import DeleteLocal, DeleteRemote
from cloudinary_cli.transfer.engine.plan_file import DELETE
from cloudinary_cli.transfer.engine.records import Outcome, RemoteAsset, Status
from cloudinary_cli.transfer.http.download import is_within

_MAX_IDS = 100  # https://cloudinary.com/documentation/admin_api#get_resources
_MAX_QUERY = 7000  # characters; servers usually accept URLs of 8 KiB
_PARAMETER = 20  # characters of the parameter's name beside each public ID
_CHANGED = "it has changed since the plan was made"


def _skipped(key: str, reason: str) -> Outcome:
    return Outcome(DELETE, key, Status.SKIPPED, reason)


@dataclass(frozen=True)
class DeleteUnchangedFile(DeleteLocal):
    """Delete a local file below `root`, if it is still the file of the plan."""

    root: str = "."

    def run(self) -> Outcome:
        path = self.file.path
        if not is_within(os.path.realpath(os.path.dirname(path)), os.path.realpath(self.root)):
            return _skipped(self.key, "a link leads out of the folder")
        try:
            info = os.stat(path)
        except OSError:
            return super().run()  # already deleted, or the error says why it cannot be
        if (info.st_size, info.st_mtime_ns) != (self.file.size, self.file.mtime_ns):
            return _skipped(self.key, _CHANGED)
        return super().run()


@dataclass(frozen=True)
class DeleteUnchangedAssets(DeleteRemote):
    """Delete assets of one resource type and one delivery type, if they are still those of the plan.

    An upload of another part may have replaced one of them, or its file may exist again.

    :param exists: True for the key of a local file.
    """

    exists: Callable[[str], bool] = os.path.lexists

    def run(self) -> List[Outcome]:
        """:raises ApiError: the current versions cannot be read."""
        versions = self._versions()
        outcomes: List[Outcome] = []
        unchanged: List[RemoteAsset] = []
        for asset in self.assets:
            version = versions.get(asset.public_id)
            if self.exists(asset.key):
                outcomes.append(_skipped(asset.key, "a local file of this name exists again"))
            elif version is None:
                outcomes.append(Outcome(DELETE, asset.key, public_id=asset.public_id))  # already deleted
            elif asset.version not in (None, version):
                outcomes.append(_skipped(asset.key, _CHANGED))
            else:
                unchanged.append(asset)
        return outcomes + (DeleteRemote(unchanged).run() if unchanged else [])

    def _versions(self) -> Dict[str, int]:
        """The current versions by public ID. Deleted assets are missing."""
        versions: Dict[str, int] = {}
        for ids in _short_lists([asset.public_id for asset in self.assets]):
            kind, by_ids = self.assets[0], loader.module("admin").resources_by_ids
            options = {"resource_type": kind.resource_type, "type": kind.type, "max_results": len(ids)}
            found = retried(partial(call_api, by_ids, ids, **options)).get("resources")
            if not isinstance(found, list):
                raise ApiError("The server's response has no list of resources.")
            versions.update((str(each.get("public_id")), each.get("version") or 0) for each in found)
        return versions


def _short_lists(public_ids: Sequence[str]) -> Iterator[List[str]]:
    """Split public IDs, so that the URL of each request has an accepted length."""
    ids: List[str] = []
    length = 0
    for public_id in public_ids:
        size = len(quote(public_id, safe="")) + _PARAMETER
        if len(ids) == _MAX_IDS or (ids and length + size > _MAX_QUERY):
            yield ids
            ids, length = [], 0
        ids.append(public_id)
        length += size
    yield ids
