"""`cld config -n` and `-url`: check a URL with a ping and save it. A login is replaced only on confirmation."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import click

from cloudinary_cli.config import resolver as config_resolver
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import environment_is_configured
from cloudinary_cli.config.resolver import Selection
from cloudinary_cli.config.rules import DefaultStatus
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import ConfigOptions, quoted, shown
from cloudinary_cli.errors import ConfigError, Declined, InvalidConfigUrl

_VARIABLE = "CLOUDINARY_URL="


def create(app: AppContext, options: ConfigOptions) -> int:
    """Save a URL that the Admin API accepts; exit status 1 when a replaced login was not revoked.

    :raises CliError: the Admin API does not accept it.
    """
    from cloudinary_cli.sdk import activation, loader
    from cloudinary_cli.sdk.call import call_api

    name, url = _name_and_url(app, options)
    agreed = options.force or _agrees_to_replace(app, name, url)
    given = config_resolver.resolve(Selection(config=url), {}, {})._replace(chosen_by="the URL")  # it is not from -c
    activation.activate(given, app.store)
    call_api(loader.module("admin").ping)
    status, revoked = _save(app, name, url, options.set_default, agreed)
    if options.json:
        app.console.json({"name": name, "outcome": "saved", "default": status is not DefaultStatus.NO})
    else:
        _tell(app, name, status, revoked)
    return 1 if revoked is False else 0


def _name_and_url(app: AppContext, options: ConfigOptions) -> Tuple[str, str]:
    name, url = options.new if options.new is not None else ("", options.from_url or "")
    label = "-url" if options.new is None else "-n"
    if config_rules.is_reserved_config_name(name):
        raise click.BadParameter(
            f"'{shown(name)}' is reserved (two underscores on both sides). Choose another.", param_hint=label
        )
    if url == "-":
        url = app.console.read_secret("CLOUDINARY_URL: ") or ""
    url = url.strip()
    url = url[len(_VARIABLE) :] if url.startswith(_VARIABLE) else url
    try:
        config_url.validate_config_url(url)
    except InvalidConfigUrl as error:
        raise click.BadParameter(str(error), param_hint=label) from None
    if not config_resolver.resolve(Selection(config=url), {}, {}).is_usable:
        expected = config_url.URL_SHAPE
        raise click.BadParameter(f"the URL has no API key and secret. Expected {expected}.", param_hint=label)
    return config_rules.check_config_name(name or config_url.cloud_name_from_url(url)), url


def _agrees_to_replace(app: AppContext, name: str, url: str) -> bool:
    """True when the user agreed to replace a login; False when there is no login.

    :raises CliError: the user did not agree.
    """
    if not _is_other_login(app.store.load().get(name), url):
        return False
    if not app.console.is_interactive():
        raise _refusal(name)
    if not app.console.confirm(f"'{shown(name)}' is a login. Revoke it and save this URL instead?"):
        raise Declined("Nothing was changed.")
    return True


def _refusal(name: str) -> ConfigError:
    return ConfigError(
        f"'{shown(name)}' is a login. Run `cld logout {quoted(name)}` first, or add --force to revoke and replace it."
    )


def _is_other_login(entry: Any, url: str) -> bool:
    """True when saving `url` over `entry` would lose a refresh token."""
    if not config_url.is_login(entry):
        return False
    saved = config_url.try_parse(entry)  # None: it repeats a setting
    return saved is None or saved.get("refresh_token") != config_url.parse(url).get("refresh_token")


def _save(app: AppContext, name: str, url: str, is_default: bool, agreed: bool) -> Tuple[DefaultStatus, Optional[bool]]:
    """Save, then revoke the replaced login. The second result is None when there was no login."""
    env_configured = environment_is_configured(app.environ)
    with app.store.transaction() as cfg:
        replaced = cfg.get(name)
        if _is_other_login(replaced, url) and not agreed:
            raise _refusal(name)  # the login was saved during the ping
        status = config_rules.put_entry(cfg, name, url, is_default, env_configured)
    if not _is_other_login(replaced, url):
        return status, None
    from cloudinary_cli.auth.use_cases import revoke_replaced_entry

    return status, revoke_replaced_entry(app.store, str(replaced))


def _tell(app: AppContext, name: str, status: DefaultStatus, revoked: Optional[bool]) -> None:
    app.console.info(f"Config '{shown(name)}' saved!" + (" The login it held was revoked." if revoked else ""))
    app.console.info(f"Example usage: cld -C {quoted(name)} <command>")
    if status is not DefaultStatus.NO:
        both = f"cld <command> and cld -C {quoted(name)} <command>"
        app.console.info(f"'{shown(name)}' is the default configuration: {both} both use it.")
