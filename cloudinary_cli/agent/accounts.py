"""Creates an account or a Claimable Cloud, and saves its configuration."""

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
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import ApiError, CliError, ConfigError
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.sdk.call import call_api

# The server generates an address in this domain if no e-mail was given. It receives no mail.
_PLACEHOLDER_DOMAIN = "@cloud.cloudinary.invalid"


@dataclass(frozen=True)
class Created:
    """The response of a provisioning call, and the query parameters for its saved URL."""

    response: Mapping[str, Any] = field(repr=False)
    environment: Mapping[str, Any] = field(repr=False)
    parameters: Mapping[str, str]

    @property
    def cloud_name(self) -> str:
        return text(self.environment.get("cloud_name"))

    def url(self) -> str:
        """The configuration URL.

        :raises CliError: the response lacks a part of it, or has an invalid one.
        """
        key, secret = text(self.environment.get("api_key")), text(self.environment.get("api_secret"))
        if not (self.cloud_name and key and secret):
            raise CliError("The response has no complete credentials, so nothing was saved.")
        name = config_url.validate_cloud_name(self.cloud_name)
        return config_url.build_config_url(name, self.parameters, key, secret)

    def shown_response(self, show_secret: bool) -> Dict[str, Any]:
        """The response as JSON, with masked secrets unless `show_secret` is True."""
        return {key: value if show_secret else masked_value(key, value) for key, value in self.response.items()}


@dataclass(frozen=True)
class SavePlan:
    """How to save a new configuration. Its default name is the cloud name."""

    name: Optional[str] = None
    set_default: bool = False
    save: bool = True
    may_overwrite: bool = False


@dataclass(frozen=True)
class SaveResult:
    """The result of saving. `taken` is the requested name if it was already in use."""

    saved: bool = False
    name: Optional[str] = None
    default: DefaultStatus = DefaultStatus.NO
    taken: Optional[str] = None
    overwrote: bool = False


# -- creating


def create_account(arguments: Mapping[str, Any], app: AppContext) -> Created:
    """Create an account. Its credentials do not work until the e-mail address is confirmed.

    :raises CliError: the server rejected the call or could not be reached.
    """
    response, host = _call("create_agent_account", arguments, app, explain_signup)
    environments = response.get("product_environments")
    first = environments[0] if isinstance(environments, list) and environments else None
    email = (text(response.get("email")) or text(arguments.get("email"))).strip().lower()
    return Created(response, first if isinstance(first, dict) else {}, {"account_email": email, **host})


def create_cloud(arguments: Mapping[str, Any], app: AppContext) -> Created:
    """Create a Claimable Cloud. Its credentials work immediately.

    :raises CliError: the server rejected the call or could not be reached.
    """
    response, host = _call("create_cloud", arguments, app, explain_cloud)
    parameters = {key: text(response.get(key)) for key in ("claim_url", "expires_at", "account_id", "delivery_ips")}
    email = text(response.get("email")).strip().lower()
    parameters["cloud_email"] = "" if email.endswith(_PLACEHOLDER_DOMAIN) else email
    return Created(response, response, {**{key: value for key, value in parameters.items() if value}, **host})


def _call(
    method: str, arguments: Mapping[str, Any], app: AppContext, explain: Callable[[ApiError], str]
) -> Tuple[Mapping[str, Any], Dict[str, str]]:
    """Return the response, and the query parameters for the API host that sent it.

    The call uses the API host of the active configuration, if there is one. The host is saved with the new cloud,
    because a saved configuration does not use the environment.
    """
    config = activation.activate_anonymous(app.environ, _active_fields(app))
    given = {key: value for key, value in arguments.items() if value}
    try:
        response: Mapping[str, Any] = call_api(loader.api_methods("provisioning")[method], **given)
    except ApiError as error:
        raise ApiError(explain(error), error.status) from error
    return dict(response), {"upload_prefix": config.upload_prefix} if config.upload_prefix else {}


def _active_fields(app: AppContext) -> Mapping[str, Any]:
    """The fields of the active configuration, or nothing if there is no usable one; the call does not need it."""
    try:
        return app.active.fields
    except ConfigError:
        return {}


# -- saving


def check_new_name(store: ConfigStore, name: str, may_overwrite: bool) -> None:
    """Check a --name before the account or cloud is created.

    :raises ConfigError: the name belongs to a login, or is in use and must not be overwritten.
    """
    entry = store.load().get(name)
    if entry is None:
        return
    if config_url.is_login(entry):
        raise ConfigError(f"'{name}' is a login, which cannot be overwritten. Choose another --name.")
    if not may_overwrite:
        raise ConfigError(f"A configuration named '{name}' exists already. Choose another --name.")


def find_email(snapshot: Mapping[str, Any], email: str) -> Optional[str]:
    """The name of the saved configuration whose account or cloud was created with this e-mail, if any."""
    wanted = email.strip().lower()
    for name in config_rules.user_config_names(snapshot):
        parsed = config_url.try_parse(snapshot[name])
        known = (parsed.get("account_email"), parsed.get("cloud_email")) if parsed else ()
        if wanted in [address.strip().lower() for address in known]:
            return name
    return None


def save(store: ConfigStore, created: Created, plan: SavePlan, environ: Mapping[str, str]) -> SaveResult:
    """Save the new configuration and update the default in one write, without replacing a name that is in use.

    An existing API-key configuration is replaced only if `plan.may_overwrite` is True.

    :raises CliError: the response has no credentials, or the file cannot be written.
    """
    if not plan.save:
        return SaveResult()
    url, wanted = created.url(), plan.name or created.cloud_name
    env_configured = environment_is_configured(environ)
    with store.transaction() as cfg:
        overwrites = wanted in cfg and plan.may_overwrite and not config_url.is_login(cfg[wanted])
        name = wanted if overwrites else _free_name(cfg, wanted)
        status = config_rules.put_entry(cfg, name, url, plan.set_default, env_configured)
    return SaveResult(True, name, status, None if name == wanted else wanted, overwrites)


def _free_name(cfg: Mapping[str, Any], wanted: str) -> str:
    name, number = wanted, 1
    while name in cfg:
        number += 1
        name = f"{wanted}-{number}"
    return name
