"""The redirect endpoint of a login (RFC 8252 section 7.3): accepts the genuine response, refuses all other requests."""

from __future__ import annotations

import secrets
import threading
import time
from http import HTTPStatus
from queue import SimpleQueue
from typing import Collection, Optional, Tuple, Union

from cloudinary_cli import defaults
from cloudinary_cli.auth.callback_http import CallbackRequest, PageResponse, RedirectHTTPServer, bracketed, neutral_page
from cloudinary_cli.auth.callback_page import Tone, callback_page, render_page
from cloudinary_cli.auth.callback_response import (
    AuthorizationError,
    AuthorizationResponse,
    Rejection,
    denied,
    parse_authorization_response,
)
from cloudinary_cli.defaults import OAUTH_CALLBACK_PATH, OAUTH_CALLBACK_TIMEOUT_SECONDS, logger
from cloudinary_cli.errors import ConfigError, LoginError, LoginTimeout, PortInUse

__all__ = ["AuthorizationResponse", "CallbackServer", "start_callback_server", "wait_for_callback"]

# On Windows, Ctrl-C does not interrupt a wait for a lock, so wait() repeats short waits.
_WAIT_SLICE_SECONDS = 0.2
_OPENED_TWICE = (
    "the login page was opened twice, so another user of this machine may have read its address. Nothing was saved. "
    "Run the command again; or open the URL by hand, so that no other user sees it: cld login --no-browser"
)


