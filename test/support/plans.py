"""Plans of bulk commands: `--dry-run --report`, and the requests that a run with --items sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Union

from test.support.sandbox_client import SandboxClient

Line = Dict[str, Any]


def lines_of(path: Union[Path, str]) -> List[Line]:
    """The lines of a plan or a report."""
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def write_lines(path: Union[Path, str], lines: List[Line]) -> None:
    """Write a plan."""
    Path(path).write_text("".join(json.dumps(line) + "\n" for line in lines))


def calls(box: SandboxClient) -> List[str]:
    """The API calls since the last reset, such as `POST /resources/search`, without the cloud."""
    seen = [f"{entry['method']} {entry['path'].partition('/sandbox')[2]}" for entry in box.requests("/v1_1")]
    return [call for call in seen if not call.endswith("/ping")]


def changes(box: SandboxClient) -> List[str]:
    """The calls that change something."""
    reading = ("/search", "/config")
    return [call for call in calls(box) if not call.startswith("GET") and not call.endswith(reading)]


def delete_assets(box: SandboxClient) -> None:
    """Delete what earlier tests have stored in the sandbox's cloud."""
    stored = box.server.state.assets("sandbox")
    for asset in list(stored.all()):
        stored.delete(asset["asset_id"])
