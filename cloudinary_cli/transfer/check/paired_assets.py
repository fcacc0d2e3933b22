"""The assets of a listing. Those that belong to a file beyond doubt are kept as columns, the others as records."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Callable, Dict, List, Optional, Tuple

from cloudinary_cli.transfer.check.file_table import FileTable
from cloudinary_cli.transfer.engine.records import RemoteAsset

_ETAG_BYTES = 16
_SEPARATOR = "\0"  # of the parts of a detail; no name of an asset may contain it
_IDENTITY_PARTS = 3


class PairedAssets:
    """The assets of one attempt to list a folder (an AssetStore).

    An asset is paired with a file if no other asset and no other file has its key. matching.match() would pair them,
    too: the other files and assets do not matter.

    :param needs_hash: called with the row of a file that must be hashed for the comparison with its asset.
    """

    def __init__(self, table: FileTable, needs_hash: Callable[[int], None]) -> None:
        self._table = table
        self._needs_hash = needs_hash
        self._details: List[Optional[str]] = [None] * len(table)
        self._sizes = array("q", bytes(8 * len(table)))
        self._etags = bytearray(_ETAG_BYTES * len(table))
        self._has_etag = bytearray(len(table))
        self._shared = bytearray(len(table))  # rows whose key several assets have
        self._rest: Dict[Tuple[str, str, str], RemoteAsset] = {}
        self._pairs = self._moved = 0

    @property
    def count(self) -> int:
        return self._pairs + len(self._rest) - self._moved

    def add(self, asset: RemoteAsset) -> None:
        row = self._table.row_of_key(asset.key)
        if row is None or self._shared[row] or not _fits(asset):
            self._rest[asset.identity] = asset
            return
        other = self.asset(row)
        if other is not None and other.identity != asset.identity:
            self._shared[row] = True
            self._details[row] = None
            self._pairs -= 1
            self._rest[other.identity], self._rest[asset.identity] = other, asset
            return
        self._pairs += other is None
        self._store(row, asset)
        if asset.etag and asset.size in (None, self._table.size(row)):
            self._needs_hash(row)

    def _store(self, row: int, asset: RemoteAsset) -> None:
        # Only raw assets are matched by display name, and only when they share a key with another asset.
        name = asset.display_name if asset.resource_type == "raw" else ""
        self._details[row] = _SEPARATOR.join((*asset.identity, asset.created_at, name))
        self._sizes[row] = -1 if asset.size is None else asset.size
        self._has_etag[row] = bool(asset.etag)
        if asset.etag:
            self._etags[row * _ETAG_BYTES : (row + 1) * _ETAG_BYTES] = bytes.fromhex(asset.etag)

    def is_paired(self, row: int) -> bool:
        return self._details[row] is not None

    def is_paired_key(self, key: str) -> bool:
        """True for the key of an asset that is paired."""
        row = self._table.row_of_key(key)
        return row is not None and self.is_paired(row)

    def asset(self, row: int) -> Optional[RemoteAsset]:
        """The asset of a file, with the fields that matter for a comparison."""
        details = self._details[row]
        if details is None:
            return None
        key = self._table.file(row).key
        resource_type, type_, public_id, created_at, name = details.split(_SEPARATOR)
        etag = self._etags[row * _ETAG_BYTES : (row + 1) * _ETAG_BYTES].hex() if self._has_etag[row] else ""
        size = None if self._sizes[row] < 0 else self._sizes[row]
        return RemoteAsset(
            key,
            public_id,
            resource_type,
            type_,
            etag=etag,
            size=size,
            created_at=created_at,
            display_name=name,
            server_key=key,
        )

    def finish(self) -> List[RemoteAsset]:
        """The assets that are not paired. Corrects `count` by the assets that were moved between two pages."""
        identities = sorted(filter(None, self._details))
        pairs = zip(identities, identities[1:])
        self._moved = sum(_identity(first) == _identity(second) for first, second in pairs)
        for identity in self._rest:
            start = _SEPARATOR.join(identity) + _SEPARATOR
            number = bisect_left(identities, start)
            self._moved += number < len(identities) and identities[number].startswith(start)
        return list(self._rest.values())


def _identity(details: str) -> List[str]:
    return details.split(_SEPARATOR)[:_IDENTITY_PARTS]


def _fits(asset: RemoteAsset) -> bool:
    """False for values that the columns cannot represent."""
    texts = (*asset.identity, asset.created_at, asset.display_name)
    is_md5 = len(asset.etag) == 2 * _ETAG_BYTES and all(char in "0123456789abcdef" for char in asset.etag)
    return (is_md5 or not asset.etag) and not any(_SEPARATOR in text for text in texts) and (asset.size or 0) >= 0
