"""`cld whoami`: which credential is used, where it comes from, and whether it works; offline unless --verify."""

from __future__ import annotations

from typing import Optional, Tuple

import click

from cloudinary_cli.command import CldCommand, config_optional
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import ApiError, CliError, ConfigError, OAuthError
from cloudinary_cli.utils.identity import Identity, State, identify


@config_optional
@click.command("whoami", cls=CldCommand)
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON (docs/whoami.md).")
@click.option("--verify", is_flag=True, help="Make one call to the API with the credential.")
@click.pass_obj
def whoami(app: AppContext, as_json: bool, verify: bool) -> bool:
    """Show the credential in use: its name, cloud, type, source and state.

    Nothing is sent unless --verify is given. Exit status 0: usable; 1: a login is needed, or nothing is configured.
    """
    identity = identify(app.active, app.store.load(), app.environ, app.clock())
    problem: Optional[CliError] = None
    if verify and app.active.problem is None and app.active.is_usable:
        identity, problem = _verified(app, identity)
    for source in identity.shadows:
        app.console.warning(_warning(identity, source))
    if as_json:
        app.console.json(identity.as_json())
    elif identity.source is not None:
        app.console.data(identity.as_text())
    if problem is not None:
        raise problem
    app.active.require()
    if not identity.state.is_usable:
        app.console.error(_advice(app, identity))
    return identity.state.is_usable


def _verified(app: AppContext, identity: Identity) -> Tuple[Identity, Optional[CliError]]:
    """The identity after one call; the error says why the call did not succeed."""
    from cloudinary_cli import sdk
    from cloudinary_cli.utils.api_utils import call_api

    try:
        app.sdk_config  # noqa: B018 - installs it
        call_api(sdk.module("admin").ping)
    except (ApiError, OAuthError) as error:
        if isinstance(error, ApiError) and error.status not in (401, 403):
            return identity, error  # no answer, or one that says nothing about the credential
        refused = State.NEEDS_LOGIN if identity.type == "oauth" else State.INVALID
        is_answer = isinstance(error, ApiError) or _now(app, identity).state is State.NEEDS_LOGIN
        return (identity._replace(state=refused, verified=False) if is_answer else identity), error
    now = _now(app, identity)
    return now._replace(state=State.VALID, verified=True), None


def _now(app: AppContext, identity: Identity) -> Identity:
    """What the file says after the call: the token may have been renewed, or refused."""
    from cloudinary_cli.utils.config_resolver import resolve

    snapshot = app.store.load_fresh()
    try:
        again = resolve(app.selection, snapshot, app.environ)
    except ConfigError:
        return identity
    return identify(again, snapshot, app.environ, app.clock())


def _warning(identity: Identity, source: str) -> str:
    used = identity.name or identity.chosen_by
    if source == "default":
        return f"The stored default is not used: {identity.chosen_by} chooses '{used}' here."
    return f"{source} is set in the environment and not used: {identity.chosen_by} comes first ('{used}')."


def _advice(app: AppContext, identity: Identity) -> str:
    if app.active.name is None:
        return f"The token from {identity.chosen_by} has expired. Log in: cld login"
    from cloudinary_cli import auth

    return f"The login '{identity.name}' has expired. Run: {auth.relogin_command(app.active.name)}"
