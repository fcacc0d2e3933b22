"""The versions of the CLI, in one line for setup.py, and of the installed SDK, read without importing it."""

from __future__ import annotations

from typing import Optional

__version__ = "2.0.0.dev0"


def sdk_version() -> Optional[str]:
    """The SDK's own VERSION, from the text of its `__init__.py`; None when it is not installed.

    Importing the SDK takes longer than all the rest of `cld --version`, and so does importlib.metadata, which parses
    e-mail headers.
    """
    import re
    from importlib.util import find_spec

    spec = find_spec("cloudinary")
    if spec is None or spec.origin is None:
        return None
    with open(spec.origin, encoding="utf-8") as source:
        found = re.search(r'^VERSION = "([^"]+)"', source.read(), re.MULTILINE)
    return found.group(1) if found else None
