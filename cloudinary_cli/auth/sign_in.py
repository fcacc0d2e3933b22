"""The use case of `cld login`: authorization, code exchange, saving, and revocation of the replaced grant."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable, Mapping, Optional

from cloudinary_cli import defaults
from cloudinary_cli.auth import device, flow
from cloudinary_cli.auth.authorization_wait import DeviceCodeRequested, WaitOptions, listening, wait_for_response
from cloudinary_cli.auth.login_entry import LoginRequest, LoginResult, check_entry, save_login
from cloudinary_cli.auth.login_ui import LoginUI, check_method, choose_method
from cloudinary_cli.auth.loopback_server import AuthorizationResponse, CallbackServer
from cloudinary_cli.auth.pasted_response import ExpectedRedirect
from cloudinary_cli.auth.revocation import revoke_session
from cloudinary_cli.auth.sealing import vault
from cloudinary_cli.auth.session import Session, from_cloudinary_url, refresh_token_of
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import CliError, InvalidTokenResponse, LoginError
from cloudinary_cli.system.signals import deferred_signals

__all__ = ["LoginRequest", "LoginResult", "sign_in"]

_NOT_SAVED = "Nothing was saved. Run the command again."


def sign_in(
    request: LoginRequest,
    store: ConfigStore,
    ui: LoginUI,
    environ: Mapping[str, str],
    clock: Callable[[], float] = time.time,
) -> LoginResult:
    """Log in and save the session.

    :param clock: the time in epoch seconds.
    :raises LoginError: no consent, no browser, timeout, port in use, or an unusable response. Nothing is saved.
    :raises ConfigError: a reserved name, an invalid setting, or an unwritable file. Nothing is saved.
    """
    check_entry(request, store)
    settings, scopes = defaults.oauth_settings(environ), request.requested_scopes(store.load())
    blank = replace(_without_tokens(request.region, environ), requested_scopes=scopes)
    settings = settings._replace(scopes=scopes or settings.scopes)
    login = _Login(request, blank, settings, store, ui, environ, clock)
    try:
        return login.by_device() if request.device else login.by_redirect()
    except DeviceCodeRequested:
        return login.by_device()


def _without_tokens(region: Optional[str], environ: Mapping[str, str]) -> Session:
    """A session with the region and the servers of this login, and without tokens."""
    chosen = defaults.normalize_region(region or environ.get("CLOUDINARY_REGION"))
    override = defaults.oauth_base_url_override(environ)
    custom = override if override != defaults.oauth_base_url_for_region(chosen) else None
    prefix = defaults.upload_prefix_override(environ)
    return Session("", "", region=chosen, oauth_base_url=custom, upload_prefix=prefix)


@dataclass
class _Grant:
    """The state of the grant. After an interruption it decides what is revoked."""

    response: Any = None
    is_saved: bool = False
    # The replaced entry, until its grant is revoked.
    old_url: Optional[str] = None

    def redeem(self, request_tokens: Callable[[], Any]) -> None:
        """Request the tokens. Signals are deferred until the response has arrived, so that the grant can be revoked."""
        with deferred_signals():
            self.response = request_tokens()

    def note_saved(self, old_url: Optional[str]) -> None:
        self.is_saved, self.old_url = True, old_url

    def revoke_replaced(self, session: Session, client_id: str) -> Optional[bool]:
        """Revoke the grant that `session` has replaced, and delete its key; None when there is none to revoke.

        Signals are deferred until the response has arrived.
        """
        revoked = None
        with deferred_signals():
            if self.old_url is not None:
                old = from_cloudinary_url(self.old_url)
                if old.refresh_token:
                    revoked = revoke_session(old, "", session.refresh_token, "previous session", client_id)
                vault().forget(old.key_id)
                self.old_url = None
        return revoked


@dataclass(frozen=True)
class _Login:
    """One login and its dependencies. `blank` has the servers and the requested scopes, and no tokens."""

    request: LoginRequest
    blank: Session
    settings: defaults.OAuthSettings
    store: ConfigStore
    ui: LoginUI
    environ: Mapping[str, str]
    clock: Callable[[], float]

    def by_redirect(self) -> LoginResult:
        """The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636)."""
        request, settings, base_url = self.request, self.settings, self.blank.token_base_url
        method = choose_method(request.browser, self.environ)
        check_method(method, self.ui)
        verifier, challenge = flow.generate_pkce_pair()
        state = flow.generate_state()
        host, port = settings.redirect_host, request.port or settings.redirect_port
        issuers = flow.expected_issuers(base_url)
        endpoint = CallbackServer(host, port, state, issuers)
        uri = endpoint.redirect_uri
        url = flow.build_authorize_url(challenge, state, uri, base_url=base_url, settings=settings)
        expected = ExpectedRedirect(host, port, defaults.OAUTH_CALLBACK_PATH, state, issuers, uri)
        timeout = request.timeout or defaults.OAUTH_CALLBACK_TIMEOUT_SECONDS
        options = WaitOptions(method, self.environ, timeout, lambda: device.is_offered(base_url))
        with listening(endpoint, method, self.ui, port) as running:
            response = wait_for_response(running, expected, url, self.ui, options)
            try:
                self._check_issuer(response)
                endpoint.check_start_page()
                client = {"base_url": base_url, "client_id": settings.client_id}
                exchange = partial(flow.exchange_code, response.code, verifier, uri, **client)
                result = self._redeem_and_save(lambda grant: grant.redeem(exchange))
            except CliError as error:
                endpoint.reply(False, error.message)
                raise
            endpoint.reply(True)
        return result

    def by_device(self) -> LoginResult:
        """The device authorization grant (RFC 8628): the user enters a code on any device."""
        base_url, client_id, show = self.blank.token_base_url, self.settings.client_id, self.ui.show
        code = device.request_code(base_url, self.settings)
        show(f"Open this address on any device with a browser, and enter the code {code.user_code}\n")
        show(code.verification_uri)
        if code.verification_uri_complete:
            show("\nOr open this one, and check that it shows the same code:\n")
            show(code.verification_uri_complete)
        show(f"\nWaiting; the code can be used for {code.lifetime}. Ctrl-C stops.")
        form = {"grant_type": device.GRANT_TYPE, "device_code": code.device_code, "client_id": client_id}
        exchange = partial(flow.request_tokens, base_url, form)
        return self._redeem_and_save(
            lambda grant: device.poll(code, lambda: grant.redeem(exchange), self.request.timeout)
        )

    def _redeem_and_save(self, redeem: Callable[[_Grant], None]) -> LoginResult:
        client_id = self.settings.client_id
        grant, session = _Grant(), None
        try:
            redeem(grant)
            session = self._session_of(grant.response)
            result = save_login(self.request, session, self.store, self.environ, grant.note_saved)
            refused = tuple(word for word in self.settings.scopes.split() if word not in (session.scopes or "").split())
            return replace(result, old_grant_revoked=grant.revoke_replaced(session, client_id), refused_scopes=refused)
        except BaseException as error:
            if grant.is_saved and session is not None:
                # Interrupted after the write: revoke the replaced grant anyway.
                grant.revoke_replaced(session, client_id)
            elif grant.response is not None:
                # The new grant was not saved, so no later command could revoke it.
                unused = replace(self.blank, refresh_token=refresh_token_of(grant.response))
                with deferred_signals():
                    revoke_session(unused, client_id=client_id)
            if isinstance(error, InvalidTokenResponse):
                raise InvalidTokenResponse(f"{error} {_NOT_SAVED}") from error
            raise

    def _check_issuer(self, response: AuthorizationResponse) -> None:
        # An `iss` that is present was compared by the endpoint. A missing one is an error if the metadata announces it.
        if response.issuer is None and flow.advertises_issuer_parameter(self.blank.token_base_url):
            raise LoginError(
                "the authorization response has no 'iss', which this server always sends. Run the command again."
            )

    def _session_of(self, token_response: Any) -> Session:
        blank = self.blank
        session = Session.from_token_response(token_response, region=blank.region, now=self.clock())
        if session.issuer is not None and session.issuer not in flow.expected_issuers(blank.token_base_url):
            raise LoginError(
                "the access token was issued by another server than the requested one. "
                f"Check --region and CLOUDINARY_OAUTH_BASE_URL. {_NOT_SAVED}"
            )
        return replace(
            session,
            oauth_base_url=blank.oauth_base_url,
            upload_prefix=blank.upload_prefix,
            # Without a statement of the server, all requested scopes are granted (RFC 6749 section 5.1).
            scopes=session.scopes or self.settings.scopes,
            requested_scopes=blank.requested_scopes,
        )
