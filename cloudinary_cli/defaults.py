"""Constants, messages, and the mapping of a region to its hosts.

The environment is read inside functions, at call time. CLOUDINARY_HOME, CLOUDINARY_CLI_CONFIG_FILE,
OLD_CLOUDINARY_CLI_CONFIG_FILE, CLOUDINARY_REGION and the OAUTH_* names that a variable overrides are computed on
each access (PEP 562), so a changed environment takes effect.
"""

from __future__ import annotations

import logging
import os
import re
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional

from cloudinary_cli.errors import ConfigError, NoHomeDirectory

logger = logging.getLogger("cloudinary_cli")

DEFAULT_CONFIG_KEY = "__default__"
DEFAULT_REGION = "api"

OAUTH_DEFAULT_CLIENT_ID = "a920ea9c-531b-4613-9783-1d4f4cc10655"
OAUTH_DEFAULT_SCOPES = "openid offline_access asset_management upload"
OAUTH_DEFAULT_REDIRECT_HOST = "127.0.0.1"
OAUTH_DEFAULT_REDIRECT_PORT = 49421
OAUTH_CALLBACK_PATH = "/callback"
OAUTH_CALLBACK_TIMEOUT_SECONDS = 300
OAUTH_EXPIRY_SKEW_SECONDS = 30
OAUTH_HTTP_TIMEOUT_SECONDS = 30
# At exit, the process waits this many seconds for a token request in another thread, and for the write after it.
EXIT_WAIT_SECONDS = 2 * OAUTH_HTTP_TIMEOUT_SECONDS + 15.0
# Internal fields of a login: stored in its entry and shown by `config`, but never passed to an API call.
OAUTH_INTERNAL_KEYS = (
    "refresh_token",
    "issued_at",
    "expires_at",
    "region",
    "issuer",
    "oauth_base_url",
    "refresh_state",
    "keyring",
    "scopes",
    "requested_scopes",
)

# A writer holds the file lock for milliseconds. A longer wait means that the process with the lock is suspended.
CONFIG_LOCK_TIMEOUT_SECONDS = 10.0
# A refresh holds its lock for at most two token requests of 30 s (the second after a lost response) and short writes.
REFRESH_LOCK_TIMEOUT_SECONDS = 75.0
KEYRING_TIMEOUT_SECONDS = 3.0

NO_CONFIG_MESSAGE = """No Cloudinary configuration found.
Set one up in one of these ways:
  - cld login
  - cld config -n <name> cloudinary://<api_key>:<api_secret>@<cloud_name> --set-default
  - cld config -d <name>   (makes a saved configuration the default)
  - cld agent signup <email> <framework> <model> <goal>
A script or a CI job can set CLOUDINARY_URL to such a URL instead."""

NO_DEFAULT_CONFIG_MESSAGE = """No Cloudinary configuration found: configurations are saved, but none is selected.
Choose one in one of these ways:
  - cld -C <name> <command>
  - cld config -d <name>   (makes it the default)
  - cld config -ls         (lists the saved ones)
For this shell alone: export CLOUDINARY_CONFIG_NAME=<name>"""

INCOMPLETE_CONFIG_MESSAGE = """The selected configuration is incomplete: it has a cloud name, but no credentials.
It needs either an API key and secret (cloudinary://<api_key>:<api_secret>@<cloud_name>) or a login (`cld login`)."""

_REGION = r"api(-[a-z0-9]+)*\Z"
_REGION_MAX_LENGTH = 40


def home_directory(environ: Optional[Mapping[str, str]] = None) -> str:
    """The directory of the CLI's files.

    An empty CLOUDINARY_HOME counts as unset, so that no secret is saved in the working directory.

    :raises NoHomeDirectory: CLOUDINARY_HOME is not set and the user has no home directory.
    """
    chosen = (os.environ if environ is None else environ).get("CLOUDINARY_HOME")
    return os.path.abspath(chosen) if chosen else os.path.join(user_home(), ".cloudinary-cli")


