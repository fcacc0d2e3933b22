"""The use case of `cld login`: browser, redirect, code exchange, one locked write, revocation of the replaced grant."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable, Mapping, Optional, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.auth import device, flow
from cloudinary_cli.auth.answer import Desk, DeviceWanted, Terms, await_answer, check_way, choose_way, listening
from cloudinary_cli.auth.login_entry import derived_name, with_extras
from cloudinary_cli.auth.loopback_server import AuthorizationResponse, CallbackServer
from cloudinary_cli.auth.pasted_response import ExpectedRedirect
from cloudinary_cli.auth.refresh import refresh_lock
from cloudinary_cli.auth.refresh_rules import holders
from cloudinary_cli.auth.revocation import revoke_replaced, revoke_session
from cloudinary_cli.auth.sealing import is_wanted, vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, is_oauth_url, refresh_token_of, to_cloudinary_url
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.environment import environment_is_configured
from cloudinary_cli.config.rules import DefaultStatus
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import OAUTH_CALLBACK_TIMEOUT_SECONDS, logger
from cloudinary_cli.errors import CliError, InvalidTokenResponse, KeychainUnavailable, LoginError
from cloudinary_cli.system.signals import deferred_signals

_NOT_SAVED = "Nothing was saved. Run the command again."


@dataclass(frozen=True)
class LoginRequest:
    """What the user asked for. An empty name counts as none.

    `keyring`: encrypt the tokens with a key in the OS keychain; None keeps what the replaced login of that name did.
    `browser`: open one here or not; None leaves it to CLOUDINARY_NO_BROWSER and the surroundings. `timeout` is in
    seconds; None: 300, or as long as a device's code lives. `port`: of the redirect; None: the configured one.
    `device`: log in with a code on another device (RFC 8628).
    """

    name: Optional[str] = None
    region: Optional[str] = None
    set_default: bool = False
    timeout: Optional[float] = None
    keyring: Optional[bool] = None
    browser: Optional[bool] = None
    port: Optional[int] = None
    device: bool = False


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
    _check_writable(store)
    _announce_fallback(request, store)
    try:
        return (_by_device if request.device else _by_redirect)(request, server, store, desk)
    except DeviceWanted:
        return _by_device(request, server, store, desk)


def _by_redirect(request: LoginRequest, server: _Server, store: ConfigStore, desk: Desk) -> LoginResult:
    """The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636)."""
    way = choose_way(request.browser, desk.environ)
    check_way(way, desk)
    verifier, challenge = flow.generate_pkce_pair()
    state = flow.generate_state()
    settings = defaults.oauth_settings(desk.environ)
    host, port = settings.redirect_host, request.port or settings.redirect_port
    issuers = flow.expected_issuers(server.base_url)
    server_socket = CallbackServer(host, port, state, issuers)
    uri = server_socket.redirect_uri
    url = flow.build_authorize_url(challenge, state, uri, server.region, server.base_url)
    expected = ExpectedRedirect(host, port, defaults.OAUTH_CALLBACK_PATH, state, issuers, uri)
    terms = Terms(request.timeout or OAUTH_CALLBACK_TIMEOUT_SECONDS, lambda: device.is_offered(server.base_url))
    with listening(server_socket, way, desk, port) as callback:
        answer = await_answer(callback, expected, url, desk, way, terms)
        try:
            _check_issuer(answer, server)
            server_socket.check_start_page()
            ask = partial(flow.exchange_code, answer.code, verifier, uri, server.region, server.base_url)
            result = _redeem_and_save(lambda grant: grant.take(ask), request, server, store, desk)
        except CliError as error:
            server_socket.reply(False, error.message)
            raise
        server_socket.reply(True)
    return result


def _by_device(request: LoginRequest, server: _Server, store: ConfigStore, desk: Desk) -> LoginResult:
    """The device authorization grant (RFC 8628): no redirect, the person enters a code on any device."""
    code = device.request_code(server.base_url)
    desk.say(f"Open this address on any device with a browser, and enter the code {code.user_code}\n")
    desk.show_url(code.verification_uri)
    if code.verification_uri_complete:
        desk.say("\nOr open this one, and check that it shows the same code:\n")
        desk.show_url(code.verification_uri_complete)
    desk.say(f"\nWaiting; the code can be used for {code.minutes}. Ctrl-C stops.")
    ask = partial(flow.exchange_device_code, code.device_code, device.GRANT_TYPE, server.base_url)
    return _redeem_and_save(
        lambda grant: device.poll(code, lambda: grant.take(ask), request.timeout), request, server, store, desk
    )


@dataclass
class _Grant:
    """What the user's consent has given so far. An interruption revokes what is not saved."""

    response: Any = None
    is_saved: bool = False
    # The entry that was replaced, until its grant is revoked.
    old_url: Optional[str] = None

    def take(self, ask: Callable[[], Any]) -> None:
        """Redeem the code; a signal waits for the response, so that the grant in it can be revoked."""
        with deferred_signals():
            self.response = ask()

    def revoke_replaced(self, session: Session) -> Optional[bool]:
        """Revoke the grant that was replaced; None when there is none. A signal waits for the response."""
        with deferred_signals():
            revoked = revoke_replaced(self.old_url, session)
            self.old_url = None
        return revoked


