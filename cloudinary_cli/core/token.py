"""`cld token`: prints a valid access token, for programs that call the API themselves."""

from __future__ import annotations

import shlex
from typing import Any, Optional

import click

from cloudinary_cli.auth.identity import SCHEMA_VERSION, rfc3339
from cloudinary_cli.command import CldCommand, completion_of
from cloudinary_cli.config.resolver import ResolvedConfig
from cloudinary_cli.config.url import build_config_url
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import chosen_config, shown
from cloudinary_cli.errors import ConfigError, ReloginRequired


@click.command("token", cls=CldCommand)
@click.argument("name", required=False, shell_complete=completion_of("login_names"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["env", "header", "json"]),
    help="env: a line for a shell that sets CLOUDINARY_URL; header: an Authorization header; json: as --json.",
)
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON with the token and when it expires.")
@click.pass_obj
def token(app: AppContext, name: Optional[str], form: Optional[str], as_json: bool) -> bool:
    """Print an access token of the login NAME (default: the active one), renewed if it is stale.

    The token is a secret until it expires: keep it out of logs. API keys have no access token.

    \b
    cld token work
    curl -H "Authorization: Bearer $(cld token)" https://api.cloudinary.com/v1_1/CLOUD/usage
    """
    from cloudinary_cli.auth.session import from_fields
    from cloudinary_cli.sdk.activation import other_config

    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} cannot be combined.")
    chosen = _chosen(app, name)
    config = other_config(chosen, app.store)
    value = config.oauth_token
    expires_at = from_fields(vars(config)).expires_at or None
    if expires_at is not None and expires_at <= app.clock():
        raise ReloginRequired(_expired(app, chosen))
    if as_json or form == "json":
        fields = {"schema_version": SCHEMA_VERSION, "name": chosen.name, "cloud_name": chosen.cloud_name}
        fields.update(access_token=value, token_type="Bearer")
        app.console.json({**fields, "expires_at": expires_at, "expires_at_utc": rfc3339(expires_at)})
    else:
        app.console.data(_text(str(value), config, form))
    config.flush()
    return True


def _text(value: str, config: Any, form: Optional[str]) -> str:
    if form == "header":
        return f"Authorization: Bearer {value}"
    if form is None:
        return value
    fields = {"oauth_token": value, "upload_prefix": config.upload_prefix}
    url = build_config_url(config.cloud_name, {key: field for key, field in fields.items() if field})
    return f"export CLOUDINARY_URL={shlex.quote(url)}"


def _chosen(app: AppContext, name: Optional[str]) -> ResolvedConfig:
    """The login whose token is printed.

    :raises ConfigError: the configuration uses an API key.
    """
    chosen = chosen_config(app, name, "login")
    if not chosen.has_oauth:
        config = f"'{shown(chosen.name)}'" if chosen.name else f"The configuration from {chosen.chosen_by}"
        raise ConfigError(f"{config} uses an API key, which has no access token. Log in with: cld login")
    return chosen


def _expired(app: AppContext, chosen: ResolvedConfig) -> str:
    if chosen.name is None:
        return f"The token from {chosen.chosen_by} has expired and cannot be renewed. Log in: cld login"
    from cloudinary_cli.auth.use_cases import relogin_command

    command = shown(relogin_command(app.store, chosen.name))
    return f"The token of '{shown(chosen.name)}' has expired and could not be renewed. Run: {command}"
