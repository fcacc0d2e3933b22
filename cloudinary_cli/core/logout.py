"""`cld logout`: chooses the login, ends it, and reports the result."""

from __future__ import annotations

from typing import List, Optional

import click

from cloudinary_cli.command import CldCommand, completion_of
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import quoted, shown
from cloudinary_cli.errors import URL_IS_NO_NAME, Declined

_HINT = "Name the login to log out: cld logout <name>"


@click.command("logout", cls=CldCommand)
@click.argument("name", required=False, shell_complete=completion_of("login_names"))
@click.pass_obj
def logout(app: AppContext, name: Optional[str]) -> bool:
    """Revoke the login NAME at the server and remove it. Without NAME, ask which one."""
    from cloudinary_cli.auth import use_cases

    if name is None:
        logins = use_cases.login_names(app.store.load())
        if not logins:
            app.console.info("No saved login. Nothing to log out of.")
            return True
        name = _choose(app, logins)
        if name is None:
            app.console.info("Cancelled.")
            return True
    return _report(app, name, use_cases.logout(app.store, name, app.environ).value)


def _choose(app: AppContext, logins: List[str]) -> Optional[str]:
    """The login to end; None when the user cancels.

    :raises Declined: stdin is closed, or the reply is not on the list.
    """
    if len(logins) == 1:
        reply = app.console.prompt(f"Log out of '{shown(logins[0])}'? [y/N] ", _HINT)
        if reply is None:
            raise Declined("Not logged out.")
        return logins[0] if reply.lower() in ("y", "yes") else None
    picked = app.console.pick("Saved logins:", [shown(login) for login in logins], _HINT)
    return None if picked is None else logins[picked]


def _report(app: AppContext, name: str, outcome: str) -> bool:
    if outcome == "removed":
        app.console.info(f"Logged out: '{shown(name)}' was revoked and removed.")
    elif outcome == "revoke_failed":
        app.console.warning(
            f"'{shown(name)}' was removed here, but not revoked: the session may stay valid at the server."
        )
    elif outcome == "not_oauth":
        app.console.error(
            f"'{shown(name)}' is not a login. To remove an API-key configuration: cld config -rm {quoted(name)}"
        )
    elif "://" in name:
        app.console.error(URL_IS_NO_NAME)
    else:
        app.console.error(f"No saved login is called '{shown(name)}'. Run `cld config -ls` to see the saved ones.")
    return outcome == "removed"