def _redeem_and_save(
    redeem: Callable[[_Grant], None], request: LoginRequest, server: _Server, store: ConfigStore, desk: Desk
) -> LoginResult:
    grant, session = _Grant(), None
    try:
        redeem(grant)
        session = _session_of(grant.response, server, desk)
        result = _save(request, session, store, desk.environ, grant)
        return replace(result, old_grant_revoked=grant.revoke_replaced(session))
    except BaseException as error:
        if grant.is_saved and session is not None:
            # Interrupted after the write: the replaced grant is revoked all the same.
            grant.revoke_replaced(session)
        elif grant.response is not None:
            # The user gave a consent that nobody can use or revoke from here any more.
            unused = Session("", "", refresh_token_of(grant.response), region=server.region)
            with deferred_signals():
                revoke_session(_with_servers(unused, server))
        if isinstance(error, InvalidTokenResponse):
            raise InvalidTokenResponse(f"{error} {_NOT_SAVED}") from error
        raise


def _check_name(name: Optional[str], store: ConfigStore) -> None:
    # Read without a name too: an unusable file is met here and not after the user's consent.
    saved = store.load()
    if not name:
        return
    config_rules.check_config_name(name)
    existing = saved.get(name)
    if existing is not None and not is_oauth_url(existing):
        raise LoginError(_taken(name))


def _check_writable(store: ConfigStore) -> None:
    """Meet an unwritable home, an unusable lock and a file that may not be rewritten before the user's consent."""
    with store.transaction():
        store.reserve(f"login-{os.getpid()}").discard()


def _taken(name: str) -> str:
    return (
        f"'{name}' is a saved API-key configuration, and a login would replace it. "
        f"Choose another name, or remove it first: cld config -rm {shlex.quote(name)}"
    )


def _chosen_server(region: Optional[str], environ: Mapping[str, str]) -> _Server:
    chosen = defaults.normalize_region(region or environ.get("CLOUDINARY_REGION"))
    own = defaults.oauth_base_url_for_region(chosen)
    override = defaults.oauth_base_url_override(environ)
    custom = override if override and override != own else None
    return _Server(chosen, custom or own, custom, defaults.upload_prefix_override(environ))


def _check_issuer(answer: AuthorizationResponse, server: _Server) -> None:
    # A present `iss` was compared by the callback server. An absent one is refused where the server promises it.
    if answer.issuer is None and flow.advertises_issuer_parameter(server.base_url):
        raise LoginError(
            "the authorization response has no 'iss', which this server always sends. Run the command again."
        )


def _session_of(response: Any, server: _Server, desk: Desk) -> Session:
    session = Session.from_token_response(response, region=server.region, now=desk.clock())
    if session.issuer is not None and session.issuer not in flow.expected_issuers(server.base_url):
        raise LoginError(
            "the access token was issued by another server than the one asked. "
            f"Check --region and CLOUDINARY_OAUTH_BASE_URL. {_NOT_SAVED}"
        )
    return _with_servers(session, server)


def _with_servers(session: Session, server: _Server) -> Session:
    return replace(session, oauth_base_url=server.custom_base_url, upload_prefix=server.upload_prefix)


def _save(
    request: LoginRequest, session: Session, store: ConfigStore, environ: Mapping[str, str], grant: _Grant
) -> LoginResult:
    """Name and default in one locked write; the URL that was replaced goes into `grant`.

    The lock of the login comes first: a refresh of the old session that is under way ends before it is replaced.
    """
    snapshot = store.load()
    name = request.name or derived_name(session, snapshot)
    saved, keychain = _sealed(request, session, snapshot.get(name))
    try:
        with refresh_lock(store, name), deferred_signals() as signals:
            with store.transaction() as cfg:
                old_url = cfg.get(name)
                if old_url is not None and not is_oauth_url(old_url):
                    raise LoginError(_taken(name))
                url = with_extras(to_cloudinary_url(saved), old_url)
                env_configured = environment_is_configured(environ)
                status = config_rules.put_entry(cfg, name, url, request.set_default, env_configured)
                signals.check()
                if is_oauth_url(old_url) and holders(cfg, from_cloudinary_url(old_url)):
                    old_url = None  # a copy under another name goes on using the session, so it is not revoked
            grant.is_saved, grant.old_url = True, old_url
    except BaseException:
        if not grant.is_saved:
            vault().forget(saved.key_id)
        raise
    return LoginResult(name, session.cloud_name, status, keychain=keychain)


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
