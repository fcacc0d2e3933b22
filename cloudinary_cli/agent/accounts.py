"""Use cases of `cld agent`: create an account or a Claimable Cloud, and save it; prints nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from cloudinary_cli.agent.responses import explain_cloud, explain_signup, text
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import environment_is_configured
from cloudinary_cli.config.rules import DefaultStatus
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.view import masked_value
from cloudinary_cli.errors import ApiError, CliError, ConfigError
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.sdk.call import call_api

# The server's stand-in where no e-mail was given: it reaches nobody.
_PLACEHOLDER_DOMAIN = "@cloud.cloudinary.invalid"


@dataclass(frozen=True)
class Created:
    """What a provisioning call answered, and the query keys that its saved URL gets."""

    reply: Mapping[str, Any] = field(repr=False)
    environment: Mapping[str, Any] = field(repr=False)
    parameters: Mapping[str, str]

    @property
    def cloud_name(self) -> str:
        return text(self.environment.get("cloud_name"))

    def url(self) -> str:
        """The configuration URL.

        :raises CliError: the reply lacks a part of it, or has an unusable one.
        """
        key, secret = text(self.environment.get("api_key")), text(self.environment.get("api_secret"))
        if not (self.cloud_name and key and secret):
            raise CliError("The reply has no complete credentials, so nothing was saved.")
        name = config_url.validate_cloud_name(self.cloud_name)
        return config_url.build_config_url(name, self.parameters, key, secret)

    def shown_reply(self, show_secret: bool) -> Dict[str, Any]:
        """The reply as JSON, its secrets masked unless they are to be shown."""
        return {key: value if show_secret else masked_value(key, value) for key, value in self.reply.items()}


@dataclass(frozen=True)
class SavePlan:
    """How a new configuration shall be saved; without a name it gets the cloud's."""

    name: Optional[str] = None
    set_default: bool = False
    save: bool = True
    may_overwrite: bool = False


@dataclass(frozen=True)
class SaveResult:
    """What saving did. `taken` is the name that was wanted and already in use."""

    saved: bool = False
    name: Optional[str] = None
    default: DefaultStatus = DefaultStatus.NO
    taken: Optional[str] = None
    overwrote: bool = False


# -- creating


def create_account(arguments: Mapping[str, Any], app: Any) -> Created:
    """Sign up. The credentials are inert until the e-mail is confirmed.

    :raises CliError: refused or not reached.
    """
    reply, host = _call("create_agent_account", arguments, app, explain_signup)
    environments = reply.get("product_environments")
    first = environments[0] if isinstance(environments, list) and environments else None
    email = (text(reply.get("email")) or text(arguments.get("email"))).strip().lower()
    return Created(reply, first if isinstance(first, dict) else {}, {"account_email": email, **host})


def create_cloud(arguments: Mapping[str, Any], app: Any) -> Created:
    """Create a Claimable Cloud, whose credentials work at once.

    :raises CliError: refused or not reached.
    """
    reply, host = _call("create_cloud", arguments, app, explain_cloud)
    parameters = {key: text(reply.get(key)) for key in ("claim_url", "expires_at", "account_id", "delivery_ips")}
    email = text(reply.get("email")).strip().lower()
    parameters["cloud_email"] = "" if email.endswith(_PLACEHOLDER_DOMAIN) else email
    return Created(reply, reply, {**{key: value for key, value in parameters.items() if value}, **host})


def _call(
    method: str, arguments: Mapping[str, Any], app: Any, explain: Callable[[ApiError], str]
) -> Tuple[Mapping[str, Any], Dict[str, str]]:
    """The reply, and the query keys of the host that gave it.

    The call goes to the API host of the active configuration, if there is one, and a cloud's host is saved with it: a
    saved configuration takes nothing from the environment.
    """
    config = activation.activate_anonymous(app.environ, _active_fields(app))
    given = {key: value for key, value in arguments.items() if value}
    try:
        reply: Mapping[str, Any] = call_api(loader.api_methods("provisioning")[method], **given)
    except ApiError as error:
        raise ApiError(explain(error), error.status) from error
    return dict(reply), {"upload_prefix": config.upload_prefix} if config.upload_prefix else {}


def _active_fields(app: Any) -> Mapping[str, Any]:
    """The fields of the active configuration; empty when none can be used, because none is needed here."""
    try:
        fields: Mapping[str, Any] = app.active.fields
    except ConfigError:
        return {}
    return fields


# -- saving


def check_new_name(store: ConfigStore, name: str, may_overwrite: bool) -> None:
    """Refuse a --name before anything is created under it.

    :raises ConfigError: it is taken, by a login or without the right to overwrite.
    """
    entry = store.load().get(name)
    if entry is None:
        return
    if config_url.is_oauth_url(entry):
        raise ConfigError(f"'{name}' is a login, and is not overwritten. Choose another --name.")
    if not may_overwrite:
        raise ConfigError(f"A configuration named '{name}' exists already. Choose another --name.")


def find_email(snapshot: Mapping[str, Any], email: str) -> Optional[str]:
    """Name of the saved configuration whose account or cloud was created with this e-mail."""
    wanted = email.strip().lower()
    for name in config_rules.user_config_names(snapshot):
        parsed = config_url.try_parse(snapshot[name])
        known = (parsed.get("account_email"), parsed.get("cloud_email")) if parsed else ()
        if wanted in [address.strip().lower() for address in known]:
            return name
    return None


def save(store: ConfigStore, created: Created, plan: SavePlan, environ: Mapping[str, str]) -> SaveResult:
    """Save the new configuration and apply the default rules, in one write. Nothing that is in use is lost.

    :raises CliError: no credentials in the reply, or the file cannot be written.
    """
    if not plan.save:
        return SaveResult()
    url, wanted = created.url(), plan.name or created.cloud_name
    env_configured = environment_is_configured(environ)
    with store.transaction() as cfg:
        overwrites = wanted in cfg and plan.may_overwrite and not config_url.is_oauth_url(cfg[wanted])
        name = wanted if overwrites else _free_name(cfg, wanted)
        status = config_rules.put_entry(cfg, name, url, plan.set_default, env_configured)
    return SaveResult(True, name, status, None if name == wanted else wanted, overwrites)


def _free_name(cfg: Mapping[str, Any], wanted: str) -> str:
    name, number = wanted, 1
    while name in cfg:
        number += 1
        name = f"{wanted}-{number}"
    return name
