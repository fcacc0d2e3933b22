"""Constants and helpers of the tests of `cld config`."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.conftest import Result

Run = Callable[..., Result]
KEYS = "111111111111111:sandbox-secret"
A, B = "cloudinary://ka:sa@a", "cloudinary://kb:sb@b"
posix = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")


def saved(store: ConfigStore) -> Dict[str, Any]:
    return store.load_fresh()
