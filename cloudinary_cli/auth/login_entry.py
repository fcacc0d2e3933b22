"""The entry that a login saves: its name, and the settings that it keeps of the entry before it."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from cloudinary_cli import defaults
from cloudinary_cli.auth.session import Session, is_oauth_url
from cloudinary_cli.config import url as config_url


def derived_name(session: Session, cfg: Mapping[str, Any]) -> str:
    """`<cloud>`, `<cloud>-<region suffix>` outside the default region; `-oauth` where an API-key entry has the name."""
    suffix = defaults.region_suffix(session.region)
    base = f"{session.cloud_name}-{suffix}" if suffix else session.cloud_name
    candidates = [base, f"{base}-oauth"]
    while True:
        name = candidates.pop(0)
        if name not in cfg or is_oauth_url(cfg[name]):
            return name
        if not candidates:
            number = 2 if name.endswith("-oauth") else int(name.rsplit("-", 1)[1]) + 1
            candidates.append(f"{base}-oauth-{number}")


def with_extras(url: str, old_url: Optional[str]) -> str:
    """Settings that the user keeps in the entry (timeout, secure_distribution...) survive a login to the same cloud."""
    if old_url is None:
        return url
    new, old = config_url.parse(url), config_url.parse(old_url)
    if new.cloud_name != old.cloud_name:
        return url
    bookkeeping = {"refresh_state", "oauth_base_url", "keyring"} | {key for key, _ in new.query}
    kept = {key: old.get(key) for key, _ in old.query if key not in bookkeeping}
    return config_url.replace_query(url, kept) if kept else url
