"""The fixture of tests of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudinary_cli.config.store import ConfigStore


@pytest.fixture
def store(home: Path) -> ConfigStore:
    """The store of the test's home, which waits at most 5 s for a lock."""
    return ConfigStore(str(home / "config.json"), lock_timeout=5)
