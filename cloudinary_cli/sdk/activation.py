"""Installs a configuration and the CLI's connector in the SDK."""

from __future__ import annotations

from typing import Any, Mapping, Optional
from urllib.parse import urlsplit

from cloudinary_cli import defaults
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.check import check_settings
from cloudinary_cli.config.environment import env_config_error
from cloudinary_cli.config.resolver import ResolvedConfig, Source
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ConfigError
from cloudinary_cli.system.sdk_import import hidden_environment, import_sdk


def activate(resolved: ResolvedConfig, store: ConfigStore) -> Any:
    """Install a configuration as the SDK's active one, with the CLI's connector. Returns the OAuthConfig.

    :raises ConfigError: check_settings() has found an unusable setting.
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
    """An OAuthConfig for an account other than the active one, which stays installed. A stale login is refreshed.

    :raises ConfigError: check_settings() has found an unusable setting.
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
        logger.warning("upload_prefix is not https: credentials are sent to %s in clear text.", parts.hostname)


def activate_anonymous(environ: Mapping[str, str], fields: Optional[Mapping[str, Any]] = None) -> Any:
    """Install an SDK configuration without credentials, for public calls.

    :param fields: of the active configuration. Its API host and proxy are used; the default host is that of the
        environment.
    :raises ConfigError: CLOUDINARY_UPLOAD_PREFIX is invalid.
    """
    from cloudinary_cli.auth import oauth_config

    fields = fields or {}
    prefix = fields.get("upload_prefix") or defaults.upload_prefix_override(environ)
    config = oauth_config.install_fields({"upload_prefix": prefix} if prefix else {})
    install_transport(fields.get("api_proxy"))
    return config


def install_account(environ: Mapping[str, str]) -> None:
    """Install the account of CLOUDINARY_ACCOUNT_URL in the SDK, for the Provisioning API.

    :raises ConfigError: the variable is missing or invalid.
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
    """Replace the SDK's three HTTP connectors, which have no timeout and follow redirects. Returns the new one.

    :param timeout: of the configuration, in seconds. The SDK itself uses it only for the Admin API.
    :param options: further arguments of the Connector.
    """
    from cloudinary_cli.net.connector import Connector

    connector = Connector(api_proxy, timeout, **options)
    import_sdk("cloudinary.provisioning")  # first: its modules form an import cycle that fails in any other order
    for name in ("cloudinary.uploader", "cloudinary.api_client.call_api", "cloudinary.api_client.call_account_api"):
        import_sdk(name)._http = connector
    return connector
