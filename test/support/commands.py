"""Types of the fixtures that run `cld`."""

from __future__ import annotations

from typing import Callable

from test.conftest import Result

# `cld(*args, env=..., input=..., timeout=...)`
Cld = Callable[..., Result]
