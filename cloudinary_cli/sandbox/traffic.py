"""The request log and the planned failures, in memory."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Deque, Dict, List, Optional
from urllib.parse import parse_qs

KEPT_REQUESTS = 10_000
LONGEST_VALUE = 2_000  # characters
LOGGED_HEADERS = {
    "HTTP_CONTENT_RANGE": "content_range",
    "HTTP_X_UNIQUE_UPLOAD_ID": "x_unique_upload_id",
    "CONTENT_LENGTH": "content_length",
}
MODES = ("respond", "reset", "stall", "cut", "after")

Entry = Dict[str, Any]


def fingerprint(authorization: str) -> str:
    """The scheme and a short hash, which distinguishes credentials and does not reveal them."""
    scheme, _, credential = authorization.partition(" ")
    return f"{scheme} {hashlib.sha256(credential.strip().encode('utf-8')).hexdigest()[:12]}"


def flatten(values: Dict[str, List[str]]) -> Dict[str, Any]:
    """Single values as text, repeated values as lists; long values are shortened."""
    short = {key: [_shorten(value) for value in group] for key, group in values.items()}
    return {key: group[0] if len(group) == 1 else group for key, group in short.items()}


def _shorten(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}... ({len(value)} characters)"


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: Deque[Entry] = deque(maxlen=KEPT_REQUESTS)

    def start(self, method: str, path: str, environ: Dict[str, Any]) -> Entry:
        """Record a request when it arrives; its status is null until the response."""
        authorization = environ.get("HTTP_AUTHORIZATION")
        entry: Entry = {
            "time": time.time(),
            "method": method,
            "path": path,
            "query": flatten(parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
            "form": {},
            "json": None,
            "files": {},
            "authorization": fingerprint(authorization) if authorization else None,
            "user_agent": environ.get("HTTP_USER_AGENT"),
            "headers": {name: environ[key] for key, name in LOGGED_HEADERS.items() if environ.get(key)},
            "status": None,
            "fault": None,
        }
        with self._lock:
            self._entries.append(entry)
        return entry

    def entries(self, path_prefix: str = "", method: str = "") -> List[Entry]:
        """A copy of the matching entries."""
        with self._lock:
            return [
                dict(entry)
                for entry in self._entries
                if entry["path"].startswith(path_prefix) and method.upper() in ("", entry["method"])
            ]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


@dataclass
class Fault:
    """A planned failure: which requests it applies to, and what happens to them."""

    path: str
    method: Optional[str] = None
    times: Optional[int] = 1
    skip: int = 0
    status: Optional[int] = None
    body: Any = None
    headers: Dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    mode: str = "respond"
    hits: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}")
        if not self.path.startswith("/"):
            raise ValueError("path must start with a slash")
        self.method = self.method.upper() if self.method else None
        self.skip, self.delay = int(self.skip), float(self.delay)
        self.times = None if self.times is None else int(self.times)
        self.status = None if self.status is None else int(self.status)
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status must be from 200 to 599")
        self.headers = {str(name): str(value) for name, value in self.headers.items()}
        text = "".join([*self.headers, *self.headers.values()])
        if not (text.isascii() and text.isprintable()):
            raise ValueError("headers must be printable ASCII")
        # When it is set, the delay ends. It is no field, because the control API shows the fields. The faults of a plan
        # share one event.
        self.cleared = threading.Event()

    @property
    def has_response(self) -> bool:
        """Whether the fault has a response of its own."""
        return self.status is not None or self.body is not None

    def body_bytes(self) -> bytes:
        """The body of the response: text as it is, other values as JSON, and an API error by default."""
        if isinstance(self.body, str):
            return self.body.encode("utf-8")
        content = self.body if self.body is not None else {"error": {"message": f"Sandbox fault {self.status or 200}"}}
        return json.dumps(content).encode("utf-8")

    def matches(self, method: str, path: str) -> bool:
        """Whether the fault applies to this request."""
        return path.startswith(self.path) and self.method in (None, method)


class FaultPlan:
    """The planned failures; the first match applies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: List[Fault] = []
        self._cleared = threading.Event()

    def add(self, fault: Fault) -> None:
        with self._lock:
            fault.cleared = self._cleared
            self._faults.append(fault)

    def clear(self) -> None:
        """Delete all of them, and end their delays."""
        with self._lock:
            self._faults.clear()
            self._cleared.set()
            self._cleared = threading.Event()

    def pending(self) -> List[Fault]:
        with self._lock:
            return list(self._faults)

    def take(self, method: str, path: str) -> Optional[Fault]:
        """The fault that applies to this request. Its count is reduced, and at zero it is deleted."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    return None
                fault.hits += 1
                if fault.times is not None and fault.hits >= fault.times:
                    self._faults.remove(fault)
                return fault
        return None
