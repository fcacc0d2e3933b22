"""OAuth logins. These functions are the public interface for other code; commands call use_cases.py.

They use the config.json of the current home directory. Imports are deferred, because importing any module of this
package runs this file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

if TYPE_CHECKING:
    from cloudinary_cli.auth.login_ui import LoginUI
    from cloudinary_cli.auth.refresh_rules import RefreshOutcome
    from cloudinary_cli.auth.use_cases import LogoutOutcome
    from cloudinary_cli.config.store import ConfigStore


def login(
    region: Optional[str] = None,
    name: Optional[str] = None,
    set_default: bool = False,
    ui: Optional[LoginUI] = None,
) -> Tuple[str, str]:
    """Log in with the system's browser and save the session; returns (config name, "made" | "already" | "no").

    :param ui: None: the URL is logged as a warning, which Python shows on stderr unless logging is configured.
    :raises CliError: nothing was saved.
    """
    from cloudinary_cli.auth.login_ui import LoginUI
    from cloudinary_cli.auth.sign_in import LoginRequest, sign_in
    from cloudinary_cli.defaults import logger
    from cloudinary_cli.system.browser import open_browser

    ui = ui or LoginUI(open_browser, logger.warning)
    result = sign_in(LoginRequest(name, region, set_default), _store(), ui, os.environ)
    return result.name, result.default.value


def logout(name: str) -> LogoutOutcome:
    """Revoke a saved login and remove it. Returns "removed", "revoke_failed", "not_found" or "not_oauth".

    :raises CliError: as use_cases.logout().
    """
    from cloudinary_cli.auth import use_cases

    return use_cases.logout(_store(), name, os.environ)


def refresh_url_if_stale(name: str, url: str, force: bool = False, expected: Optional[str] = None) -> str:
    """Return a URL with a usable token: the given one, one that another process has saved, or a refreshed one.

    After a failure, the given URL is returned.
    """
    from cloudinary_cli.auth import use_cases

    return use_cases.refresh_url(_store(), name, url, force, expected)


def refresh_config(name: str, force: bool = False) -> RefreshOutcome:
    """Refresh one saved login and return the outcome. The reason for a failure is logged."""
    from cloudinary_cli.auth import use_cases

    return use_cases.outcome_of(use_cases.refresh_login(_store(), name, force))


def refresh_configs(force: bool = False) -> Dict[str, RefreshOutcome]:
    """Refresh every stale login (with `force`, every login). Returns the outcomes by name, in file order."""
    from cloudinary_cli.auth import use_cases

    return {name: use_cases.outcome_of(result) for name, result in use_cases.refresh_all(_store(), force).items()}


def relogin_command(name: str) -> str:
    """`cld login NAME [--region R]` for a saved login. Without the region if config.json cannot be read."""
    from cloudinary_cli.auth import use_cases

    return use_cases.relogin_command(_store(), name)


def list_oauth_login_names(cfg: Optional[Mapping[str, Any]] = None) -> List[str]:
    """Names of the saved logins, in file order."""
    from cloudinary_cli.auth import use_cases

    return use_cases.login_names(_store().load() if cfg is None else cfg)


def _store() -> ConfigStore:
    from cloudinary_cli.config.store import ConfigStore

    return ConfigStore()
