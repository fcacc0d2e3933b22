"""Finds the saved Claimable Clouds, checks their claim URLs, and removes the claim data of claimed ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional

from cloudinary_cli import defaults
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.view import parse_time
from cloudinary_cli.errors import ConfigError, ConfigNotFound

_CLAIM_KEYS = ("claim_url", "expires_at", "delivery_ips")


@dataclass(frozen=True)
class ClaimableCloud:
    """A saved Claimable Cloud. `expired` is None if the stored time cannot be parsed."""

    name: str
    cloud_name: str
    claim_url: str
    expires_at: Optional[str]
    expired: Optional[bool]

    def as_json(self) -> Dict[str, Optional[str]]:
        return {"cloud_name": self.cloud_name, "claim_url": self.claim_url, "expires_at": self.expires_at}


def claimable_clouds(snapshot: Mapping[str, Any], now: float) -> List[ClaimableCloud]:
    """The saved Claimable Clouds in file order, expired ones included.

    :param now: the current time in epoch seconds.
    """
    found = [_claimable(name, snapshot[name], now) for name in config_rules.user_config_names(snapshot)]
    return [cloud for cloud in found if cloud is not None]


def _claimable(name: str, url: Any, now: float) -> Optional[ClaimableCloud]:
    parsed = config_url.try_parse(url)
    claim_url = parsed.get("claim_url") if parsed else ""
    if parsed is None or not claim_url:
        return None
    expires_at = parsed.get("expires_at") or None
    moment = parse_time(expires_at)
    expired = None if moment is None else moment.timestamp() <= now
    return ClaimableCloud(name, parsed.cloud_name, claim_url, expires_at, expired)


def saved_cloud(snapshot: Mapping[str, Any], name: str, now: float) -> ClaimableCloud:
    """The saved Claimable Cloud of that name.

    :raises ConfigNotFound: no configuration has that name.
    :raises ConfigError: it has no claim URL.
    """
    if config_rules.is_reserved_config_name(name) or name not in snapshot:
        raise ConfigNotFound(name, config_rules.user_config_names(snapshot))
    found = _claimable(name, snapshot[name], now)
    if found is None:
        raise ConfigError(
            f"'{name}' has no claim URL. It is shown only once, when a cloud is created, and cannot be fetched again."
        )
    return found


def is_safe_claim_url(url: str) -> bool:
    """True for a URL that is safe to open in a browser and to print; it comes from a server and from a file.

    It must use https (http on loopback) and have a host, no user info, and only RFC 3986 characters except the quote.
    """
    try:
        defaults.validate_base_url(url.partition("?")[0].partition("#")[0], "The claim URL")
    except ConfigError:
        return False
    return re.match(r"[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+\Z", url) is not None


def check_claim_url(url: str) -> None:
    """Refuse a URL that must not be opened.

    :raises ConfigError: is_safe_claim_url() refuses it. The message omits the URL.
    """
    if not is_safe_claim_url(url):
        raise ConfigError(
            "The claim URL is not an https URL of plain ASCII characters, so it is neither opened nor printed."
        )


def forget_claim(store: ConfigStore, name: str) -> None:
    """Remove the data that marks a configuration as an unclaimed cloud. The configuration is kept.

    :raises ConfigNotFound: the configuration was removed.
    """
    with store.transaction() as cfg:
        if name not in cfg:
            raise ConfigNotFound(name)
        cfg[name] = config_url.replace_query(cfg[name], dict.fromkeys(_CLAIM_KEYS))
