"""The clouds of the sandbox and their API keys."""

from __future__ import annotations

import secrets
from typing import Any, Dict, List, Optional

from .storage import Storage

# Clouds are not documents of a cloud, so they are stored under a name that no cloud can have.
ROOT = "*"


class CloudStore:
    """Product environments and their API keys."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, cloud_name: str, api_key: str = "", api_secret: str = "") -> Dict[str, Any]:
        """Add a cloud if it does not exist, and an API key for it; missing credentials are generated."""
        api_key = api_key or str(10**14 + secrets.randbelow(9 * 10**14))
        api_secret = api_secret or secrets.token_urlsafe(20)
        key = {"api_key": api_key, "api_secret": api_secret, "cloud_name": cloud_name, "enabled": True}
        self._storage.put_document(ROOT, "api_key", api_key, key)
        self._storage.add_document(ROOT, "cloud", cloud_name, {"cloud_name": cloud_name, "enabled": True})
        return key

    def remove(self, cloud_name: str) -> None:
        """Delete a cloud and its keys; its assets stay on disk."""
        self._storage.delete_document(ROOT, "cloud", cloud_name)
        for key in self.keys(cloud_name):
            self._storage.delete_document(ROOT, "api_key", key["api_key"])

    def enable(self, cloud_name: str, enabled: bool) -> None:
        """Accept or refuse API calls for a cloud."""
        self._storage.put_document(ROOT, "cloud", cloud_name, {"cloud_name": cloud_name, "enabled": enabled})

    def find(self, cloud_name: str) -> Optional[Dict[str, Any]]:
        """The record of a cloud."""
        return self._storage.document(ROOT, "cloud", cloud_name)

    def names(self) -> List[str]:
        """All clouds, oldest first."""
        return [doc["cloud_name"] for doc in self._storage.documents(ROOT, "cloud")]

    def key(self, api_key: str) -> Optional[Dict[str, Any]]:
        """The record of an API key."""
        return self._storage.document(ROOT, "api_key", api_key)

    def keys(self, cloud_name: str) -> List[Dict[str, Any]]:
        """All API keys of a cloud, oldest first."""
        return [doc for doc in self._storage.documents(ROOT, "api_key") if doc["cloud_name"] == cloud_name]

    def put_key(self, record: Dict[str, Any]) -> None:
        """Store a changed key record."""
        self._storage.put_document(ROOT, "api_key", record["api_key"], record)

    def delete_key(self, api_key: str) -> bool:
        return self._storage.delete_document(ROOT, "api_key", api_key)
