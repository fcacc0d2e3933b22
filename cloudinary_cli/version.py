"""The version of the CLI, which setup.py also reads, and of the installed SDK."""

from __future__ import annotations

from typing import Optional

__version__ = "2.0.0.dev0"


def sdk_version() -> Optional[str]:
    """Return the SDK's VERSION, read from the text of its `__init__.py`; None if the SDK is not installed.

    Importing the SDK, or importlib.metadata, would take longer than the rest of `cld --version`.
    """
    import re
    from importlib.util import find_spec

    spec = find_spec("cloudinary")
    if spec is None or spec.origin is None:
        return None
    with open(spec.origin, encoding="utf-8") as source:
        found = re.search(r'^VERSION = "([^"]+)"', source.read(), re.MULTILINE)
    return found.group(1) if found else None
