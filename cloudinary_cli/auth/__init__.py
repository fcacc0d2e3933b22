"""Façade of OAuth login: the names that other code may rely on, each loaded when it is asked for (PEP 562).

A command that only reads a session (`cld whoami`) imports this package and must not pay for refresh and login.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudinary_cli.auth.refresh_rules import RefreshOutcome
    from cloudinary_cli.auth.use_cases import (
        LogoutOutcome,
        list_oauth_login_names,
        login,
        logout,
        refresh_config,
        refresh_configs,
        refresh_result,
        refresh_url_if_stale,
        relogin_command,
        revoke_url,
    )

__all__ = [
    "LogoutOutcome",
    "RefreshOutcome",
    "list_oauth_login_names",
    "login",
    "logout",
    "refresh_config",
    "refresh_configs",
    "refresh_result",
    "refresh_url_if_stale",
    "relogin_command",
    "revoke_url",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("cloudinary_cli.auth.use_cases"), name)
