"""The SQLite database of a data directory: connections, transactions and small JSON documents."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, cloud TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    doc TEXT NOT NULL, UNIQUE (cloud, kind, key));
CREATE TABLE IF NOT EXISTS assets (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, cloud TEXT NOT NULL, asset_id TEXT NOT NULL UNIQUE,
    resource_type TEXT NOT NULL, type TEXT NOT NULL, public_id TEXT NOT NULL, doc TEXT NOT NULL,
    UNIQUE (cloud, resource_type, type, public_id));
CREATE TABLE IF NOT EXISTS backups (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, cloud TEXT NOT NULL, asset_id TEXT NOT NULL, version_id TEXT NOT NULL,
    resource_type TEXT NOT NULL, type TEXT NOT NULL, public_id TEXT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS backups_by_asset ON backups (cloud, asset_id);
CREATE TABLE IF NOT EXISTS chunks (
    upload_id TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (upload_id, first, last));
CREATE TABLE IF NOT EXISTS chunked_uploads (upload_id TEXT PRIMARY KEY, total INTEGER, begun REAL NOT NULL);
CREATE TABLE IF NOT EXISTS families (
    family_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, cloud_name TEXT NOT NULL, scope TEXT NOT NULL,
    created_at REAL NOT NULL, revoked_at REAL, reason TEXT);
CREATE TABLE IF NOT EXISTS codes (
    code_hash TEXT PRIMARY KEY, family_id TEXT NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,
    expires_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    token_hash TEXT PRIMARY KEY, family_id TEXT NOT NULL, created_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS device_codes (
    device_hash TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL, scope TEXT NOT NULL,
    expires_at REAL NOT NULL, interval REAL NOT NULL, polled_at REAL, family_id TEXT, denied_at REAL, used_at REAL);
CREATE TABLE IF NOT EXISTS revoked_access (jti TEXT PRIMARY KEY);
"""

Document = Dict[str, Any]


class Storage:
    """One SQLite file in WAL mode: a connection per thread, one writer at a time."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.path = data_dir / "sandbox.sqlite3"
        self._local = threading.local()
        # SQLite's busy handler polls with sleeps. A lock queues the writers of 32 threads without that delay.
        self._write_lock = threading.Lock()
        self._connections: List[sqlite3.Connection] = []
        with self.write() as connection:
            for statement in SCHEMA.split(";\n"):
                connection.execute(statement)

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, opened on first use."""
        current: Optional[sqlite3.Connection] = getattr(self._local, "connection", None)
        if current is None:
            current = sqlite3.connect(str(self.path), timeout=30, isolation_level=None, check_same_thread=False)
            current.row_factory = sqlite3.Row
            current.execute("PRAGMA journal_mode=WAL")
            current.execute("PRAGMA synchronous=NORMAL")
            self._local.connection = current
            self._connections.append(current)
        return current

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A write transaction. Other writers of this process wait until it ends."""
        connection = self.connection()
        with self._write_lock:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def rows(self, sql: str, args: Sequence[Any] = ()) -> List[sqlite3.Row]:
        return self.connection().execute(sql, args).fetchall()

    def row(self, sql: str, args: Sequence[Any] = ()) -> Optional[sqlite3.Row]:
        """The first row of a query, or None."""
        found: Optional[sqlite3.Row] = self.connection().execute(sql, args).fetchone()
        return found

    def documents(self, cloud: str, kind: str) -> List[Document]:
        """All documents of one kind, oldest first."""
        rows = self.rows("SELECT doc FROM documents WHERE cloud = ? AND kind = ? ORDER BY seq", (cloud, kind))
        return [json.loads(row["doc"]) for row in rows]

    def document(self, cloud: str, kind: str, key: str) -> Optional[Document]:
        """One document, or None."""
        row = self.row("SELECT doc FROM documents WHERE cloud = ? AND kind = ? AND key = ?", (cloud, kind, key))
        return None if row is None else dict(json.loads(row["doc"]))

    def put_document(self, cloud: str, kind: str, key: str, doc: Document) -> None:
        """Add or replace one document; a replaced one keeps its position."""
        with self.write() as connection:
            connection.execute(
                "INSERT INTO documents (cloud, kind, key, doc) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (cloud, kind, key) DO UPDATE SET doc = excluded.doc",
                (cloud, kind, key, json.dumps(doc)),
            )

    def add_document(self, cloud: str, kind: str, key: str, doc: Document) -> bool:
        """Add one document; False when the key is taken."""
        with self.write() as connection:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO documents (cloud, kind, key, doc) VALUES (?, ?, ?, ?)",
                (cloud, kind, key, json.dumps(doc)),
            )
            return cursor.rowcount == 1

    def delete_document(self, cloud: str, kind: str, key: str) -> bool:
        """Remove one document; False when there was none."""
        with self.write() as connection:
            cursor = connection.execute(
                "DELETE FROM documents WHERE cloud = ? AND kind = ? AND key = ?", (cloud, kind, key)
            )
            return cursor.rowcount == 1

    def close(self) -> None:
        """Close all connections. Call it when no request is in progress."""
        while self._connections:
            self._connections.pop().close()
        self._local = threading.local()
