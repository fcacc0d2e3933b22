"""The assets of one cloud: their records in SQLite, their content on disk, and their backups."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Hashable, List, Optional, Tuple

from .storage import Storage

Asset = Dict[str, Any]
Change = Callable[[Asset], None]


class AssetExists(Exception):
    """Another asset has the target public ID."""


@dataclass
class Snapshot:
    """The assets between two changes, and the results of searches in them: the pages of a result need one search."""

    generation: object
    assets: List[Asset]
    searches: Dict[Hashable, List[Any]] = field(default_factory=dict)


class AssetStore:
    """One record per (resource type, delivery type, public ID), and a backup of each replaced or deleted version."""

    def __init__(self, storage: Storage, cloud: str, files_dir: Path) -> None:
        self._storage = storage
        self._cloud = cloud
        self._files_dir = files_dir
        # A new object for each change: a counter could get the same value from two changes at the same time.
        self._generation = object()
        self._snapshot = Snapshot(None, [])

    def get(self, resource_type: str, delivery_type: str, public_id: str) -> Optional[Asset]:
        """The asset with this identity."""
        row = self._storage.row(
            "SELECT doc FROM assets WHERE cloud = ? AND resource_type = ? AND type = ? AND public_id = ?",
            (self._cloud, resource_type, delivery_type, public_id),
        )
        return None if row is None else _load(row)

    def by_asset_id(self, asset_id: str) -> Optional[Asset]:
        """The asset with this immutable ID."""
        row = self._storage.row("SELECT doc FROM assets WHERE cloud = ? AND asset_id = ?", (self._cloud, asset_id))
        return None if row is None else _load(row)

    def all(self) -> List[Asset]:
        """Every asset, oldest first. The records are shared between callers: copy one before changing it."""
        return self.snapshot().assets

    def snapshot(self) -> Snapshot:
        """Every asset, in an object that is replaced when one of them changes."""
        current, generation = self._snapshot, self._generation
        if current.generation is not generation:
            rows = self._storage.rows("SELECT doc FROM assets WHERE cloud = ? ORDER BY seq", (self._cloud,))
            current = self._snapshot = Snapshot(generation, [_load(row) for row in rows])
        return current

    def content(self, asset: Asset) -> Path:
        """The path of the content of an asset or of a backup."""
        return self._files_dir / str(asset["_blob"])

    def put(self, asset: Asset, content: Path) -> Asset:
        """Store an asset and move its content file into place.

        An asset that it replaces becomes a backup, and the new one gets its immutable ID.
        """
        with self._storage.write() as connection:
            old = self.get(*_identity(asset))
            if old is not None:
                asset.update(asset_id=old["asset_id"], created_at=old["created_at"])
                asset["version"] = max(asset["version"], old["version"] + 1)
                for key in ("asset_folder", "display_name"):
                    asset[key] = old[key] if asset.get(key) is None else asset[key]
                self._backup(connection, old)
            asset["_blob"] = os.path.join(asset["asset_id"][:2], f"{asset['asset_id']}.{asset['version_id']}")
            target = self.content(asset)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(str(content), str(target))
            self._save(connection, asset)
        self._generation = object()
        return asset

    def update(self, asset_id: str, change: Change) -> Optional[Asset]:
        """Change one record in a transaction; None when there is no such asset.

        :raises AssetExists: when the change gives it the identity of another asset.
        """
        with self._storage.write() as connection:
            asset = self.by_asset_id(asset_id)
            if asset is None:
                return None
            change(asset)
            self._save(connection, asset)
        self._generation = object()
        return asset

    def delete(self, asset_id: str) -> bool:
        """Delete an asset and keep it as a backup."""
        with self._storage.write() as connection:
            deleted = self._remove(connection, self.by_asset_id(asset_id))
        self._generation = object()
        return deleted

    def backups(self, asset_id: str = "", public_id: str = "") -> List[Asset]:
        """Backups of an asset, newest first."""
        rows = self._storage.rows(
            "SELECT doc FROM backups WHERE cloud = ? AND (asset_id = ? OR public_id = ?) ORDER BY seq DESC",
            (self._cloud, asset_id, public_id),
        )
        return [_load(row) for row in rows]

    def restore(self, backup: Asset) -> Asset:
        """Make a backup the current version. What it replaces becomes a backup.

        That is the asset with its immutable ID, which may have been renamed, and an asset with its public ID, which may
        have been uploaded after a deletion.
        """
        with self._storage.write() as connection:
            self._remove(connection, self.by_asset_id(backup["asset_id"]))
            self._remove(connection, self.get(*_identity(backup)))
            self._save(connection, backup)
            self._drop_backup(connection, backup["asset_id"], backup["version_id"])
        self._generation = object()
        return backup

    def delete_backup(self, asset_id: str, version_id: str) -> bool:
        """Delete one backup and its content."""
        with self._storage.write() as connection:
            found = [item for item in self.backups(asset_id) if item["version_id"] == version_id]
            self._drop_backup(connection, asset_id, version_id)
        for item in found:
            self.content(item).unlink()
        return bool(found)

    def _save(self, connection: sqlite3.Connection, asset: Asset) -> None:
        try:
            connection.execute(
                "INSERT INTO assets (cloud, asset_id, resource_type, type, public_id, doc) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (asset_id) DO UPDATE SET resource_type = excluded.resource_type, type = excluded.type, "
                "public_id = excluded.public_id, doc = excluded.doc",
                (self._cloud, asset["asset_id"], *_identity(asset), json.dumps(asset)),
            )
        except sqlite3.IntegrityError:
            raise AssetExists(asset["public_id"]) from None

    def _remove(self, connection: sqlite3.Connection, asset: Optional[Asset]) -> bool:
        if asset is not None:
            self._backup(connection, asset)
            connection.execute("DELETE FROM assets WHERE asset_id = ?", (asset["asset_id"],))
        return asset is not None

    def _backup(self, connection: sqlite3.Connection, asset: Asset) -> None:
        connection.execute(
            "INSERT INTO backups (cloud, asset_id, version_id, resource_type, type, public_id, doc) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._cloud, asset["asset_id"], asset["version_id"], *_identity(asset), json.dumps(asset)),
        )

    def _drop_backup(self, connection: sqlite3.Connection, asset_id: str, version_id: str) -> None:
        connection.execute(
            "DELETE FROM backups WHERE cloud = ? AND asset_id = ? AND version_id = ?",
            (self._cloud, asset_id, version_id),
        )


def _identity(asset: Asset) -> Tuple[str, str, str]:
    return asset["resource_type"], asset["type"], asset["public_id"]


def _load(row: sqlite3.Row) -> Asset:
    asset: Asset = json.loads(row["doc"])
    return asset