def user_home() -> str:
    """The user's home directory.

    :raises NoHomeDirectory: HOME is not set or not absolute, and the system's user database has no entry.
    """
    home = os.path.expanduser("~")  # returns "~" if there is none
    if not os.path.isabs(home):
        raise NoHomeDirectory(
            "There is no home directory for the configurations. "
            "Set HOME or CLOUDINARY_HOME to an absolute path: export CLOUDINARY_HOME=/path/to/directory"
        )
    return home


def config_file() -> str:
    """Absolute path of config.json."""
    return os.path.join(home_directory(), "config.json")


def legacy_config_file() -> str:
    """Path of the file in the old format, which does not depend on CLOUDINARY_HOME."""
    return os.path.join(user_home(), ".cloudinary-cli-config")


def normalize_region(region: Optional[str]) -> str:
    """`eu` -> `api-eu`, `api-eu` and `api` unchanged, blank -> `api`.

    :raises ConfigError: the result is not a valid host name label; the region becomes part of a host name.
    """
    text = (region or "").strip().lower()
    if not text:
        return DEFAULT_REGION
    normalized = text if text == DEFAULT_REGION or text.startswith("api-") else f"api-{text}"
    if not re.match(_REGION, normalized) or len(normalized) > _REGION_MAX_LENGTH:
        raise ConfigError(f"Invalid region {text!r}. Use letters, digits and dashes, for example: eu, ap, api-eu.")
    return normalized


def region_suffix(region: str) -> str:
    """`api-eu` -> `eu`; empty for the default region."""
    return region[len("api-") :] if region.startswith("api-") else ""


def api_host_for_region(region: Optional[str]) -> str:
    """Base URL of the API, without a final slash."""
    return f"https://{normalize_region(region)}.cloudinary.com"


def oauth_host_for_region(region: Optional[str]) -> str:
    """The host of the authorization server. Geographic regions (of two letters) share the central one."""
    suffix = region_suffix(normalize_region(region))
    return "oauth.cloudinary.com" if len(suffix) <= 2 else f"oauth-{suffix}.cloudinary.com"


def oauth_base_url_for_region(region: Optional[str]) -> str:
    """Base URL of the authorization server, without a final slash."""
    return f"https://{oauth_host_for_region(region)}"


def oauth_authorize_url_for_region(region: Optional[str]) -> str:
    return f"{oauth_base_url_for_region(region)}/oauth2/auth"


def oauth_token_url_for_region(region: Optional[str]) -> str:
    return f"{oauth_base_url_for_region(region)}/oauth2/token"


def oauth_revoke_url_for_region(region: Optional[str]) -> str:
    return f"{oauth_base_url_for_region(region)}/oauth2/revoke"


def is_loopback_host(host: Optional[str]) -> bool:
    """True for a loopback IP literal (RFC 8252 section 7.3). Host names are not resolved, so `localhost` is False."""
    import ipaddress

    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def validate_base_url(url: str, what: str) -> str:
    """Check the base URL of a server that may receive tokens: https, or http on loopback only.

    :param what: the name of the value in the error, for example an environment variable.
    :returns: the URL without a final slash.
    :raises ConfigError: for any other URL, and for one with user info, a query or a fragment.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{what} is not a valid URL.") from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host))
    if not host or not secure:
        raise ConfigError(f"{what} must be an https:// URL (http:// only for a loopback address such as 127.0.0.1).")
    if parts.username or parts.password or parts.query or parts.fragment or re.search(r"[\s\\\x00-\x1f]", url):
        raise ConfigError(f"{what} must be a plain base URL, without user, query or fragment.")
    return url.rstrip("/")


class OAuthSettings(NamedTuple):
    """The OAuth client's settings, from the environment or the built-in defaults."""

    client_id: str
    scopes: str
    redirect_host: str
    redirect_port: int

    @property
    def redirect_uri(self) -> str:
        host = f"[{self.redirect_host}]" if ":" in self.redirect_host else self.redirect_host
        return f"http://{host}:{self.redirect_port}{OAUTH_CALLBACK_PATH}"


