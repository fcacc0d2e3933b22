"""Waits for the authorization response: as a redirect of the browser, or as the same address pasted by the user."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping, Optional

from cloudinary_cli.auth.callback_http import bracketed
from cloudinary_cli.auth.callback_response import AuthorizationError, AuthorizationResponse, denied
from cloudinary_cli.auth.login_ui import LoginMethod, LoginUI, MethodSource, no_browser
from cloudinary_cli.auth.loopback_server import CallbackServer, response_timeout
from cloudinary_cli.auth.pasted_response import ExpectedRedirect, PasteProblem, parse_pasted
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import LoginError, LoginTimeout, PortInUse
from cloudinary_cli.system.host import detect_host
from cloudinary_cli.system.line_reader import LineReader

# The wait for the redirect is interrupted this often to check stdin and the browser's thread.
_SLICE_SECONDS = 0.1
_DEVICE_WORD = "device"


class DeviceCodeRequested(Exception):
    """The user chose to log in with a code on another device instead."""


@dataclass(frozen=True)
class WaitOptions:
    """How to wait. `timeout` is in seconds.

    `offers_device_code()` says whether the server supports the device grant. It sends a request, so it is called only
    when the user could choose that grant.
    """

    method: LoginMethod
    environ: Mapping[str, str]
    timeout: float
    offers_device_code: Callable[[], bool]


@contextmanager
def listening(
    server: CallbackServer, method: LoginMethod, ui: LoginUI, port: int
) -> Iterator[Optional[CallbackServer]]:
    """Yield the running server, or None when its port is in use and the response can be pasted instead.

    :raises PortInUse: the port is in use, and a browser on this machine would send its response to the other program.
    """
    try:
        server.__enter__()
    except PortInUse:
        if method.opens_browser:
            raise
        ui.show(f"Port {port} is in use, so the browser's response cannot arrive here: it has to be pasted.")
        yield None
        return
    try:
        yield server
    finally:
        server.close()


def wait_for_response(
    server: Optional[CallbackServer], expected: ExpectedRedirect, url: str, ui: LoginUI, options: WaitOptions
) -> AuthorizationResponse:
    """Show the authorization URL, open it in a browser if `options.method` says so, and wait for the response.

    :param server: None when the response can only be pasted.
    :raises LoginTimeout: no response within `options.timeout`.
    :raises NoBrowser: no browser could be opened, and there is no user at a terminal.
    :raises AuthorizationDenied: the response carries an error.
    :raises DeviceCodeRequested: the user typed `device`.
    :raises LoginError: stdin ended, and the response could only have been pasted.
    """
    return _Wait(server, expected, ui, options).run(url)


class _Wait:
    """One wait. The browser runs in a thread, because some browser commands return only when it is closed."""

    def __init__(
        self, server: Optional[CallbackServer], expected: ExpectedRedirect, ui: LoginUI, options: WaitOptions
    ) -> None:
        self._server, self._expected, self._ui, self._options = server, expected, ui, options
        self._method = options.method
        self._launch: Optional[_BrowserLaunch] = None
        self._reader: Optional[LineReader] = None
        self._is_prepared = self._offers_device = False

    def run(self, url: str) -> AuthorizationResponse:
        deadline = time.monotonic() + self._options.timeout
        if self._method.opens_browser:
            self._open(url)
        else:
            self._show_instructions(url)
        while True:
            remaining = deadline - time.monotonic()
            response = self._redirected(min(_SLICE_SECONDS, max(0.0, remaining))) or self._pasted()
            if response is not None:
                return response
            if remaining <= 0:
                raise response_timeout(self._options.timeout)

    def _open(self, url: str) -> None:
        self._ui.show("Opening the browser to log in. If it does not open, visit this URL:")
        self._ui.show(url)
        # listening() yields None only when no browser is opened here.
        start = self._server.start_page(url) if self._server is not None else url
        self._launch = _BrowserLaunch(self._ui.open_browser, start)

    def _show_instructions(self, url: str) -> None:
        if self._method.reason:
            self._ui.show(f"{self._method.reason}, so no browser is opened here (--browser opens one).")
        self._ui.show("Open this URL in a browser, on this machine or another:\n")
        self._ui.show(f"{url}\n")
        host = detect_host(self._options.environ)
        if self._server is not None and host.ssh:
            port, address = self._expected.port, bracketed(self._expected.host)
            self._ui.show(
                "A browser on your own machine can reach this login through a tunnel. "
                f"To open the tunnel, run there first:\n\nssh -L {port}:{address}:{port} {host.ssh_login}\n"
            )

    def _redirected(self, timeout: float) -> Optional[AuthorizationResponse]:
        if self._server is None:
            time.sleep(timeout)
            return None
        try:
            return self._server.wait(timeout)
        except LoginTimeout:
            return None

    # -- pasting

    def _pasted(self) -> Optional[AuthorizationResponse]:
        if self._launch is not None and not self._launch.has_ended():
            return None  # a text browser may be using the terminal
        if not self._is_prepared:
            self._is_prepared = True
            self._prepare_paste()
        line = self._reader.poll() if self._reader else None
        if line is not None:
            return self._parse(line)
        if self._reader is not None and self._reader.at_end:
            self._handle_end_of_input()
        return None

    def _prepare_paste(self) -> None:
        failed = self._launch is not None and not self._launch.succeeded
        interactive = self._ui.is_interactive()
        if failed and not interactive:
            raise no_browser("No browser could be opened, and there is no terminal")
        if interactive or not self._method.opens_browser:
            self._reader = self._ui.lines()
        if failed:
            self._ui.show("No browser could be opened here. Open the URL in any browser.")
        if self._reader is None or not (failed or not self._method.opens_browser):
            return
        self._offers_device = interactive and self._options.offers_device_code()
        self._ui.show(
            f"When the browser reaches {self._expected.uri}?..., paste that address here and press Enter, "
            "even if the browser shows an error page."
            + (f"\nOr type '{_DEVICE_WORD}' to log in with a short code instead." if self._offers_device else "")
        )

    def _parse(self, line: str) -> Optional[AuthorizationResponse]:
        if not line.strip():
            return None
        if self._offers_device and line.strip().lower() == _DEVICE_WORD:
            raise DeviceCodeRequested
        outcome = parse_pasted(line, self._expected)
        if isinstance(outcome, PasteProblem):
            self._ui.show(outcome.advice)
            return None
        if isinstance(outcome, AuthorizationError):
            raise denied(str(outcome))
        return outcome

    def _handle_end_of_input(self) -> None:
        self._reader = None
        if self._server is None:
            raise LoginError("the input ended before a response was pasted. Run the command again.")
        if not self._ui.is_interactive() and self._method.source is MethodSource.VARIABLE:
            raise no_browser(f"{self._method.reason}, and there is no user to paste the response")
        self._ui.show("The input has ended; still waiting for the browser's response.")


class _BrowserLaunch:
    """Opens the browser in a daemon thread."""

    def __init__(self, open_browser: Callable[[str], bool], url: str) -> None:
        self.succeeded = False
        self._thread = threading.Thread(target=self._run, args=(open_browser, url), daemon=True)
        self._thread.start()

    def _run(self, open_browser: Callable[[str], bool], url: str) -> None:
        try:
            self.succeeded = bool(open_browser(url))
        except OSError as error:
            logger.debug("Opening the browser failed: %s", error)

    def has_ended(self) -> bool:
        return not self._thread.is_alive()
