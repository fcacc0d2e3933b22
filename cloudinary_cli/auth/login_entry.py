"""The entry that a login saves: its name, its encryption, and one locked write of the entry and the default."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Callable, Mapping, Optional, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.auth.refresh import refresh_lock
from cloudinary_cli.auth.refresh_rules import holders
from cloudinary_cli.auth.sealing import is_wanted, vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url, to_cloudinary_url
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import environment_is_configured
from cloudinary_cli.config.rules import DefaultStatus
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import KeychainUnavailable, LoginError
from cloudinary_cli.system.signals import deferred_signals

# Without these, the server issues no refresh token, and the login would end after minutes.
_REQUIRED_SCOPES = ("openid", "offline_access")


@dataclass(frozen=True)
class LoginRequest:
    """The user's options. An empty name counts as none.

    `browser`: whether to open one; None: decided by CLOUDINARY_NO_BROWSER, else by detection. `device`: use a code on
    another device (RFC 8628). `keyring`: encrypt the tokens with a key in the system's keychain; None: as in the login
    that is replaced. `timeout` is in seconds; None: 300, or the lifetime of the device code. `port`: of the redirect;
    None: the configured one. `scope`: the permissions to request; empty: those of the replaced login of that name, or
    the default.
    """

    name: Optional[str] = None
    region: Optional[str] = None
    set_default: bool = False
    timeout: Optional[float] = None
    keyring: Optional[bool] = None
    browser: Optional[bool] = None
    port: Optional[int] = None
    device: bool = False
    scope: Tuple[str, ...] = ()

    def requested_scopes(self, saved: Mapping[str, Any]) -> Optional[str]:
        """The user's choice of scopes, now or at an earlier login of that name; None: the default."""
        if self.scope:
            return " ".join(dict.fromkeys([*_REQUIRED_SCOPES, *self.scope]))
        existing = _login_of(saved.get(self.name or ""))
        return existing.requested_scopes if existing else None


@dataclass(frozen=True)
class LoginResult:
    """Where the session was saved. `old_grant_revoked` is None when no grant was replaced.

    `keychain` is the name of the keychain with the key of the encrypted tokens; None: they are not encrypted.
    `scopes` are the granted ones, separated by spaces; None: the server did not say. `refused_scopes` were requested.
    """

    name: str
    cloud_name: str
    default: DefaultStatus
    old_grant_revoked: Optional[bool] = None
    keychain: Optional[str] = None
    scopes: Optional[str] = None
    refused_scopes: Tuple[str, ...] = ()


def check_entry(request: LoginRequest, store: ConfigStore) -> None:
    """Check, before the user gives consent, that the session can be saved. Warn when it cannot be encrypted.

    :raises LoginError: the name is that of an API-key entry. :raises ConfigError: the name or the file is unusable.
    """
    saved = store.load()  # also without a name: an unusable file is reported now
    existing = saved.get(request.name or "")
    if request.name:
        config_rules.check_config_name(request.name)
        if existing is not None and not is_oauth_url(existing):
            raise _name_is_taken(request.name, existing)
    # An unwritable directory and an unusable lock are reported now, too.
    with store.transaction():
        store.reserve(f"login-{os.getpid()}").discard()
    if is_wanted(request.keyring, _login_of(existing)):
        try:
            vault().probe()
        except KeychainUnavailable as error:
            logger.warning("%s The tokens of this login will be saved without encryption (Ctrl-C to stop).", error)


def save_login(
    request: LoginRequest,
    session: Session,
    store: ConfigStore,
    environ: Mapping[str, str],
    on_saved: Callable[[Optional[str]], None],
) -> LoginResult:
    """Write the entry and the default in one transaction.

    The lock of the login is taken first, so that a refresh of the old session ends before it is replaced.

    :param on_saved: called after the write, before a signal can interrupt, with the URL of the session that was
        replaced; None when there is none, or when another entry uses the same session.
    """
    snapshot = store.load()
    name = request.name or derived_name(session, snapshot)
    sealed, keychain = _sealed(request, session, snapshot.get(name))
    is_saved = False
    try:
        with refresh_lock(store, name), deferred_signals() as signals:
            with store.transaction() as cfg:
                old_url = cfg.get(name)
                if old_url is not None and not is_oauth_url(old_url):
                    raise _name_is_taken(name, old_url)
                url = with_extras(to_cloudinary_url(sealed), old_url)
                env_configured = environment_is_configured(environ)
                default = config_rules.put_entry(cfg, name, url, request.set_default, env_configured)
                signals.check()
                if is_oauth_url(old_url) and holders(cfg, from_cloudinary_url(old_url)):
                    old_url = None  # a copy under another name uses the old session, so it must not be revoked
            is_saved = True
            on_saved(old_url)
    except BaseException:
        if not is_saved:
            vault().forget(sealed.key_id)
        raise
    return LoginResult(name, session.cloud_name, default, keychain=keychain, scopes=session.scopes)


def _name_is_taken(name: str, entry: Any) -> LoginError:
    kind = "a login whose URL repeats a setting" if config_url.is_login(entry) else "a saved API-key configuration"
    return LoginError(
        f"'{name}' is {kind}, and a login would replace it. "
        f"Choose another name, or remove it first: cld config -rm {shlex.quote(name)}"
    )


def _sealed(request: LoginRequest, session: Session, old_url: Any) -> Tuple[Session, Optional[str]]:
    """The session, encrypted if wanted, and the name of the keychain. Without a keychain, warn and do not encrypt."""
    if not is_wanted(request.keyring, _login_of(old_url)):
        return session, None
    try:
        key_id, keychain = vault().new_key()
    except KeychainUnavailable as error:
        logger.warning("The tokens are saved in config.json (0600) without encryption. %s", error)
        return session, None
    return vault().seal(session, key_id), keychain


def _login_of(url: Any) -> Optional[Session]:
    return from_cloudinary_url(url) if is_oauth_url(url) else None


def derived_name(session: Session, cfg: Mapping[str, Any]) -> str:
    """`<cloud>`, with `-<region suffix>` outside the default region.

    If an API-key entry or a login of another cloud has that name, `-oauth` is appended, then `-oauth-2` and so on.
    """

    def is_replaceable(entry: Any) -> bool:
        login = _login_of(entry)
        return login is not None and login.cloud_name.lower() == session.cloud_name.lower()

    suffix = defaults.region_suffix(session.region)
    base = f"{session.cloud_name}-{suffix}" if suffix else session.cloud_name
    candidates = chain([base, f"{base}-oauth"], (f"{base}-oauth-{number}" for number in count(2)))
    return next(name for name in candidates if name not in cfg or is_replaceable(cfg[name]))


def with_extras(url: str, old_url: Optional[str]) -> str:
    """The URL with the settings that the user added to the old entry of the same cloud, such as `timeout`."""
    if old_url is None:
        return url
    new, old = config_url.parse(url), config_url.parse(old_url)
    if new.cloud_name != old.cloud_name:
        return url
    bookkeeping = {"refresh_state", "oauth_base_url", "keyring"} | {key for key, _ in new.query}
    kept = {key: old.get(key) for key, _ in old.query if key not in bookkeeping}
    return config_url.replace_query(url, kept) if kept else url
