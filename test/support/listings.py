"""Responses of the Admin API to a listing."""

from __future__ import annotations

from typing import Any, Dict


def page(*names: str, cursor: str = "") -> Dict[str, Any]:
    listing: Dict[str, Any] = {"resources": [{"public_id": name, "bytes": 1} for name in names]}
    return {**listing, "next_cursor": cursor} if cursor else listing
