"""The Upload API's `text` action: a one-pixel image, since the sandbox does not render text."""

from __future__ import annotations

import base64
from typing import Any, Dict

from .fetch import describe, discard
from .ingest import store_upload
from .naming import random_id
from .params import Params, required
from .state import state
from .views import upload_view

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def text_image(cloud: str, kind: str, values: Params) -> Dict[str, Any]:
    """Store the image under the requested public ID."""
    required(values, "text")
    path = state().temp_file()
    path.write_bytes(PIXEL)
    wanted = {"public_id": values.get("public_id") or random_id(), "type": "text"}
    received = describe(path, "text.png")
    try:
        return upload_view(cloud, store_upload(cloud, "image", wanted, received), "")
    finally:
        discard(received)
