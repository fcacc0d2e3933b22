"""Server failures that a retry overcomes, spread over the requests of a bulk command."""

from __future__ import annotations

from typing import Any, Dict, List

from test.support.sandbox_client import SandboxClient

FAULTS: List[Dict[str, Any]] = [
    {"status": 500},
    {"status": 503},
    {"status": 420},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"mode": "reset"},
    {"mode": "cut"},
    {"mode": "stall", "delay": 10},
    {"mode": "after"},
    {"mode": "after", "status": 502},
    {"mode": "cut"},
]


def plan_faults(box: SandboxClient, method: str, path: str, count: int = 30) -> None:
    """Make every tenth of the first requests fail once."""
    for number in range(count):
        box.fault(path, 1, method=method, skip=9, **FAULTS[number % len(FAULTS)])


def pending_faults(box: SandboxClient) -> int:
    """The number of planned failures that have not happened yet."""
    return len(box.call("GET", "faults")["faults"])
