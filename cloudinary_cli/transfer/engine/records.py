"""What a transfer is about: local files, remote assets, and what became of one of them; plain data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Dict, NamedTuple, Optional, Tuple


class LocalFile(NamedTuple):
    """A file below the local folder. A tuple, because there are tens of thousands of them."""

    key: str  # what it is compared by: the normalised relative path
    relative: str  # relative to the folder, as the disk has it, with slashes
    path: str
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int = 0  # of the inode: changes when a file of the same size and mtime takes the place of another


class RemoteAsset(NamedTuple):
    """An asset of a search result. Members that a result lacks are empty, or None for numbers."""

    key: str  # what it is compared by: its path relative to the remote folder, normalised, and unique
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
        """What the server knows it by."""
        return self.resource_type, self.type, self.public_id


class Status(str, Enum):
    """What became of one item."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # left as it is on purpose; the error says why
    CANCELLED = "cancelled"  # not tried, because the run was stopped


@dataclass(frozen=True)
class Outcome:
    """What one action came to: a line of --report."""

    action: str  # upload, download, delete, explicit, fetch
    key: str  # the relative path, or the public ID where there is none
    status: Status = Status.OK
    error: Optional[str] = None
    public_id: Optional[str] = None
    url: Optional[str] = None
    etag: Optional[str] = None
    size: int = 0  # bytes that were transferred
    message: str = ""  # the line for a person; empty for none
    response: Optional[Dict[str, Any]] = None  # the server's answer, for those who go on with it; not reported
    cause: Optional[BaseException] = field(default=None, repr=False, compare=False)  # of a failure; not reported

    @property
    def failed(self) -> bool:
        return self.status is Status.FAILED

    def as_json(self) -> Dict[str, Any]:
        """The object of --report."""
        return {
            "action": self.action,
            "path": self.key,
            "status": self.status.value,
            "error": self.error,
            "public_id": self.public_id,
            "url": self.url,
            "etag": self.etag,
            "bytes": self.size,
        }


class Download(NamedTuple):
    """An asset to download to a path relative to the local folder."""

    asset: RemoteAsset
    relative: str
