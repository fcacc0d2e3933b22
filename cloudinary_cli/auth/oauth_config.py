"""OAuthConfig: an SDK Config that refreshes a stale access token when the SDK reads it."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple, TypeVar

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome, RefreshResult
from cloudinary_cli.auth.refresh_rules import check_same_account, relogin_advice, tokens_lost
from cloudinary_cli.auth.sealing import token_of_fields, vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import environment_fields
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import AuthenticationError, CliError, LockTimeout, OAuthError, ReloginRequired
from cloudinary_cli.system.sdk_import import import_sdk

if TYPE_CHECKING:
    _SdkConfig = Any
else:
    # import_sdk() hides the environment, because the SDK raises on a bad CLOUDINARY_URL when it is imported.
    _SdkConfig = import_sdk().Config

T = TypeVar("T")


class LiveLogin:
    """A saved login in use by this process: the session in memory, refreshed through the store when it is stale."""

    def __init__(self, name: str, url: str, refresher: Refresher) -> None:
        self.name = name
        self._url = url
        # As it is saved: the tokens of an encrypted login are ciphertexts.
        self.session = from_cloudinary_url(url)
        self._opened: Optional[Tuple[Session, str]] = None
        self._refresher = refresher
        self._lock = threading.RLock()
        # The saved entry that the tokens in memory replace; None: they are saved.
        self._replaces: Optional[str] = None
        self._has_warned = False

    def token(self) -> str:
        """The access token. A fresh one needs no I/O, except that the key of an encrypted login is loaded once.

        :raises ReloginRequired: expired, and it cannot be refreshed. :raises LockTimeout: expired, and another process
        holds the lock. :raises KeychainUnavailable: encrypted, and the keychain does not return the key.
        """
        token, session = self._access_token(), self.session
        if session.refresh_token is None or session.is_fresh(now=self._refresher.clock()):
            return token
        with self._lock:
            if not self.session.is_fresh(now=self._refresher.clock()):
                self._adopt(self._refresh())
            return self._access_token()

    def _refresh(self, rejected: Optional[str] = None) -> RefreshResult:
        """Renew the login. Tokens in memory are saved first; otherwise, the spent refresh token would be sent again.

        :param rejected: as for Refresher.refresh().
        """
        try:
            self._save_unsaved()
        except CliError as error:
            return RefreshResult(RefreshOutcome.FAILED, self._url, error, self._replaces)
        return self._refresher.refresh(self.name, self._url, rejected=rejected)

    def _access_token(self) -> str:
        session, known = self.session, self._opened
        if known is None or known[0] is not session:
            known = self._open(session)
            self._opened = known
        return known[1]

    def _open(self, session: Session) -> Tuple[Session, str]:
        try:
            return session, vault().open(session, self.name).access_token
        except ReloginRequired:
            # Since this process read the entry, a new login of this name may have replaced the key.
            latest = self._refresher.store.load_fresh().get(self.name)
            if latest == self._url or not is_oauth_url(latest):
                raise
            replacement = from_cloudinary_url(latest)
            check_same_account(self.name, session, replacement)
            self._url, self.session = str(latest), replacement
            return replacement, vault().open(replacement, self.name).access_token

    def invalidate(self, rejected: str) -> bool:
        """Renew the token after the API rejected `rejected` with 401. True when there is another token now."""
        with self._lock:
            if self._access_token() == rejected and self.session.refresh_token is not None:
                self._adopt(self._refresh(rejected), tolerate=True)
            return self._access_token() != rejected

    def _adopt(self, result: RefreshResult, tolerate: bool = False) -> None:
        """Use the result of a refresh, and log its error.

        :param tolerate: never raise the error.
        :raises ReloginRequired: the token has expired. :raises LockTimeout: the token has expired.
        """
        self._url, self._replaces = result.url, result.replaces
        self.session = from_cloudinary_url(result.url)
        if result.error is None:
            self._has_warned = False
            return
        expired = self.session.is_expired(self._refresher.clock())
        if expired and not tolerate and isinstance(result.error, (ReloginRequired, LockTimeout)):
            raise result.error
        self._warn(result)

    def _warn(self, result: RefreshResult) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        if not result.saved:
            logger.warning("%s The new tokens of '%s' are kept in memory for this command.", result.error, self.name)
        else:
            logger.warning("Refreshing '%s' failed; using the current token. %s", self.name, result.error)

    def flush(self) -> None:
        """Save tokens that could not be saved when they arrived. Called when the command ends.

        :raises OAuthError: they are lost. While another error ends the command, this one is logged instead.
        """
        command_error = sys.exc_info()[1]
        try:
            with self._lock:
                self._save_unsaved()
        except CliError as error:
            lost = tokens_lost(self.name, self.session, str(error))
            if command_error is None:
                raise lost from error
            logger.error("%s", lost)

    def _save_unsaved(self) -> None:
        """:raises CliError: config.json can still not be written."""
        if self._replaces is not None:
            saved = self._refresher.save_again(self.name, self._replaces, self._url)
            self._replaces = None
            text = "The new tokens of '%s' are saved now." if saved else "The login '%s' was changed."
            logger.info(text, self.name)


class OAuthConfig(_SdkConfig):  # type: ignore[misc]
    """An SDK config that has only the given fields; the environment is not read.

    `oauth_token` is a data descriptor, so it takes precedence over the `__dict__`, where the SDK keeps its values.
    """

    def __init__(self, fields: Optional[Mapping[str, Any]] = None, live: Optional[LiveLogin] = None) -> None:
        # super().__init__() is not called, because it reads Django's settings and the environment.
        self._uri_scheme = "cloudinary"
        self._live = live
        self.signature_version = 2
        for key, value in (fields or {}).items():
            # A query key must not replace a method or this object's own state.
            if key == "oauth_token" or not (key.startswith("_") or hasattr(OAuthConfig, key)):
                self.__dict__[key] = _boolean(value)
        if not self.__dict__.get("signature_algorithm"):
            self.signature_algorithm = "sha1"

    @classmethod
    def from_env(cls, environ: Optional[Mapping[str, str]] = None) -> "OAuthConfig":
        """A static config from CLOUDINARY_* variables."""
        return cls(environment_fields(os.environ if environ is None else environ))

    @classmethod
    def from_url(cls, url: str) -> "OAuthConfig":
        """A static config: it never refreshes, even with a refresh token in the URL."""
        return cls(config_url.parse(url).fields())

    @classmethod
    def bind_saved(cls, name: str, url: str, store: Optional[ConfigStore] = None) -> "OAuthConfig":
        """A config bound to the saved login `name`: reading `oauth_token` refreshes a stale token."""
        live = LiveLogin(name, url, Refresher(store or ConfigStore()))
        return cls(config_url.parse(url).fields(), live)

    @property
    def has_oauth(self) -> bool:
        """True when there is a token; no refresh, no I/O."""
        return bool(self.__dict__.get("oauth_token"))

    @property
    def relogin_advice(self) -> str:
        """The sentence with the `cld login` command of the saved login; empty when there is none."""
        return relogin_advice(self._live.name, self._live.session) if self._live else ""

    @property
    def oauth_token(self) -> Optional[str]:
        """The access token, refreshed if it is stale; None without one.

        :raises CliError: as LiveLogin.token().
        """
        if self._live is None:
            return token_of_fields(self.__dict__)
        try:
            fresh = self._live.token()
        except AttributeError as error:
            # After an AttributeError in a property, Python calls the SDK's __getattr__, which would return None.
            raise OAuthError(f"Internal error while reading the token: {error}") from error
        self._mirror()
        return fresh

    @oauth_token.setter
    def oauth_token(self, value: Optional[str]) -> None:
        self.__dict__["oauth_token"] = value

    def _mirror(self) -> None:
        """Copy the live session's tokens and times to the fields that are displayed."""
        if self._live is None or self.__dict__.get("oauth_token") == self._live.session.access_token:
            return
        session = self._live.session
        self.__dict__.update(
            oauth_token=session.access_token,
            refresh_token=session.refresh_token,
            issued_at=str(session.issued_at),
            expires_at=str(session.expires_at),
        )

    def invalidate_token(self, rejected: str) -> bool:
        """Renew the token after the API rejected `rejected` with 401.

        True when there is another token now: a new one, or one that another process has saved. False if static.
        """
        if self._live is None:
            return False
        changed = self._live.invalidate(rejected)
        self._mirror()
        return changed

    def call_with_token(self, call: Callable[[Optional[str]], T]) -> T:
        """Call with the access token (None without one). After a 401, repeat the call once if there is another token.

        If another thread or process has already replaced the rejected token, nothing is renewed.

        :raises AuthenticationError: the second response was 401, too, or there is no other token.
        """
        token = self.oauth_token if self.has_oauth else None
        try:
            return call(token)
        except AuthenticationError:
            if not token or not self.invalidate_token(token):
                raise
        return call(self.oauth_token)

    @property
    def oauth_token_refresh_callback(self) -> Optional[Callable[[str], None]]:
        """The function that the SDK's upload_large calls after a 401 of a chunk; it raises without a new token."""
        if self._live is None:
            return None
        live = self._live

        def refresh_or_raise(rejected: str) -> None:
            if not self.invalidate_token(rejected):
                raise ReloginRequired(f"The API refused the login '{live.name}'. {self.relogin_advice}")

        return refresh_or_raise

    def flush(self) -> None:
        """Save what could not be saved before; called when the command ends.

        :raises OAuthError: as LiveLogin.flush().
        """
        if self._live is not None:
            self._live.flush()


def _boolean(value: Any) -> Any:
    # In a URL every value is a string, and the string "false" is true in Python.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _install(config: OAuthConfig) -> OAuthConfig:
    import_sdk()._config = config
    return config


def install_oauth_config(
    url: str, saved_name: Optional[str] = None, store: Optional[ConfigStore] = None
) -> OAuthConfig:
    """Make `url` the SDK's active config. The tokens of the saved login `saved_name` are refreshed when they are stale.

    :raises InvalidConfigUrl: when the URL cannot be parsed.
    """
    if saved_name is not None and is_oauth_url(url):
        return _install(OAuthConfig.bind_saved(saved_name, url, store))
    return _install(OAuthConfig.from_url(url))


def install_env_config(environ: Optional[Mapping[str, str]] = None) -> OAuthConfig:
    """Make the environment's config the SDK's active one; static."""
    return _install(OAuthConfig.from_env(environ))


def install_fields(fields: Dict[str, Any]) -> OAuthConfig:
    """Make a config of these fields the SDK's active one; static."""
    return _install(OAuthConfig(fields))
