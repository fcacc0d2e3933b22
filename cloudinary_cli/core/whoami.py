"""`cld whoami`: shows the credential in use, its source, and whether it works. Offline without --verify."""

from __future__ import annotations

from typing import Optional, Tuple

import click

from cloudinary_cli.auth.identity import Identity, identify
from cloudinary_cli.command import CldCommand
from cloudinary_cli.config.inventory_table import renewal_warning
from cloudinary_cli.config.login_state import State
from cloudinary_cli.config.resolver import ResolvedConfig, resolve
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import shown
from cloudinary_cli.errors import AuthenticationError, CliError, ConfigError, DetailedExit, ReloginRequired, Status


@click.command("whoami", cls=CldCommand)
@click.option("-j", "--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--verify", is_flag=True, help="Make one call to the API with the credential.")
@click.pass_obj
def whoami(app: AppContext, as_json: bool, verify: bool) -> Status:
    """Show the credential in use: its name, cloud, type, source and state.

    Sends nothing without --verify. Exit status 0: usable; 1: a login is needed, or nothing is configured.

    \b
    cld whoami
    cld -C work whoami --json --verify
    """
    identity = _identity(app, app.active)
    problem: Optional[CliError] = None
    if verify and app.active.problem is None and app.active.is_usable:
        identity, problem = _verified(app, identity)
    for source in identity.shadows:
        app.console.warning(_warning(identity, source))
    if identity.ends_soon(app.clock()):
        app.console.warning(renewal_warning({identity.name or "": identity.renewable_until or 0}))
    if as_json:
        app.console.json(identity.as_json())
    elif identity.source is not None:
        app.console.data(identity.as_text())
    if problem is not None:
        raise problem
    app.active.require()
    if not identity.state.is_usable:
        app.console.error(_advice(app, identity))
    return identity.state.is_usable or DetailedExit.AUTHENTICATION


def _identity(app: AppContext, active: ResolvedConfig) -> Identity:
    return identify(active, app.store.load(), app.environ, app.clock(), app.known_directory_choice)


def _verified(app: AppContext, identity: Identity) -> Tuple[Identity, Optional[CliError]]:
    """The identity after one call, and the error if the call failed."""
    from cloudinary_cli.sdk import loader
    from cloudinary_cli.sdk.call import call_api

    try:
        app.sdk_config  # noqa: B018 - installs it
        call_api(loader.module("admin").ping)
    except AuthenticationError as error:
        refused = State.NEEDS_LOGIN if identity.type == "oauth" else State.INVALID
        return identity._replace(state=refused, verified=False), error
    except ReloginRequired as error:
        return identity._replace(state=State.NEEDS_LOGIN, verified=False), error
    except CliError as error:
        return identity, error  # no response, or one that says nothing about the credential
    return _reloaded(app, identity)._replace(state=State.VALID, verified=True), None


def _reloaded(app: AppContext, identity: Identity) -> Identity:
    """The identity from config.json after the call, which may have renewed the token."""
    try:
        again = resolve(app.selection, app.store.load_fresh(), app.environ, lambda: app.directory_choice)
    except ConfigError:
        return identity
    return _identity(app, again)


def _warning(identity: Identity, source: str) -> str:
    phrases = {"default": "the stored default", "directory": "that of this directory"}
    chosen_by = phrases.get(identity.chosen_by or "", identity.chosen_by)
    used = f"{chosen_by} comes first ('{shown(identity.name)}')" if identity.name else f"{chosen_by} comes first"
    if source == "default":
        return f"The stored default is not used: {used}."
    if source == "directory":
        return f"The configuration of this directory (cld config --local) is not used: {used}."
    return f"{source} is set in the environment and not used: {used}."


def _advice(app: AppContext, identity: Identity) -> str:
    if app.active.name is None:
        return f"The token from {identity.chosen_by} has expired. Log in: cld login"
    from cloudinary_cli.auth.use_cases import relogin_command

    command = shown(relogin_command(app.store, app.active.name))
    return f"The login '{shown(identity.name)}' can no longer be renewed. Run: {command}"
