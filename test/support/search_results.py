"""Responses of the search API, and the files that `cld search` writes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Dict, List

from test.support.cloudinary_server import Reply

# A limit that resets too late to wait for it, so the connector does not retry.
LIMITED = Reply(420, {"error": {"message": "Rate Limit Exceeded"}}, {"Retry-After": "3600"})


def page(*names: str, cursor: str = "", **more: Any) -> Dict[str, Any]:
    listing = {"total_count": 3, "time": 5, "resources": [{"public_id": name} for name in names], **more}
    return {**listing, "next_cursor": cursor} if cursor else listing


def files() -> List[str]:
    """Every file in the working directory, hidden ones too."""
    return sorted(path.name for path in Path().iterdir() if path.is_file())


def rows(name: str) -> List[List[str]]:
    with open(name, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))
