"""`cld login`: declares the options, logs in, and reports the result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Tuple

import click

from cloudinary_cli.command import CldCommand, completion_of
from cloudinary_cli.config.url import CONFIG_NAME_VARIABLE
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import quoted, shown
from cloudinary_cli.errors import CliError

if TYPE_CHECKING:
    from cloudinary_cli.auth.login_entry import LoginResult


def _check_scopes(ctx: click.Context, param: click.Parameter, values: Tuple[str, ...]) -> Tuple[str, ...]:
    """The scopes one by one; `--scope 'a b'` is `--scope a --scope b`."""
    from cloudinary_cli.auth.session import SCOPE

    for value in values:
        if not value.split() or not all(re.match(SCOPE, scope) for scope in value.split()):
            raise click.BadParameter(f"'{shown(value)}' is not the name of a scope.", ctx, param)
    return tuple(scope for value in values for scope in value.split())


@click.command("login", cls=CldCommand)
@click.argument("name", required=False, shell_complete=completion_of("login_names"))
@click.option("--region", help="Region of the account, for example eu or ap (default: CLOUDINARY_REGION, then api).")
@click.option("--set-default", is_flag=True, help="Make this login the default configuration.")
@click.option(
    "--keyring/--no-keyring",
    default=None,
    help="Encrypt the tokens with a key in the system's keychain. Later logins with that name keep the choice.",
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Open a browser here, or print the URL and wait for the response to be pasted or to arrive through a tunnel "
    "(default: CLOUDINARY_NO_BROWSER, then whether this is an SSH session or a container).",
)
@click.option("--device", is_flag=True, help="Log in with a short code that you enter on any device.")
@click.option("--timeout", type=click.IntRange(min=1), metavar="SECONDS", help="How long to wait (default: 300).")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Registered port of the redirect (default: CLOUDINARY_OAUTH_REDIRECT_PORT, then 49421).",
)
@click.option(
    "--scope",
    multiple=True,
    callback=_check_scopes,
    metavar="SCOPE",
    help="A permission to request instead of the default ones (repeatable). Later logins of that name keep the choice.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was saved as JSON, without secrets.")
@click.pass_obj
def login(app: AppContext, /, as_json: bool, **options: Any) -> bool:
    """Log in with the browser and save the session as NAME (default: the cloud name).

    No API secret is stored: the saved session renews itself, and `cld logout` revokes it.

    \b
    cld login
    cld login work --region eu --set-default
    cld login server --device
    """
    from cloudinary_cli.auth.login_ui import LoginUI
    from cloudinary_cli.auth.sign_in import LoginRequest, sign_in

    if options["device"] and options["browser"] is not None:
        raise click.UsageError("--device needs no browser here: omit --browser and --no-browser.")
    ui = LoginUI(app.open_browser, app.console.notice, app.console.is_interactive, app.console.lines)
    try:
        result = sign_in(LoginRequest(**options), app.store, ui, app.environ, app.clock)
    except CliError as error:
        error.args = (f"Login failed: {error}",)
        raise
    _report(app, result)
    if as_json:
        saved = {"name": result.name, "cloud_name": result.cloud_name, "default": result.default.value}
        app.console.json({**saved, "scopes": result.scopes})
    return True


def _report(app: AppContext, result: LoginResult) -> None:
    info = app.console.info
    # Shown even with `-v ERROR`: the browser may be logged in to another person's account.
    app.console.notice(f"Logged in. Saved as '{shown(result.name)}' (cloud {result.cloud_name}).")
    if result.scopes:
        info(f"Granted scopes: {result.scopes}")
    if result.refused_scopes:
        app.console.warning(f"Requested and not granted: {' '.join(result.refused_scopes)}")
    if result.keychain:
        info(f"Its tokens are encrypted; the key is in the keychain ({result.keychain}).")
    if result.old_grant_revoked:
        info("The previous session of that name was revoked.")
    overriding = _overriding(app, result.name)
    if overriding:
        info(f"Use it with: cld -C {quoted(result.name)} <command>")
        app.console.warning(overriding)
    elif result.default.value in ("made", "already"):
        info(f"'{shown(result.name)}' is {result.default.value.replace('made', 'now')} the default configuration.")
    else:
        info(f"Use it with: cld -C {quoted(result.name)} <command>")
        info(f"Make it the default with: cld config -d {quoted(result.name)}")


def _overriding(app: AppContext, name: str) -> str:
    """The sentence about another configuration that commands here use instead of the default; empty without one."""
    other, choice = app.environ.get(CONFIG_NAME_VARIABLE), app.known_directory_choice
    if other:
        problem = f"{CONFIG_NAME_VARIABLE} is '{shown(other)}' in this shell and overrides the default."
        return "" if other == name else problem
    if choice is None or choice.name == name:
        return ""
    return f"The directory {shown(choice.directory)} uses '{shown(choice.name)}' (cld config --local), not the default."
