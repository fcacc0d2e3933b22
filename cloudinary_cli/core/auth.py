"""`cld login` and `cld logout` under the name that other code imports them by."""

from __future__ import annotations

from cloudinary_cli.core.login import login
from cloudinary_cli.core.logout import logout

__all__ = ["login", "logout"]
