"""The use case of `cld exec`: run a command whose Cloudinary SDK uses a configuration of this program."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional
from urllib.parse import quote, urlencode

from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import is_own_variable
from cloudinary_cli.config.resolver import ENVIRONMENT_NAME, ResolvedConfig
from cloudinary_cli.errors import ReloginRequired
from cloudinary_cli.system.child import run_command

# Some programs check that there is a token. The proxy replaces it.
PLACEHOLDER_TOKEN = "proxied"  # noqa: S105
_CONNECTIONS = 64
# The account of the Provisioning API, which a login does not replace, and a variable that names no account.
_KEPT = frozenset(["CLOUDINARY_ACCOUNT_URL", "CLOUDINARY_HOME"])


def run_with_login(
    chosen: ResolvedConfig, config: Any, command: List[str], environ: Mapping[str, str], report: Callable[[str], None]
) -> int:
    """Run a command with a proxy to the API of a login. Returns the command's exit status.

    :param config: the OAuthConfig of `chosen`.
    :raises ReloginRequired: the login's token has expired and cannot be refreshed. The command is not started.
    """
    from cloudinary_cli.proxy.forward import Forwarder
    from cloudinary_cli.proxy.server import HOST, ProxyServer

    if not config.oauth_token:  # reading it refreshes a stale one
        raise ReloginRequired("The login has no access token. Log in again: cld login")
    server = ProxyServer()
    try:
        server.start(Forwarder(config, server.nonce, _CONNECTIONS))
        url = proxied_url(chosen.cloud_name, server.url)
        return run_command(command, child_environment(environ, url, chosen.name, HOST), report)
    finally:
        server.close()
        config.flush()


def run_with_key(
    chosen: ResolvedConfig, command: List[str], environ: Mapping[str, str], report: Callable[[str], None]
) -> int:
    """Run a command with an API-key configuration in CLOUDINARY_URL. Returns the command's exit status."""
    url = chosen.url or (environ["CLOUDINARY_URL"] if chosen.chosen_by == "CLOUDINARY_URL" else _url_of_fields(chosen))
    return run_command(command, child_environment(environ, url, chosen.name), report)


def _url_of_fields(chosen: ResolvedConfig) -> str:
    """The CLOUDINARY_URL of the variables CLOUDINARY_CLOUD_NAME and so on."""
    fields = dict(chosen.fields)
    cloud, key, secret = (fields.pop(name, None) for name in ("cloud_name", "api_key", "api_secret"))
    # For an SDK, the values of a URL are text, and the text "False" is true.
    given = {name: value for name, value in fields.items() if value is not False}
    return config_url.build_config_url(str(cloud), given, key, secret)


def proxied_url(cloud_name: str, upload_prefix: str) -> str:
    """A CLOUDINARY_URL that directs an SDK to the proxy. It contains no token of the login."""
    query = urlencode({"oauth_token": PLACEHOLDER_TOKEN, "upload_prefix": upload_prefix})
    return f"cloudinary://{quote(cloud_name, safe='')}?{query}"


def child_environment(
    environ: Mapping[str, str], url: str, name: Optional[str], direct_host: str = ""
) -> Dict[str, str]:
    """The environment of the child: this one, with its Cloudinary account replaced.

    :param name: of the saved configuration, for a child that is `cld` itself, where a stored default takes precedence
        over CLOUDINARY_URL.
    :param direct_host: a host that the child must not reach through an HTTP proxy.
    """
    child = {key: value for key, value in environ.items() if not key.startswith("CLOUDINARY_") or _is_kept(key)}
    child["CLOUDINARY_URL"] = url
    child[config_url.CONFIG_NAME_VARIABLE] = ENVIRONMENT_NAME if name is None else name
    if direct_host:
        # Many programs ignore NO_PROXY if no_proxy is set, so each of them gets the hosts of the other one.
        for variable, other in (("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")):
            hosts = environ.get(variable) or environ.get(other) or ""
            child[variable] = hosts if hosts == "*" else ",".join(filter(None, [hosts, direct_host]))
    return child


def _is_kept(name: str) -> bool:
    is_choice = name in ("CLOUDINARY_URL", config_url.CONFIG_NAME_VARIABLE)
    return name in _KEPT or (is_own_variable(name) and not is_choice)
