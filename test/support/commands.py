"""Types and markers that many tests of commands share."""

from __future__ import annotations

import os
from typing import Any, Callable

import pytest

from test.conftest import Result

# `cld(*args, env=..., input=..., timeout=...)`
Cld = Callable[..., Result]
Run = Callable[..., Any]  # runs a command with the given arguments: the fixtures `cld` and `invoke`, and others
linux = pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file of proc(5) that cannot be read")
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals, pipes or links")
