"""The fixture of tests of `cld config`."""

from __future__ import annotations

import pytest

from test.support.cld_config import KEYS
from test.support.sandbox_client import SandboxClient


@pytest.fixture
def url(box: SandboxClient) -> str:
    """A URL whose ping succeeds."""
    return f"cloudinary://{KEYS}@sandbox?upload_prefix={box.url}"
