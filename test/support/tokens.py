"""Access tokens and saved logins for tests."""

from __future__ import annotations

import base64
import json
from typing import Any

from cloudinary_cli.config.store import ConfigStore


def jwt(claims: Any) -> str:
    """An unsigned JWT with these claims."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{payload}.c2ln"


def saved_url(store: ConfigStore, name: str = "work") -> str:
    """The saved URL of a login, read from the file."""
    return str(store.load_fresh()[name])
