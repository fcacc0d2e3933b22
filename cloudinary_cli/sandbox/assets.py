"""The assets of one cloud: their records in SQLite, their content on disk, and their backups."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from .storage import Storage

Asset = Dict[str, Any]
Change = Callable[[Asset], None]


class AssetExists(Exception):
    """Another asset has the target public ID."""


class AssetStore:
    """One record per (resource type, delivery type, public ID), and a backup of each replaced or deleted version."""

    def __init__(self, storage: Storage, cloud: str, files_dir: Path) -> None:
        self._storage = storage
        self._cloud = cloud
        self._files_dir = files_dir
        self._generation = 0
        self._snapshot: Tuple[int, List[Asset]] = (-1, [])

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
        return self.snapshot()[1]

    def snapshot(self) -> Tuple[int, List[Asset]]:
        """Every asset, and a number that changes whenever one of them changes."""
        generation, assets = self._snapshot
        if generation != self._generation:
            generation = self._generation
            rows = self._storage.rows("SELECT doc FROM assets WHERE cloud = ? ORDER BY seq", (self._cloud,))
            assets = [_load(row) for row in rows]
            self._snapshot = (generation, assets)
        return generation, assets

    def content(self, asset: Asset) -> Path:
        """The path of the content of an asset or of a backup."""
        return self._files_dir / str(asset["_blob"])

    def put(self, asset: Asset, content: Path) -> Asset:
        """Store an asset and move its content file into place.

        An asset that it replaces becomes a backup, and the new one gets its immutable ID.
        """
        with self._storage.write() as connection:
            old = self._find(connection, asset)
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
        self._generation += 1
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
        self._generation += 1
        return asset

    def delete(self, asset_id: str) -> bool:
        """Delete an asset and keep it as a backup."""
        with self._storage.write() as connection:
            asset = self.by_asset_id(asset_id)
            if asset is not None:
                self._backup(connection, asset)
                connection.execute("DELETE FROM assets WHERE asset_id = ?", (asset_id,))
        self._generation += 1
        return asset is not None

    def backups(self, asset_id: str = "", public_id: str = "") -> List[Asset]:
        """Backups of an asset, newest first."""
        rows = self._storage.rows(
            "SELECT doc FROM backups WHERE cloud = ? AND (asset_id = ? OR public_id = ?) ORDER BY seq DESC",
            (self._cloud, asset_id, public_id),
        )
        return [_load(row) for row in rows]

    def restore(self, backup: Asset) -> Asset:
        """Make a backup the current version; the version that it replaces becomes a backup."""
        with self._storage.write() as connection:
            old = self._find(connection, backup)
            if old is not None:
                self._backup(connection, old)
            self._save(connection, backup)
            self._drop_backup(connection, backup["asset_id"], backup["version_id"])
        self._generation += 1
        return backup

    def delete_backup(self, asset_id: str, version_id: str) -> bool:
        """Delete one backup and its content."""
        with self._storage.write() as connection:
            found = [item for item in self.backups(asset_id) if item["version_id"] == version_id]
            self._drop_backup(connection, asset_id, version_id)
        for item in found:
            self.content(item).unlink()
        return bool(found)

    def _find(self, connection: sqlite3.Connection, asset: Asset) -> Optional[Asset]:
        row = connection.execute(
            "SELECT doc FROM assets WHERE cloud = ? AND resource_type = ? AND type = ? AND public_id = ?",
            (self._cloud, asset["resource_type"], asset["type"], asset["public_id"]),
        ).fetchone()
        return None if row is None else _load(row)

    def _save(self, connection: sqlite3.Connection, asset: Asset) -> None:
        identity = (asset["resource_type"], asset["type"], asset["public_id"])
        try:
            connection.execute(
                "INSERT INTO assets (cloud, asset_id, resource_type, type, public_id, doc) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (asset_id) DO UPDATE SET resource_type = excluded.resource_type, type = excluded.type, "
                "public_id = excluded.public_id, doc = excluded.doc",
                (self._cloud, asset["asset_id"], *identity, json.dumps(asset)),
            )
        except sqlite3.IntegrityError:
            raise AssetExists(asset["public_id"]) from None

    def _backup(self, connection: sqlite3.Connection, asset: Asset) -> None:
        connection.execute(
            "INSERT INTO backups (cloud, asset_id, version_id, resource_type, type, public_id, doc) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self._cloud,
                asset["asset_id"],
                asset["version_id"],
                asset["resource_type"],
                asset["type"],
                asset["public_id"],
                json.dumps(asset),
            ),
        )

    def _drop_backup(self, connection: sqlite3.Connection, asset_id: str, version_id: str) -> None:
        connection.execute(
            "DELETE FROM backups WHERE cloud = ? AND asset_id = ? AND version_id = ?",
            (self._cloud, asset_id, version_id),
        )


def _load(row: sqlite3.Row) -> Asset:
    asset: Asset = json.loads(row["doc"])
    return asset
