"""The assets of a listing, paired with the files of a table where that is beyond doubt.

Only the other assets become records and are matched by matching.match(). Its result is the same without the pairs.
"""

from __future__ import annotations

from itertools import chain, groupby
from typing import Callable, List, Optional

from cloudinary_cli.transfer.check.file_table import FileTable
from cloudinary_cli.transfer.check.packed import identity_of, key_of, pack, unpack
from cloudinary_cli.transfer.engine.records import RemoteAsset
from cloudinary_cli.transfer.sync.disk_names import existing
from cloudinary_cli.transfer.sync.matching import content_name, unnumbered


class PairedAssets:
    """The assets of one attempt to list a folder (an AssetCollector).

    An asset is paired with a file if no other asset and no other file has its key. After finish(), `lone` has the
    assets that belong to no file, packed with their keys and sorted by them.

    :param is_special: True for a key that `.cld-sync` contains, or that is ignored.
    :param needs_hash: called with the row of a file that must be hashed for the comparison with its asset.
    """

    def __init__(self, table: FileTable, is_special: Callable[[str], bool], needs_hash: Callable[[int], None]) -> None:
        self.lone: List[bytes] = []
        self._table = table
        self._is_special = is_special
        self._needs_hash = needs_hash
        self._pairs: List[Optional[bytes]] = [None] * len(table)  # by row
        self._shared = bytearray(len(table))  # rows whose key several assets have
        self._rest: List[bytes] = []
        self.count = 0

    def add(self, asset: RemoteAsset) -> None:
        self.count += 1
        row = self._table.row_of_key(asset.key)
        if row is None or self._shared[row]:
            self._rest.append(pack(asset, with_key=True))
            return
        other = self.asset(row)
        if other is not None and other.identity != asset.identity:
            self._shared[row], self._pairs[row] = True, None
            self._rest += [pack(other, with_key=True), pack(asset, with_key=True)]
            return
        self.count -= other is not None
        self._pairs[row] = pack(asset, with_key=False)
        if asset.etag and asset.size in (None, self._table.size(row)):
            self._needs_hash(row)

    def asset(self, row: int) -> Optional[RemoteAsset]:
        """The asset that is paired with a file."""
        data = self._pairs[row]
        return None if data is None else unpack(data, self._table.file(row).key)

    def is_paired_key(self, key: str) -> bool:
        """True for the key of an asset that is paired."""
        row = self._table.row_of_key(key)
        return row is not None and self._pairs[row] is not None

    def finish(self) -> List[RemoteAsset]:
        """The assets that matching.match() has to match. From now on `count` includes each asset once."""
        self._rest = [max(group) for _, group in groupby(sorted(self._rest), key=identity_of)]
        # An asset that was moved between two pages may be paired under its old key, too.
        everything = sorted(chain(self._rest, filter(None, self._pairs)))
        self.count = sum(1 for _ in groupby(everything, key=identity_of))
        self._rest.sort(key=key_of)
        groups = [key for key, group in groupby(self._rest, key=key_of) if len(list(group)) > 1]
        duplicates = frozenset(groups)
        records: List[RemoteAsset] = []
        for data in self._rest:
            key = key_of(data)
            if key in duplicates or unnumbered(key) in duplicates or self._may_match(key, data):
                records.append(unpack(data))
            else:
                self.lone.append(data)
        self._rest = []
        return records

    def _may_match(self, key: str, data: bytes) -> bool:
        """True if the only asset with this key may belong to a file with another name."""
        table = self._table
        if self._is_special(key) or table.has_key(key):
            return True
        name = content_name(unpack(data))
        if name and table.has_key(name, as_prefix=True):
            return True
        return len(table) > 0 and existing(table.root, key) is not None

    def candidates(self, records: List[RemoteAsset]) -> List[int]:
        """The rows of the files that may belong to these records."""
        if not records:
            return []
        rows = (row for row, pair in enumerate(self._pairs) if pair is None)
        if any(existing(self._table.root, asset.key) for asset in records):
            return list(rows)  # any of them may be the same file under another name
        wanted = {asset.key for asset in records}.union(filter(None, map(content_name, records)))

        def is_wanted(row: int) -> bool:
            key = self._table.file(row).key
            return self._table.is_special(row) or key in wanted or unnumbered(key) in wanted

        return [row for row in rows if is_wanted(row)]
