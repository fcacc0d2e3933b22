"""`cld logout`: chooses the login, ends it, and reports the result."""

from __future__ import annotations

from typing import List, Optional

import click

from cloudinary_cli.command import CldCommand, completion_of
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import quoted, shown
from cloudinary_cli.errors import URL_IS_NO_NAME, CliError, Declined, DetailedExit, Status
from cloudinary_cli.text import did_you_mean

_HINT = "Name the login to log out: cld logout <name>"
_NONE = "No saved login. Nothing to log out of."


@click.command("logout", cls=CldCommand)
@click.argument("name", required=False, shell_complete=completion_of("login_names"))
@click.option("--all", "every", is_flag=True, help="Log out of all saved logins.")
@click.option("-F", "--force", is_flag=True, help="With --all: do not ask.")
@click.pass_obj
def logout(app: AppContext, name: Optional[str], every: bool, force: bool) -> Status:
    """Revoke the login NAME at the server and remove it. Without NAME, ask which one.

    \b
    cld logout work
    cld logout --all
    """
    from cloudinary_cli.auth import use_cases

    if every and name is not None:
        raise click.UsageError("Give either NAME or --all, not both.")
    if force and not every:
        raise click.UsageError("-F/--force goes with --all.")
    if every:
        return _logout_all(app, force)
    if name is None:
        logins = use_cases.login_names(app.store.load())
        if not logins:
            app.console.info(_NONE)
            return True
        name = _choose(app, logins)
        if name is None:
            app.console.info("Canceled.")
            return True
    return _report(app, name, use_cases.logout(app.store, name, app.environ).value)


def _logout_all(app: AppContext, force: bool) -> bool:
    """End all logins, one after the other. One that cannot be ended does not keep the others."""
    from cloudinary_cli.auth import use_cases

    names = use_cases.login_names(app.store.load())
    if not names:
        app.console.info(_NONE)
        return True
    app.console.notice(f"Saved logins: {', '.join(map(shown, names))}")
    if not force and not app.console.confirm(f"Log out of all {len(names)}?"):
        raise Declined("Not logged out.")
    done = []
    for name in names:
        try:
            done.append(_report(app, name, use_cases.logout(app.store, name, app.environ).value) is True)
        except CliError as error:
            app.console.error(error.message)
            done.append(False)
    return all(done)


def _choose(app: AppContext, logins: List[str]) -> Optional[str]:
    """The login to end; None when the user cancels.

    :raises Declined: stdin is closed, or the reply is not on the list.
    """
    if len(logins) == 1:
        reply = app.console.prompt(f"Log out of '{shown(logins[0])}'? (y/N) ", _HINT)
        if reply is None:
            raise Declined("Not logged out.")
        return logins[0] if reply.lower() in ("y", "yes") else None
    picked = app.console.pick("Saved logins:", [shown(login) for login in logins], _HINT)
    return None if picked is None else logins[picked]


def _report(app: AppContext, name: str, outcome: str) -> Status:
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
        return DetailedExit.USAGE
    else:
        from cloudinary_cli.auth import use_cases

        hint = did_you_mean(name, use_cases.login_names(app.store.load()))
        hint = hint or "Run `cld config -ls` to see the saved ones."
        app.console.error(f"No saved login is called '{shown(name)}'. {hint}")
        return DetailedExit.USAGE
    return outcome == "removed"
