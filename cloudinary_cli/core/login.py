"""`cld login`: options, one call, and what is said about the result."""

from __future__ import annotations

from typing import Any

import click

from cloudinary_cli.command import CldCommand, completion_of
from cloudinary_cli.config.url import CONFIG_NAME_VARIABLE
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import quoted, shown
from cloudinary_cli.errors import CliError


@click.command("login", cls=CldCommand)
@click.argument("name", required=False, shell_complete=completion_of("login_names"))
@click.option("--region", help="Region of the account, for example eu or ap (default: CLOUDINARY_REGION, then api).")
@click.option("--set-default", is_flag=True, help="Make this login the default configuration.")
@click.option(
    "--keyring/--no-keyring",
    default=None,
    help="Encrypt the tokens with a key in the system's keychain; a later login of that name keeps the choice.",
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Open a browser here, or print the URL and wait for the answer to be pasted or to arrive through a tunnel "
    "(default: CLOUDINARY_NO_BROWSER, then whether this is an SSH session or a container).",
)
@click.option("--device", is_flag=True, help="Log in with a short code that is entered on any device.")
@click.option("--timeout", type=click.IntRange(min=1), metavar="SECONDS", help="How long to wait (default: 300).")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the redirect (default: CLOUDINARY_OAUTH_REDIRECT_PORT, then 49421). The server compares the whole "
    "redirect address, so it has to know this port.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was saved as JSON; never a secret.")
@click.pass_obj
def login(app: AppContext, /, as_json: bool, **options: Any) -> bool:
    """Log in with the browser and save the session as NAME (default: the cloud name).

    No API secret is stored: the saved session renews itself, and `cld logout` revokes it.
    """
    from cloudinary_cli.auth.answer import Desk
    from cloudinary_cli.auth.sign_in import LoginRequest, sign_in

    if options["device"] and options["browser"] is not None:
        raise click.UsageError("--device needs no browser here: leave out --browser and --no-browser.")
    console = app.console
    desk = Desk(
        app.open_browser,
        console.notice,
        console.is_interactive,
        app.clock,
        app.environ,
        say=console.notice,
        lines=console.lines,
    )
    try:
        result = sign_in(LoginRequest(**options), app.store, desk)
    except CliError as error:
        error.args = (f"Login failed: {error}",)
        raise
    _say(app, result)
    if as_json:
        console.json({"name": result.name, "cloud_name": result.cloud_name, "default": result.default.value})
    return True


def _say(app: AppContext, result: Any) -> None:
    say = app.console.info
    # -v does not hide which account it was: somebody may have had the browser log in to theirs.
    app.console.notice(f"Logged in. Saved as '{shown(result.name)}' (cloud {result.cloud_name}).")
    if result.keychain:
        say(f"Its tokens are encrypted; the key is in the keychain ({result.keychain}).")
    if result.old_grant_revoked:
        say("The previous session of that name was revoked.")
    other = app.environ.get(CONFIG_NAME_VARIABLE)
    if other and other != result.name:
        say(f"Use it with: cld -C {quoted(result.name)} <command>")
        app.console.warning(f"{CONFIG_NAME_VARIABLE} is '{shown(other)}' in this shell, and comes before any default.")
    elif result.default.value == "made":
        say(f"'{shown(result.name)}' is now the default configuration.")
    elif result.default.value == "already":
        say(f"'{shown(result.name)}' is the default configuration already.")
    else:
        say(f"Use it with: cld -C {quoted(result.name)} <command>")
        say(f"Make it the default with: cld config -d {quoted(result.name)}")