class CallbackServer:
    """A context manager that listens until it exits. The browser with the first genuine response waits for reply().

    :param state: the `state` of the authorization request; empty when the caller compares it.
    :param issuers: the accepted values of `iss` (RFC 9207); empty: it is not compared.
    :raises ConfigError: when `host` is not a loopback address: no other machine may connect (RFC 8252 section 8.3).
    """

    def __init__(self, host: str, port: int, state: str, issuers: Collection[str] = ()) -> None:
        if not defaults.is_loopback_host(host):
            raise ConfigError("The redirect host must be a loopback IP address, such as 127.0.0.1 or ::1.")
        self._host = host
        self._port = port
        self._state = state
        self._issuers = issuers
        self._lock = threading.Lock()  # for _outcome and _times_started
        self._outcome: Union[AuthorizationResponse, AuthorizationError, None] = None
        self._arrived = threading.Event()
        self._final_pages: "SimpleQueue[PageResponse]" = SimpleQueue()  # only the first one is sent
        self._start_path = ""
        self._authorize_url = ""
        self._times_started = 0
        self._server: Optional[RedirectHTTPServer] = None

    @property
    def redirect_uri(self) -> str:
        """The redirect URI. With port 0, the port is known once the server listens."""
        return self._url(OAUTH_CALLBACK_PATH)

    def _url(self, path: str) -> str:
        return f"http://{bracketed(self._host)}:{self._port}{path}"

    def start_page(self, authorize_url: str) -> str:
        """A one-time address that redirects to the authorization URL, for the command line of a browser.

        Other users can read that command line in the process list. With the `state` and the `code_challenge` in it,
        they could have their own login delivered here (RFC 9700 section 4.7).
        """
        self._authorize_url, self._start_path = authorize_url, f"/login/{secrets.token_urlsafe(16)}"
        return self._url(self._start_path)

    def check_start_page(self) -> None:
        """:raises LoginError: the start page was opened twice, so the authorization URL may be known to others."""
        if self._times_started > 1:
            raise LoginError(_OPENED_TWICE)

    def __enter__(self) -> CallbackServer:
        """Bind the port and serve.

        :raises PortInUse: with the system's error chained.
        """
        try:
            self._server = RedirectHTTPServer(self._host, self._port, self._respond)
        except OSError as error:
            raise PortInUse(
                f"cannot listen on {bracketed(self._host)}:{self._port} for the browser's response "
                f"({error.strerror or error}). Another `cld login` may be running, or another program has the port. "
                "Stop it and run the command again; or give a port that the server knows, with --port; "
                "or paste the response: cld login --no-browser"
            ) from error
        self._port = self._server.port
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the port. A browser that still waits is told that the login was interrupted."""
        server, self._server = self._server, None
        if server is not None:
            message = "The terminal stopped before the login was complete."
            self._finish(render_page("Login interrupted", message, Tone.NOTICE), HTTPStatus.SERVICE_UNAVAILABLE)
            server.stop()

    def wait(self, timeout: float) -> AuthorizationResponse:
        """The authorization response. Other requests do not extend the deadline. May be called again.

        :param timeout: seconds.
        :raises AuthorizationDenied: an error response arrived; the browser has been told.
        :raises LoginTimeout: no genuine response arrived in time.
        :raises LoginError: as check_start_page().
        """
        deadline = time.monotonic() + timeout
        while not self._arrived.wait(max(0.0, min(_WAIT_SLICE_SECONDS, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                raise response_timeout(timeout)
        self.check_start_page()
        outcome = self._outcome
        if isinstance(outcome, AuthorizationResponse):
            return outcome
        self.reply(False, str(outcome))
        raise denied(str(outcome))

    def reply(self, success: bool, detail: str = "") -> None:
        """Show the browser how the login ended, after the token exchange. `detail` may be untrusted text."""
        self._finish(callback_page(None if success else detail))

    def acknowledge(self) -> None:
        """Tell the browser only that the response arrived, for a caller that exchanges the code after close()."""
        message = "The Cloudinary CLI continues in the terminal, which shows how the login ends."
        self._finish(render_page("Response received", message, Tone.NOTICE))

    def _finish(self, page: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._final_pages.put(PageResponse(status, page))

    # -- in the threads of the connections

    def _respond(self, request: CallbackRequest) -> PageResponse:
        is_start = bool(self._start_path) and request.path == self._start_path and not request.query
        if request.path != OAUTH_CALLBACK_PATH and not is_start:
            return neutral_page(HTTPStatus.NOT_FOUND, "There is no such page.")
        if request.method != "GET":
            message = "This address accepts GET requests only."
            return neutral_page(HTTPStatus.METHOD_NOT_ALLOWED, message, Allow="GET")
        return self._start() if is_start else self._receive(request.query)

    def _start(self) -> PageResponse:
        with self._lock:
            self._times_started += 1
            if self._times_started > 1:
                self._arrived.set()
                message = "This login page was opened before. The terminal shows what to do."
                return neutral_page(HTTPStatus.GONE, message)
        page = render_page("Logging in", "The browser continues to the login page.", Tone.NOTICE)
        return PageResponse(HTTPStatus.FOUND, page, {"Location": self._authorize_url})

    def _receive(self, query: str) -> PageResponse:
        """Check a response. The first genuine one waits for its final page."""
        outcome = parse_authorization_response(query, self._state, self._issuers)
        if isinstance(outcome, Rejection):
            # A wrong issuer is reported to the user, because that response has the right state.
            log = logger.warning if outcome is Rejection.OTHER_ISSUER else logger.debug
            log("A login response was refused, because %s. Still waiting.", outcome.value)
            message = f"This login response was refused, because {outcome.value}."
            return neutral_page(HTTPStatus.BAD_REQUEST, message)
        with self._lock:
            if self._outcome is not None:
                message = "This login already has its response. The terminal shows how it ended."
                return neutral_page(HTTPStatus.CONFLICT, message)
            self._outcome = outcome
        self._arrived.set()
        return self._final_pages.get()


def response_timeout(seconds: float) -> LoginTimeout:
    """The error of a login whose redirect did not arrive in time."""
    return LoginTimeout(f"timed out: no response from the browser within {seconds:g} s. Run the command again.")


def start_callback_server(state: str = "") -> Tuple[CallbackServer, str]:
    """(a running server, its redirect URI), from the CLOUDINARY_OAUTH_* settings. wait_for_callback() closes it.

    :param state: without it, any response ends the wait, and the caller must compare the returned state.
    :raises PortInUse: with the system's error chained.
    :raises ConfigError: for an invalid setting.
    """
    settings = defaults.oauth_settings()
    server = CallbackServer(settings.redirect_host, settings.redirect_port, state).__enter__()
    return server, server.redirect_uri


def wait_for_callback(server: CallbackServer, timeout: float = OAUTH_CALLBACK_TIMEOUT_SECONDS) -> Tuple[str, str]:
    """Return (code, state) of the authorization response. The server is always closed.

    :param timeout: seconds.
    :raises AuthorizationDenied: as CallbackServer.wait().
    :raises LoginTimeout: as CallbackServer.wait().
    """
    try:
        response = server.wait(timeout)
        server.acknowledge()
        return response.code, response.state
    finally:
        server.close()
