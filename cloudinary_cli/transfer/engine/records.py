"""Plain records of a transfer: local files, remote assets, and the outcome of one item."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple


class LocalFile(NamedTuple):
    """A file below the local folder. A tuple saves memory: a folder may have tens of thousands of files."""

    key: str  # for the comparison with assets: the normalized relative path
    relative: str  # the path relative to the folder, as spelled on the disk, with slashes
    path: str
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int = 0  # of the inode; changes when another file of the same size and mtime replaces this one


class RemoteAsset(NamedTuple):
    """An asset of a search result. Text that is missing from the result is empty, and missing numbers are None."""

    key: str  # for the comparison with files: the normalized path relative to the remote folder; unique
    public_id: str
    resource_type: str = "image"
    type: str = "upload"
    format: str = ""
    etag: str = ""  # MD5 of the content, hexadecimal
    size: Optional[int] = None  # bytes
    version: Optional[int] = None
    created_at: str = ""
    asset_folder: str = ""
    display_name: str = ""
    access_mode: str = ""
    secure_url: str = ""
    server_key: str = ""  # the key before it was made unique

    @property
    def identity(self) -> Tuple[str, str, str]:
        """What identifies the asset on the server."""
        return self.resource_type, self.type, self.public_id


class Status(str, Enum):
    """The result of one item."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # left unchanged on purpose; the error has the reason
    CANCELLED = "cancelled"  # not tried, because the run was stopped
    PLANNED = "planned"  # a line of a plan; nothing was done


@dataclass(frozen=True)
class Outcome:
    """The result of one action for one item: a line of --report."""

    action: str  # upload, download, rename, backup, delete, explicit, fetch
    key: str  # the relative path, or the public ID of an item without a path
    status: Status = Status.OK
    error: Optional[str] = None
    public_id: Optional[str] = None
    url: Optional[str] = None
    etag: Optional[str] = None
    size: int = 0  # bytes that were transferred
    message: str = ""  # the line for the user; empty for none
    origin: Optional[str] = None  # the previous path of a renamed item
    response: Optional[Dict[str, Any]] = None  # the server's response, for further use; not reported
    cause: Optional[BaseException] = field(default=None, repr=False, compare=False)  # of a failure; not reported

    @property
    def failed(self) -> bool:
        return self.status is Status.FAILED

    def as_json(self) -> Dict[str, Any]:
        """The object of --report."""
        return {
            "action": self.action,
            "path": self.key,
            **({"from": self.origin} if self.origin is not None else {}),
            "status": self.status.value,
            "error": self.error,
            "public_id": self.public_id,
            "url": self.url,
            "etag": self.etag,
            "bytes": self.size,
        }


@dataclass(frozen=True)
class PlannedItem:
    """What a dry run would do with one item: a line of its --report, which --items reads.

    :param values: further members of the line. Those without a value are omitted.
    """

    action: str
    key: str
    values: Mapping[str, Any]

    def as_json(self) -> Dict[str, Any]:
        """The object of the line."""
        given = {name: value for name, value in self.values.items() if value not in (None, "")}
        return {"action": self.action, "path": self.key, "status": Status.PLANNED.value, **given}


class Download(NamedTuple):
    """An asset to download to a path relative to the local folder."""

    asset: RemoteAsset
    relative: str
