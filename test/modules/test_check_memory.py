"""The memory of `cld check` for each file. bench/check_memory.py measures it with 100,000 files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict

import pytest

from test.support.cloudinary_server import Request
from test.support.peak_memory import peak_kib
from test.support.sync_account import Account, md5

PAGE = 500
SMALL, LARGE = 1_000, 16_000


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak of a process from /proc")
def test_a_file_and_its_asset_take_a_few_hundred_bytes(account: Account, tmp_path: Path) -> None:
    def peak(total: int) -> int:
        folder = tmp_path / str(total)
        folder.mkdir()
        (folder / name(0)).write_bytes(b"content")
        for number in range(1, total):
            os.link(folder / name(0), folder / name(number))
        account.server.on("POST", "/resources/search", lambda request: generated_page(request, total))
        return peak_kib("-c", account.config_url(), "check", str(folder), "f")

    growth = (peak(LARGE) - peak(SMALL)) * 1024 / (LARGE - SMALL)
    # Records for both sides take more than 1,000 bytes.
    assert growth < 600


def name(number: int) -> str:
    return f"photo{number:05}.jpg"


def generated_page(request: Request, total: int) -> Dict[str, Any]:
    start = int(request.json.get("next_cursor", 0))
    end = min(start + PAGE, total)
    assets = [
        {
            "public_id": f"id{number:018}",
            "display_name": name(number)[:-4],
            "asset_folder": "f",
            "format": "jpg",
            "resource_type": "image",
            "type": "upload",
            "bytes": 7,
            "etag": md5(b"content"),
            "created_at": "2026-01-01T00:00:00Z",
            "secure_url": f"https://res.cloudinary.com/demo/image/upload/v1/id{number:018}.jpg",
        }
        for number in range(start, end)
    ]
    return {"total_count": total, "resources": assets, **({"next_cursor": str(end)} if end < total else {})}
