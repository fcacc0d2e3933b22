"""The result of a check for one item: a line of text, or an object of --json."""

from __future__ import annotations

from enum import Enum
from typing import Any, Dict, NamedTuple, Optional

from cloudinary_cli.transfer.engine.records import LocalFile, RemoteAsset


class CheckStatus(str, Enum):
    """How an item compares. The symbols are those of `rclone check --combined`, with the local folder as the source."""

    EQUAL = "equal"
    LOCAL_ONLY = "local_only"
    REMOTE_ONLY = "remote_only"
    DIFFERENT = "different"
    ERROR = "error"  # not compared

    @property
    def symbol(self) -> str:
        return dict(zip(CheckStatus, "=+-*!"))[self]


class Comparison(NamedTuple):
    """One item. `path` is that of the local file, or of the asset if there is no file."""

    path: str
    status: CheckStatus
    local: Optional[LocalFile] = None
    remote: Optional[RemoteAsset] = None
    etag: str = ""  # of the local file, if it was computed
    error: str = ""

    def as_json(self) -> Dict[str, Any]:
        """The object of --json. Values that were not needed or are not known are null."""
        local, remote = self.local, self.remote
        return {
            "path": self.path,
            "status": self.status.value,
            "local": local and {"bytes": local.size, "etag": self.etag or None},
            "remote": remote
            and {
                "bytes": remote.size,
                "etag": remote.etag or None,
                "public_id": remote.public_id,
                "resource_type": remote.resource_type,
                "type": remote.type,
            },
            "error": self.error or None,
        }
