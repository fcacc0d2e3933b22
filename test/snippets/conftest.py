"""Fixtures of the tests of `cld make`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

Run = Callable[..., Any]

URL = "cloudinary://key123:TOPSECRET@my-cloud"


@pytest.fixture
def make(invoke: Run) -> Run:
    """Run `cld -c URL make ARGS` in this process."""
    return lambda *args, **kw: invoke("-c", kw.pop("url", URL), "make", *args, **kw)


@pytest.fixture
def custom(home: Path) -> Callable[[str, str], Path]:
    """Write a template of the user's own: custom("html/mine.html", "text")."""

    def write(name: str, text: str) -> Path:
        path = home / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
