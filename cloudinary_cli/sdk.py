"""The one room for the SDK's privates and globals: loading it, installing a configuration, finding methods."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import urlsplit

from cloudinary_cli import defaults
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ConfigError
from cloudinary_cli.utils import config_url
from cloudinary_cli.utils.config_check import check_settings
from cloudinary_cli.utils.config_resolver import ResolvedConfig, Source
from cloudinary_cli.utils.config_utils import ConfigStore
from cloudinary_cli.utils.env_config import env_config_error, hidden_environment, import_sdk

_API_MODULES = {
    "admin": "cloudinary.api",
    "uploader": "cloudinary.uploader",
    "provisioning": "cloudinary.provisioning.account",
    "utils": "cloudinary.utils",
}

# The utility module is mostly internals; these are the ones a user has a use for.
_UTILS_METHODS = (
    "api_sign_request",
    "cloudinary_url",
    "download_archive_url",
    "download_backedup_asset",
    "download_folder",
    "download_zip_url",
    "private_download_url",
    "verify_api_response_signature",
    "verify_notification_signature",
)

# Building blocks of the SDK that stand among its API methods. Running them by a slip of the finger helps nobody.
_INTERNAL = frozenset(
    """call_api call_json_api call_metadata_api call_cacheable_api call_tags_api call_context_api only
    transformation_string account_config reset_config upload_large_part upload_image upload_resource build_eager
    is_appengine_sandbox""".split()
)


def load() -> Any:
    """The `cloudinary` package, imported without its reading of the environment."""
    return import_sdk()


def module(api: str) -> Any:
    """The SDK module of "admin", "uploader", "provisioning" or "utils"."""
    return import_sdk(_API_MODULES[api])


def activate(resolved: ResolvedConfig, store: ConfigStore) -> Any:
    """Make the resolved configuration the SDK's active one, with the CLI's connector. Returns the OAuthConfig.

    :raises ConfigError: when a setting cannot be used, as found by check_settings().
    """
    from cloudinary_cli.auth import oauth_config

    check_settings(resolved.fields)
    if resolved.source is Source.SAVED and resolved.url is not None:
        config = oauth_config.install_oauth_config(resolved.url, resolved.name, store)
    else:
        config = oauth_config.install_fields(dict(resolved.fields))
    _warn_of_clear_text(resolved)
    install_transport(config.api_proxy, config.timeout)
    return config


def other_config(resolved: ResolvedConfig, store: ConfigStore) -> Any:
    """The OAuthConfig of an account besides the active one: nothing is installed. A saved login renews itself.

    :raises ConfigError: when a setting cannot be used, as found by check_settings().
    """
    from cloudinary_cli.auth.oauth_config import OAuthConfig

    check_settings(resolved.fields)
    _warn_of_clear_text(resolved)
    if resolved.name is not None and resolved.url is not None and config_url.is_oauth_url(resolved.url):
        return OAuthConfig.bind_saved(resolved.name, resolved.url, store)
    return OAuthConfig(resolved.fields)


def _warn_of_clear_text(resolved: ResolvedConfig) -> None:
    parts = urlsplit(str(resolved.fields.get("upload_prefix") or ""))
    if parts.scheme == "http" and not defaults.is_loopback_host(parts.hostname):
        logger.warning("upload_prefix is not https: credentials travel to %s in clear.", parts.hostname)


def activate_anonymous(environ: Mapping[str, str], fields: Optional[Mapping[str, Any]] = None) -> Any:
    """Install an SDK config without credentials, for public calls.

    :param fields: of the active configuration: its API host and proxy are used. Without a host there, the one of the
        environment is.
    :raises ConfigError: for an invalid CLOUDINARY_UPLOAD_PREFIX.
    """
    from cloudinary_cli.auth import oauth_config

    fields = fields or {}
    prefix = fields.get("upload_prefix") or defaults.upload_prefix_override(environ)
    config = oauth_config.install_fields({"upload_prefix": prefix} if prefix else {})
    install_transport(fields.get("api_proxy"))
    return config


def install_account(environ: Mapping[str, str]) -> None:
    """Give the SDK the account of CLOUDINARY_ACCOUNT_URL, for the Provisioning API.

    :raises ConfigError: when the variable is missing or invalid.
    """
    url = environ.get("CLOUDINARY_ACCOUNT_URL")
    if not url:
        raise ConfigError(
            "No provisioning account configured. Set CLOUDINARY_ACCOUNT_URL=account://<api_key>:<api_secret>@<account_id>."
        )
    problem = env_config_error("CLOUDINARY_ACCOUNT_URL", environ)
    if problem:
        raise ConfigError(problem)
    account = config_url.parse_account_url(url)
    with hidden_environment():
        config = import_sdk("cloudinary.provisioning.account_config").AccountConfig()
    config.update(**account._asdict())
    import_sdk("cloudinary.provisioning.account_config")._account_config = config


def install_transport(api_proxy: Optional[str] = None, timeout: Any = None, **options: Any) -> Any:
    """Replace the three HTTP connectors that the SDK made at import: they have no timeout and follow redirects.

    :param timeout: the configuration's own, in seconds; the SDK hands it to the Admin API only.
    :param options: further ones of the Connector, which is returned.
    """
    from cloudinary_cli.sdk_transport import Connector

    connector = Connector(api_proxy, timeout, **options)
    import_sdk("cloudinary.provisioning")  # first: imported from the other end, its modules form a cycle
    for name in ("cloudinary.uploader", "cloudinary.api_client.call_api", "cloudinary.api_client.call_account_api"):
        import_sdk(name)._http = connector
    return connector


def is_valid_cloudinary_config() -> bool:
    """True when the SDK's active config has the shape of a usable one; no network."""
    config = load().config()
    return bool(config.cloud_name and (config.has_oauth or (config.api_key and config.api_secret)))


def api_methods(api: str) -> Dict[str, Callable[..., Any]]:
    """Name -> function of the methods a user may call, sorted by name."""
    members = vars(module(api))
    if api == "utils":
        return {name: members[name] for name in _UTILS_METHODS}
    return {
        name: member
        for name, member in sorted(members.items())
        if name[0].islower() and name not in _INTERNAL and inspect.isfunction(member) and _is_own(member)
    }


def _is_own(function: Callable[..., Any]) -> bool:
    # A method is defined in one of the SDK's API modules; helpers come from cloudinary.utils or outside.
    return (
        function.__module__ in _API_MODULES.values()
        and function.__module__ != _API_MODULES["utils"]
        or (function.__module__.startswith("cloudinary.api_client.") and function.__name__.endswith("_rules_api"))
    )
