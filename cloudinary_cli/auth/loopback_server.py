"""The redirect endpoint of a login (RFC 8252 section 7.3): owns the loopback port, ignores strangers, obeys a deadline.

Knows which request is the genuine answer and when the browser hears about it; not what the code is good for.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from http import HTTPStatus
from types import TracebackType
from typing import Collection, Optional, Tuple, Type, Union

from cloudinary_cli import defaults
from cloudinary_cli.auth.callback_http import BadRequest, Request, authorities, bracketed, parse_request, response
from cloudinary_cli.auth.callback_page import Tone, callback_page, render_page
from cloudinary_cli.auth.callback_response import (
    AuthorizationError,
    AuthorizationResponse,
    Rejection,
    parse_authorization_response,
)
from cloudinary_cli.auth.loopback_connections import ConnectionLoop
from cloudinary_cli.defaults import OAUTH_CALLBACK_PATH, OAUTH_CALLBACK_TIMEOUT_SECONDS, logger
from cloudinary_cli.errors import AuthorizationDenied, ConfigError, LoginError, LoginTimeout, PortInUse

__all__ = ["AuthorizationResponse", "CallbackServer", "start_callback_server", "wait_for_callback"]

# Ctrl-C does not interrupt a lock on Windows, so the wait is made of short ones.
_SLICE_SECONDS = 0.2
_STRAY_TITLE = "Nothing to do here"
_OPENED_TWICE = (
    "the login page was opened twice, so another user of this machine may have read its address. Nothing was saved. "
    "Run the command again; or open the URL by hand, which nobody else sees: cld login --no-browser"
)


class CallbackServer:
    """Listens while it is entered. The first genuine response wins, and its browser waits for reply().

    :param state: the `state` of the authorization request; empty when the caller compares it.
    :param issuers: what an `iss` must be equal to (RFC 9207); empty: it is not compared.
    :raises ConfigError: when `host` is not a loopback address: nobody else may be able to connect (RFC 8252 8.3).
    """

    def __init__(self, host: str, port: int, state: str, issuers: Collection[str] = ()) -> None:
        if not defaults.is_loopback_host(host):
            raise ConfigError("The redirect host must be a loopback IP address, such as 127.0.0.1 or ::1.")
        self._host = host
        self._port = port
        self._state = state
        self._issuers = issuers
        self._outcome: Union[AuthorizationResponse, AuthorizationError, None] = None
        self._arrived = threading.Event()
        self._start_path = ""
        self._authorize_url = ""
        self._times_started = 0
        self._loop: Optional[ConnectionLoop] = None

    @property
    def redirect_uri(self) -> str:
        """The redirect URI; with port 0, the port that the system chose is known once the server is entered."""
        return f"http://{bracketed(self._host)}:{self._port}{OAUTH_CALLBACK_PATH}"

    def start_page(self, authorize_url: str) -> str:
        """A one-time address that redirects to the authorization URL, for the command line of a browser.

        Other users can read that command line in the process list. With the `state` and the `code_challenge` in it,
        they could have their own login delivered here (RFC 9700 section 4.7).
        """
        self._authorize_url, self._start_path = authorize_url, f"/login/{secrets.token_urlsafe(16)}"
        return f"http://{bracketed(self._host)}:{self._port}{self._start_path}"

    def check_start_page(self) -> None:
        """:raises LoginError: the start page was opened a second time: who has the authorization URL is unknown."""
        if self._times_started > 1:
            raise LoginError(_OPENED_TWICE)

    def __enter__(self) -> CallbackServer:
        """Bind the port and serve.

        :raises PortInUse: with the system's error chained.
        """
        listener = _listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        self._authorities = authorities(self._host, self._port)
        self._loop = ConnectionLoop(listener, self._handle)
        self._loop.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]] = None,
        error: Optional[BaseException] = None,
        trace: Optional[TracebackType] = None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port, at once; a browser that still waits is told that the login was interrupted."""
        loop, self._loop = self._loop, None
        if loop is not None:
            page = render_page("Login interrupted", "The terminal stopped before the login was complete.", Tone.NOTICE)
            loop.stop(response(HTTPStatus.SERVICE_UNAVAILABLE, page))

    def wait(self, timeout: float) -> AuthorizationResponse:
        """The authorization response; whatever else arrives does not move the deadline. May be called again.

        :param timeout: seconds, of a monotonic clock.
        :raises AuthorizationDenied: a genuine error response came; its browser has been answered.
        :raises LoginTimeout: nothing genuine came in time.
        :raises LoginError: as check_start_page().
        """
        deadline = time.monotonic() + timeout
        while not self._arrived.wait(max(0.0, min(_SLICE_SECONDS, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                raise LoginTimeout(
                    f"timed out: no answer from the browser within {timeout:g} s. Run the command again."
                )
        self.check_start_page()
        outcome = self._outcome
        if isinstance(outcome, AuthorizationResponse):
            return outcome
        self.reply(False, str(outcome))
        raise AuthorizationDenied(f"the authorization server answered '{outcome}'. Run the command again to retry.")

    def reply(self, success: bool, detail: str = "") -> None:
        """Show the browser how the login ended; called after the token exchange. `detail` may be untrusted text."""
        self._answer_browser(callback_page(None if success else detail))

    def acknowledge(self) -> None:
        """Tell the browser only that the response arrived, for a caller that does the rest after the port is closed."""
        message = "The Cloudinary CLI goes on in the terminal, which shows how the login ends."
        self._answer_browser(render_page("Response received", message, Tone.NOTICE))

    def _answer_browser(self, page: str) -> None:
        if self._loop is not None:
            self._loop.answer_held(response(HTTPStatus.OK, page))

    # -- in the server's thread

    def _handle(self, received: bytes) -> Optional[bytes]:
        """The answer to one request; None keeps the browser waiting for reply()."""
        try:
            request = parse_request(received, self._authorities)
        except BadRequest as error:
            return _stray(error.status, "This request was not understood.")
        is_start = bool(self._start_path) and request.path == self._start_path and not request.query
        if request.path != OAUTH_CALLBACK_PATH and not is_start:
            return _stray(HTTPStatus.NOT_FOUND, "There is no such page.", request)
        if request.method != "GET":
            return _stray(HTTPStatus.METHOD_NOT_ALLOWED, "This address takes GET requests only.", request, "GET")
        return self._start() if is_start else self._judge(request)

    def _start(self) -> bytes:
        self._times_started += 1
        if self._times_started > 1:
            self._arrived.set()
            return _stray(HTTPStatus.GONE, "This login page was opened before. The terminal shows what to do.")
        page = render_page("Logging in", "The browser goes on to the login page.", Tone.NOTICE)
        return response(HTTPStatus.FOUND, page, location=self._authorize_url)

    def _judge(self, request: Request) -> Optional[bytes]:
        outcome = parse_authorization_response(request.query, self._state, self._issuers)
        if isinstance(outcome, Rejection):
            # Only a wrong issuer comes with the right state: that is no stranger, and the user should know of it.
            log = logger.warning if outcome is Rejection.OTHER_ISSUER else logger.debug
            log("A login response was refused, because %s. Still waiting.", outcome.value)
            return _stray(HTTPStatus.BAD_REQUEST, f"This login response was refused, because {outcome.value}.")
        if self._outcome is not None:
            return _stray(HTTPStatus.CONFLICT, "This login already has its response. The terminal shows how it ended.")
        self._outcome = outcome
        self._arrived.set()
        return None


def _stray(status: HTTPStatus, message: str, request: Optional[Request] = None, allow: str = "") -> bytes:
    """A neutral page: nothing of the request is in it."""
    page = render_page(_STRAY_TITLE, message, Tone.NOTICE)
    return response(status, page, allow, with_body=request is None or request.method != "HEAD")


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "nt":
            # There SO_REUSEADDR would let another program share the port and receive the code.
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009
        else:
            # A port in TIME_WAIT after the last login can be bound; one that somebody listens on cannot.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"cannot listen on {bracketed(host)}:{port} for the browser's answer ({error.strerror or error}). Another "
            "`cld login` may be running, or another program has the port. Stop it and run the command again; or give a "
            "port that the server knows, with --port; or paste the answer: cld login --no-browser"
        ) from error
    return listener


def start_callback_server(state: str = "") -> Tuple[CallbackServer, str]:
    """(a running server, its redirect URI), from the CLOUDINARY_OAUTH_* settings. wait_for_callback() closes it.

    :param state: without it any response ends the wait, and the caller must compare the state that comes back.
    :raises PortInUse: with the system's error chained. :raises ConfigError: for an invalid setting.
    """
    settings = defaults.oauth_settings()
    server = CallbackServer(settings.redirect_host, settings.redirect_port, state).__enter__()
    return server, server.redirect_uri


def wait_for_callback(server: CallbackServer, timeout: float = OAUTH_CALLBACK_TIMEOUT_SECONDS) -> Tuple[str, str]:
    """(code, state) of the authorization response; the server is closed in any case.

    :param timeout: seconds. :raises AuthorizationDenied: :raises LoginTimeout: as CallbackServer.wait().
    """
    try:
        answer = server.wait(timeout)
        server.acknowledge()
        return answer.code, answer.state
    finally:
        server.close()
