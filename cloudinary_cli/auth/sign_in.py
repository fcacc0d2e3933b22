"""The use case of `cld login`: browser, redirect, code exchange, one locked write, revocation of the replaced grant."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Mapping, Optional, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.auth import flow
from cloudinary_cli.auth.loopback_server import AuthorizationResponse, CallbackServer
from cloudinary_cli.auth.refresh import refresh_lock
from cloudinary_cli.auth.revocation import revoke_replaced
from cloudinary_cli.auth.sealing import is_wanted, vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url, to_cloudinary_url
from cloudinary_cli.defaults import OAUTH_CALLBACK_TIMEOUT_SECONDS, logger
from cloudinary_cli.errors import CliError, KeychainUnavailable, LoginError, LoginTimeout, NoBrowser
from cloudinary_cli.utils import config_rules, config_url
from cloudinary_cli.utils.config_rules import DefaultStatus
from cloudinary_cli.utils.config_utils import ConfigStore

# Pause between looks at the browser's thread while both it and the redirect are awaited.
_SLICE_SECONDS = 0.2


@dataclass(frozen=True)
class LoginRequest:
    """What the user asked for. An empty name counts as none.

    `keyring`: encrypt the tokens with a key in the OS keychain; None keeps what the replaced login of that name did.
    """

    name: Optional[str] = None
    region: Optional[str] = None
    set_default: bool = False
    timeout: float = OAUTH_CALLBACK_TIMEOUT_SECONDS
    keyring: Optional[bool] = None


@dataclass(frozen=True)
class LoginResult:
    """Where the session was saved. `old_grant_revoked` is None when no grant was replaced.

    `keychain` names the keychain that keeps the key of the encrypted tokens; None: they are saved in clear.
    """

    name: str
    cloud_name: str
    default: DefaultStatus
    old_grant_revoked: Optional[bool] = None
    keychain: Optional[str] = None


@dataclass(frozen=True)
class Desk:
    """Whom the login talks to. `show_url(url)` tells the user where to go; `is_interactive()` whether one is there."""

    open_browser: Callable[[str], bool]
    show_url: Callable[[str], None]
    is_interactive: Callable[[], bool]
    clock: Callable[[], float] = time.time
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(frozen=True)
class _Server:
    """The authorization server and API host that this login is bound to from its first step to its last."""

    region: str
    base_url: str
    custom_base_url: Optional[str]
    upload_prefix: Optional[str]


def sign_in(request: LoginRequest, store: ConfigStore, desk: Desk) -> LoginResult:
    """Log in and save the session.

    :raises LoginError: nobody consented, no browser, timeout, port taken, unusable answer. Nothing is saved then.
    :raises ConfigError: a reserved name, an API-key entry of that name, an invalid setting, an unwritable file.
    """
    _check_name(request.name, store)
    server = _chosen_server(request.region, desk.environ)
    # An unwritable home is met here and not after the user's consent.
    store.reserve(f"login-{os.getpid()}").discard()
    _announce_fallback(request, store)
    verifier, challenge = flow.generate_pkce_pair()
    state = flow.generate_state()
    settings = defaults.oauth_settings(desk.environ)
    issuers = flow.expected_issuers(server.base_url)
    with CallbackServer(settings.redirect_host, settings.redirect_port, state, issuers) as callback:
        url = flow.build_authorize_url(challenge, state, callback.redirect_uri, server.region, server.base_url)
        answer = _await_answer(callback, url, desk, request.timeout)
        try:
            _check_issuer(answer, server)
            session = _exchange(answer.code, verifier, callback.redirect_uri, server, desk)
            result, old_url = _save(request, session, store, desk.environ)
        except CliError as error:
            callback.reply(False, error.message)
            raise
        callback.reply(True)
    return replace(result, old_grant_revoked=revoke_replaced(old_url, session))


def _check_name(name: Optional[str], store: ConfigStore) -> None:
    # Read without a name too: an unusable file is met here and not after the user's consent.
    saved = store.load()
    if not name:
        return
    config_rules.check_config_name(name)
    existing = saved.get(name)
    if existing is not None and not is_oauth_url(existing):
        raise LoginError(_taken(name))


def _taken(name: str) -> str:
    return (
        f"'{name}' is a saved API-key configuration, and a login would replace it. "
        f"Choose another name, or remove it first: cld config -rm {name}"
    )


def _chosen_server(region: Optional[str], environ: Mapping[str, str]) -> _Server:
    chosen = defaults.normalize_region(region or environ.get("CLOUDINARY_REGION"))
    own = defaults.oauth_base_url_for_region(chosen)
    override = defaults.oauth_base_url_override(environ)
    custom = override if override and override != own else None
    return _Server(chosen, custom or own, custom, defaults.upload_prefix_override(environ))


def _await_answer(callback: CallbackServer, url: str, desk: Desk, timeout: float) -> AuthorizationResponse:
    """Show and open the URL, and wait for the redirect. The browser runs beside the wait: some do not return early."""
    deadline = time.monotonic() + timeout
    desk.show_url(url)
    opening = _Opening(desk.open_browser, url)
    while not opening.is_done():
        try:
            return callback.wait(min(_SLICE_SECONDS, max(0.0, deadline - time.monotonic())))
        except LoginTimeout:
            if time.monotonic() >= deadline:
                raise
    if not opening.succeeded and not desk.is_interactive():
        raise NoBrowser(
            "No browser could be opened, and no terminal is there to ask on. Log in where a browser is, or use "
            "an API key: cld -c cloudinary://<api_key>:<api_secret>@<cloud_name> <command>, "
            "or save it with `cld config -n <name> <url>` and use -C <name>."
        )
    try:
        return callback.wait(max(0.0, deadline - time.monotonic()))
    except LoginTimeout:
        raise LoginTimeout(
            f"timed out: no answer from the browser within {timeout:g} s. Run the command again."
        ) from None


class _Opening:
    """Opens the browser in a thread that nothing waits for."""

    def __init__(self, open_browser: Callable[[str], bool], url: str) -> None:
        self.succeeded = False
        self._thread = threading.Thread(target=self._run, args=(open_browser, url), daemon=True)
        self._thread.start()

    def _run(self, open_browser: Callable[[str], bool], url: str) -> None:
        try:
            self.succeeded = bool(open_browser(url))
        except OSError as error:
            logger.debug("Opening the browser failed: %s", error)

    def is_done(self) -> bool:
        return not self._thread.is_alive()


def _check_issuer(answer: AuthorizationResponse, server: _Server) -> None:
    # A present `iss` was compared by the callback server. An absent one is refused where the server promises it.
    if answer.issuer is None and flow.advertises_issuer_parameter(server.base_url):
        raise LoginError(
            "the authorization response has no 'iss', which this server always sends. Run the command again."
        )


def _exchange(code: str, verifier: str, redirect_uri: str, server: _Server, desk: Desk) -> Session:
    response = flow.exchange_code(code, verifier, redirect_uri, server.region, server.base_url)
    session = Session.from_token_response(response, region=server.region, now=desk.clock())
    if session.issuer is not None and session.issuer not in flow.expected_issuers(server.base_url):
        raise LoginError("the access token was issued by another server than the one asked.")
    return replace(session, oauth_base_url=server.custom_base_url, upload_prefix=server.upload_prefix)


def _save(
    request: LoginRequest, session: Session, store: ConfigStore, environ: Mapping[str, str]
) -> Tuple[LoginResult, Optional[str]]:
    """Name and default in one locked write; returns the URL that was replaced, too.

    The lock of the login comes first: a refresh of the old session that is under way ends before it is replaced.
    """
    snapshot = store.load()
    name = request.name or derived_name(session, snapshot)
    saved, keychain = _sealed(request, session, snapshot.get(name))
    try:
        with refresh_lock(store, name), store.transaction() as cfg:
            old_url = cfg.get(name)
            if old_url is not None and not is_oauth_url(old_url):
                raise LoginError(_taken(name))
            url = _with_extras(to_cloudinary_url(saved), old_url)
            env_configured = config_url.environment_is_configured(environ)
            status = config_rules.put_entry(cfg, name, url, request.set_default, env_configured)
    except BaseException:
        vault().forget(saved.key_id)
        raise
    return LoginResult(name, session.cloud_name, status, keychain=keychain), old_url


def _announce_fallback(request: LoginRequest, store: ConfigStore) -> None:
    """Say before the user consents, and not after it, that the tokens cannot be encrypted."""
    if is_wanted(request.keyring, _login_in(store.load().get(request.name or ""))):
        try:
            vault().probe()
        except KeychainUnavailable as error:
            logger.warning("%s The tokens of this login will be saved without encryption (Ctrl-C to stop).", error)


def _sealed(request: LoginRequest, session: Session, old_url: Any) -> Tuple[Session, Optional[str]]:
    """The session as it shall be saved, and the keychain that keeps its key; in clear, aloud, where there is none."""
    if not is_wanted(request.keyring, _login_in(old_url)):
        return session, None
    try:
        key = vault().new_key()
    except KeychainUnavailable as error:
        logger.warning("The tokens are saved in config.json (0600) without encryption. %s", error)
        return session, None
    return vault().seal(session, key.key_id), key.keychain


def _login_in(url: Any) -> Optional[Session]:
    return from_cloudinary_url(url) if is_oauth_url(url) else None


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


def _with_extras(url: str, old_url: Optional[str]) -> str:
    """Settings that the user keeps in the entry (timeout, secure_distribution...) survive a login to the same cloud."""
    if old_url is None:
        return url
    new, old = config_url.parse(url), config_url.parse(old_url)
    if new.cloud_name != old.cloud_name:
        return url
    bookkeeping = {"refresh_state", "oauth_base_url", "keyring"} | {key for key, _ in new.query}
    kept = {key: value for key, value in old.query if key not in bookkeeping}
    return config_url.replace_query(url, kept) if kept else url
