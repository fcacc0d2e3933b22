"""The state of a running sandbox (clock, counters, stores, planned failures), and the error type of its APIs."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict

from flask import current_app

from .assets import AssetStore
from .clouds import ROOT, CloudStore
from .consent import Tickets
from .device_store import DeviceStore
from .grants import GrantStore
from .settings import SandboxSettings
from .storage import Storage
from .traffic import FaultPlan, RequestLog

EXTENSION = "cloudinary_sandbox"


class RefusedCall(Exception):
    """An error response: ``{"error": {"message": ...}}`` with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Clock:
    """The server's time, which a test may shift."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch, shifted."""
        return time.time() + self.offset


class Counters:
    """Named event counts of this run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, amount: int = 1) -> None:
        with self._lock:
            self._counts[name] += amount

    def get(self, name: str) -> int:
        with self._lock:
            return self._counts[name]

    def snapshot(self) -> Dict[str, int]:
        """All counts."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """Reset all counters."""
        with self._lock:
            self._counts.clear()


@dataclass
class SandboxState:
    """Everything the request handlers share."""

    settings: SandboxSettings
    base_url: str
    storage: Storage
    clock: Clock = field(default_factory=Clock)
    counters: Counters = field(default_factory=Counters)
    # By "<cloud>/<what>", for the Admin API's usage report, and the calls of each hour, for its rate limit.
    usage: Counters = field(default_factory=Counters)
    log: RequestLog = field(default_factory=RequestLog)
    faults: FaultPlan = field(default_factory=FaultPlan)
    tickets: Tickets = field(default_factory=Tickets)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.storage.add_document(ROOT, "key", "jwt", {"key": secrets.token_hex(32)})
        self.jwt_key = (self.storage.document(ROOT, "key", "jwt") or {})["key"].encode("ascii")
        self.grants = GrantStore(self.storage, self.clock.now, self.settings.rotation_grace)
        self.devices = DeviceStore(self.storage, self.clock.now)
        self.clouds = CloudStore(self.storage)
        self.clouds.add(self.settings.cloud_name, self.settings.api_key, self.settings.api_secret)
        self.files_dir = self.storage.data_dir / "files"
        self.temp_dir = self.storage.data_dir / "tmp"
        self.temp_dir.mkdir(parents=True, exist_ok=True)
        self._assets: Dict[str, AssetStore] = {}

    @property
    def issuer(self) -> str:
        """The OAuth issuer identifier."""
        return self.base_url + "/"

    def assets(self, cloud: str) -> AssetStore:
        """The asset store of one cloud."""
        return self._assets.setdefault(cloud, AssetStore(self.storage, cloud, self.files_dir))

    def temp_file(self) -> Path:
        """A new path on the file system of the assets, so that an upload is moved into place, not copied."""
        return self.temp_dir / secrets.token_hex(12)


def state() -> SandboxState:
    """The sandbox that serves the current request."""
    found: SandboxState = current_app.extensions[EXTENSION]
    return found