def oauth_client_id(environ: Optional[Mapping[str, str]] = None) -> str:
    """CLOUDINARY_OAUTH_CLIENT_ID, or the built-in ID. A refresh and a revocation need no other setting."""
    return (os.environ if environ is None else environ).get("CLOUDINARY_OAUTH_CLIENT_ID") or OAUTH_DEFAULT_CLIENT_ID


def oauth_settings(environ: Optional[Mapping[str, str]] = None) -> OAuthSettings:
    """Read CLOUDINARY_OAUTH_*; an empty variable counts as unset.

    :raises ConfigError: the redirect host is not a loopback IP literal, or the port is not from 1 to 65535.
    """
    env = os.environ if environ is None else environ
    host = env.get("CLOUDINARY_OAUTH_REDIRECT_HOST") or OAUTH_DEFAULT_REDIRECT_HOST
    if not is_loopback_host(host):
        raise ConfigError("CLOUDINARY_OAUTH_REDIRECT_HOST must be a loopback IP address, such as 127.0.0.1 or ::1.")
    port = env.get("CLOUDINARY_OAUTH_REDIRECT_PORT") or str(OAUTH_DEFAULT_REDIRECT_PORT)
    if not re.match(r"[0-9]{1,5}\Z", port) or not 1 <= int(port) <= 65535:
        raise ConfigError("CLOUDINARY_OAUTH_REDIRECT_PORT must be a port number from 1 to 65535.")
    return OAuthSettings(
        client_id=oauth_client_id(env),
        scopes=env.get("CLOUDINARY_OAUTH_SCOPES") or OAUTH_DEFAULT_SCOPES,
        redirect_host=host,
        redirect_port=int(port),
    )


def oauth_base_url_override(environ: Optional[Mapping[str, str]] = None) -> Optional[str]:
    """CLOUDINARY_OAUTH_BASE_URL, validated; None when unset."""
    url = (os.environ if environ is None else environ).get("CLOUDINARY_OAUTH_BASE_URL")
    return validate_base_url(url, "CLOUDINARY_OAUTH_BASE_URL") if url else None


def upload_prefix_override(environ: Optional[Mapping[str, str]] = None) -> Optional[str]:
    """CLOUDINARY_UPLOAD_PREFIX, validated; None when unset. A login saves it as its API host."""
    url = (os.environ if environ is None else environ).get("CLOUDINARY_UPLOAD_PREFIX")
    return validate_base_url(url, "CLOUDINARY_UPLOAD_PREFIX") if url else None


def keyring_timeout() -> float:
    """Time limit of a keychain call in seconds: CLOUDINARY_CLI_KEYRING_TIMEOUT, or 3.

    :raises ConfigError: the variable is not a number above 0 and up to 600.
    """
    text = os.environ.get("CLOUDINARY_CLI_KEYRING_TIMEOUT")
    if not text:
        return KEYRING_TIMEOUT_SECONDS
    if not re.match(r"[0-9]{1,3}(\.[0-9]+)?\Z", text) or not 0 < float(text) <= 600:
        raise ConfigError("CLOUDINARY_CLI_KEYRING_TIMEOUT must be a number of seconds above 0 and up to 600.")
    return float(text)


_COMPUTED: Dict[str, Callable[[], Any]] = {
    "CLOUDINARY_HOME": home_directory,
    "CLOUDINARY_CLI_CONFIG_FILE": config_file,
    "OLD_CLOUDINARY_CLI_CONFIG_FILE": legacy_config_file,
    "CLOUDINARY_REGION": lambda: normalize_region(os.environ.get("CLOUDINARY_REGION")),
    "OAUTH_CLIENT_ID": oauth_client_id,
    "OAUTH_SCOPES": lambda: oauth_settings().scopes,
    "OAUTH_REDIRECT_HOST": lambda: oauth_settings().redirect_host,
    "OAUTH_REDIRECT_PORT": lambda: oauth_settings().redirect_port,
}


def __getattr__(name: str) -> Any:
    if name in _COMPUTED:
        return _COMPUTED[name]()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
