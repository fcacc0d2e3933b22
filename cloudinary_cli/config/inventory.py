"""The inventory of configurations: rows and their JSON; pure given a snapshot. No SDK, and no field for a secret."""

# Annotations are evaluated here: NamedTuple compiles each one that is a text, 0.7 ms for a class, in every command.

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional
from urllib.parse import unquote_plus

from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import environment_fields
from cloudinary_cli.config.login_state import LoginState, saved_login_state, static_login_state
from cloudinary_cli.config.resolver import ENVIRONMENT_NAME, DirectoryChoice, ResolvedConfig, Source
from cloudinary_cli.config.view import config_to_dict, duration, parse_time
from cloudinary_cli.errors import InvalidConfigUrl
from cloudinary_cli.text import one_line

SYNTHETIC_NAMES = {Source.ENVIRONMENT.value: ENVIRONMENT_NAME, Source.URL.value: "(command-line)"}


class Claim(NamedTuple):
    """The state of a Claimable Cloud. `expired` is None when the stored time cannot be read."""

    status: str
    expires_at: Optional[str]
    expired: Optional[bool]


class ConfigRow(NamedTuple):
    """One line of the inventory."""

    name: str
    cloud_name: str
    type: str
    source: Source
    default: bool = False
    active: bool = False
    email: Optional[str] = None
    claim: Optional[Claim] = None
    login: Optional[LoginState] = None
    directory: bool = False  # chosen for the current directory

    def meta(self) -> Dict[str, Any]:
        """What heads the JSON view of this configuration."""
        result: Dict[str, Any] = {
            "name": self.name,
            "source": self.source.value,
            "type": self.type,
            "default": self.default,
            "active": self.active,
        }
        if self.claim is not None:
            result.update(claimable_cloud=True, expired=self.claim.expired)
        return result

    def as_json(self) -> Dict[str, Any]:
        """The row of `cld config -ls --json`."""
        result: Dict[str, Any] = {
            "name": self.name,
            "cloud_name": self.cloud_name,
            "type": self.type,
            "source": self.source.value,
            "default": self.default,
            "active": self.active,
        }
        if self.email:
            result["email"] = self.email
        if self.login is not None:
            result["state"] = self.login.state.value  # a plain str, which the fast path of to_json() needs
            _, result["expires_at"], result["scopes"], result["renewable_until"] = self.login
        if self.claim is not None:
            result.update(
                status=self.claim.status,
                expires_at=self.claim.expires_at,
                claimable_cloud=True,
                expired=self.claim.expired,
            )
        if self.directory:
            result["directory"] = True
        return result

    def header(self) -> str:
        """The first line of the human view, and for a Claimable Cloud what to do about it."""
        status = self.claim.status if self.claim else ""
        flags = [flag for flag in ("default" * self.default, "active" * self.active, status) if flag]
        shown = one_line(self.name, None)
        line = f"name: {shown} ({self.type})" + (f" [{', '.join(flags)}]" if flags else "")
        if self.claim is None:
            return line
        import shlex

        typed = shlex.quote(shown)
        if self.claim.expired:
            advice = f"It has expired and can no longer be claimed. Remove it: cld config -rm {typed}"
        else:
            advice = f"To keep it, claim it before it expires: cld agent cloud claim {typed}"
        return f"{line}\n\nThis is a Claimable Cloud: a temporary one that belongs to nobody yet.\n{advice}"


def inventory(
    snapshot: Mapping[str, Any],
    active: ResolvedConfig,
    environ: Mapping[str, str],
    now: float,
    choice: Optional[DirectoryChoice] = None,
) -> List[ConfigRow]:
    """All configurations: the command line's, the environment's, then the saved ones in file order.

    A saved entry that cannot be parsed gets a row with an empty cloud name.

    :param now: epoch seconds.
    :param choice: the configuration of the working directory.
    """
    rows = []
    if active.source is Source.URL:
        rows.append(active_row(active, None, now))
    environment = _environment(environ)
    if environment.fields:
        rows.append(_synthetic(environment, active.source is Source.ENVIRONMENT, now))
    default = config_rules.stored_default(snapshot)
    for name in config_rules.user_config_names(snapshot):
        row = saved_row(name, snapshot[name], default, active, now)
        rows.append(row._replace(directory=True) if choice and name == choice.name else row)
    return rows


def saved_row(name: str, url: Any, default: Optional[str], active: ResolvedConfig, now: float) -> ConfigRow:
    """The row of one saved entry, whatever its value is."""
    is_active = active.source is Source.SAVED and active.name == name
    try:
        parsed, values = config_url.parse_with_values(url)
    except InvalidConfigUrl:
        parsed, values = config_url.ConfigUrl(""), {}
    is_login = "oauth_token" in values
    return ConfigRow(
        name,
        parsed.cloud_name,
        "oauth" if is_login else "api_key",
        Source.SAVED,
        name == default,
        is_active,
        (parsed.get("account_email") or None) if "account_email" in values else None,
        _claim(parsed.get, now) if "claim_url" in values else None,
        saved_login_state(values, now, unquote_plus) if is_login else None,
    )


def active_row(active: ResolvedConfig, default: Optional[str], now: float) -> ConfigRow:
    """The row of the active configuration, wherever it comes from."""
    if active.source is Source.SAVED and active.name is not None:
        return saved_row(active.name, active.url, default, active, now)
    return _synthetic(active, True, now)


def _synthetic(config: ResolvedConfig, is_active: bool, now: float) -> ConfigRow:
    def get(key: str) -> str:
        return str(config.fields.get(key) or "")

    return ConfigRow(
        name=SYNTHETIC_NAMES.get(config.source.value, ""),
        cloud_name=config.cloud_name,
        type=config.type,
        source=config.source,
        active=is_active,
        email=get("account_email") or None,
        claim=_claim(get, now),
        login=static_login_state(config.fields, now) if config.type == "oauth" else None,
    )


def _environment(environ: Mapping[str, str]) -> ResolvedConfig:
    try:
        return ResolvedConfig(Source.ENVIRONMENT, fields=environment_fields(environ))
    except InvalidConfigUrl:
        return ResolvedConfig()


def _claim(get: Callable[[str], str], now: float) -> Optional[Claim]:
    if not get("claim_url"):
        return None
    expires_at = get("expires_at") or None
    moment = parse_time(expires_at)
    if moment is None:
        return Claim("unclaimed", expires_at, None)
    left = moment.timestamp() - now
    if left <= 0:
        return Claim("unclaimed, expired", expires_at, True)
    return Claim(f"unclaimed, expires in {duration(left)}", expires_at, False)


def config_type_label(obj: Any) -> str:
    """`oauth` or `api_key` of an SDK config (or of its fields)."""
    return "oauth" if "oauth_token" in config_to_dict(obj) else "api_key"
