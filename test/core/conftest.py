"""The fixture of tests of `cld config`."""

from __future__ import annotations

import pytest

from test.fakes.sandbox_client import SandboxClient
from test.support.cld_config import KEYS


@pytest.fixture
def url(box: SandboxClient) -> str:
    """A URL whose ping succeeds."""
    return f"cloudinary://{KEYS}@sandbox?upload_prefix={box.url}"
