"""`cld login` and `cld logout`: options, one call each, and what is said about the result."""

from __future__ import annotations

from typing import List, Optional

import click

from cloudinary_cli.command import CldCommand, config_optional
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import quoted, shown
from cloudinary_cli.errors import CliError, Declined

_HINT = "Name the login to log out: cld logout <name>"


@config_optional
@click.command("login", cls=CldCommand)
@click.argument("name", required=False)
@click.option("--region", help="Region of the account, for example eu or ap (default: CLOUDINARY_REGION, then api).")
@click.option("--set-default", is_flag=True, help="Make this login the default configuration.")
@click.option(
    "--keyring/--no-keyring",
    default=None,
    help="Encrypt the tokens with a key in the system's keychain; a later login of that name keeps the choice.",
)
@click.pass_obj
def login(
    app: AppContext, name: Optional[str], region: Optional[str], set_default: bool, keyring: Optional[bool]
) -> bool:
    """Log in with the browser and save the session as NAME (default: the cloud name).

    No API secret is stored: the saved session renews itself, and `cld logout` revokes it.
    """
    from cloudinary_cli.auth.sign_in import Desk, LoginRequest, sign_in

    def show_url(url: str) -> None:
        app.console.notice("Opening the browser to log in. If it does not open, visit this URL:")
        app.console.notice(url)

    desk = Desk(app.open_browser, show_url, app.console.is_interactive, app.clock, app.environ)
    try:
        result = sign_in(LoginRequest(name, region, set_default, keyring=keyring), app.store, desk)
    except CliError as error:
        error.args = (f"Login failed: {error}",)
        raise
    say = app.console.info
    say(f"Logged in. Saved as '{shown(result.name)}' (cloud {result.cloud_name}).")
    if result.keychain:
        say(f"Its tokens are encrypted; the key is in the keychain ({result.keychain}).")
    if result.old_grant_revoked:
        say("The previous session of that name was revoked.")
    if result.default.value == "made":
        say(f"'{shown(result.name)}' is now the default configuration.")
    elif result.default.value == "already":
        say(f"'{shown(result.name)}' is the default configuration already.")
    else:
        say(f"Use it with: cld -C {quoted(result.name)} <command>")
        say(f"Make it the default with: cld config -d {quoted(result.name)}")
    return True


@config_optional
@click.command("logout", cls=CldCommand)
@click.argument("name", required=False)
@click.pass_obj
def logout(app: AppContext, name: Optional[str]) -> bool:
    """Revoke the login NAME at the server and remove it. Without NAME, ask which one."""
    from cloudinary_cli import auth

    if name is None:
        logins = auth.list_oauth_login_names(app.store.load())
        if not logins:
            app.console.info("No saved login. Nothing to log out of.")
            return True
        name = _choose(app, logins)
        if name is None:
            app.console.info("Cancelled.")
            return True
    return _report(app, name, auth.logout(name, app.store).value)


def _choose(app: AppContext, logins: List[str]) -> Optional[str]:
    """The login to end; None when the user cancels.

    :raises Declined: nobody could be asked, or the answer is not on the list.
    """
    if len(logins) == 1:
        answer = app.console.prompt(f"Log out of '{shown(logins[0])}'? [y/N] ", _HINT)
        if answer is None:
            raise Declined("Not logged out.")
        return logins[0] if answer.lower() in ("y", "yes") else None
    answer = app.console.choose("Saved logins:", [shown(login) for login in logins], _HINT)
    if answer is None:
        raise Declined("Not logged out.")
    if not answer:
        return None
    if not answer.isascii() or not answer.isdigit() or not 1 <= int(answer) <= len(logins):
        raise Declined(f"'{shown(answer)}' is not a number from 1 to {len(logins)}. Nothing was removed.")
    return logins[int(answer) - 1]


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
    else:
        app.console.error(f"No saved login is called '{shown(name)}'. Run `cld config -ls` to see the saved ones.")
    return outcome == "removed"
