"""Waits for the answer to a login: the browser's redirect, or the same address pasted by a person, whichever is first.

Knows whether a browser is worth opening here and what to tell the person; not what the code is good for.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Callable, Iterator, Mapping, Optional

from cloudinary_cli.auth.callback_http import bracketed
from cloudinary_cli.auth.callback_response import AuthorizationError, AuthorizationResponse
from cloudinary_cli.auth.loopback_server import CallbackServer
from cloudinary_cli.auth.pasted_response import ExpectedRedirect, PasteProblem, parse_pasted
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import AuthorizationDenied, LoginError, LoginTimeout, NoBrowser, PortInUse
from cloudinary_cli.system import browser
from cloudinary_cli.system.host import detect_host
from cloudinary_cli.system.line_reader import LineReader

# Pause between looks at the browser's thread and at stdin while the redirect is awaited.
_SLICE_SECONDS = 0.1
NO_BROWSER_VARIABLE = "CLOUDINARY_NO_BROWSER"
_DEVICE_WORD = "device"


class DeviceWanted(Exception):
    """The person chose the code for another device instead of this wait."""


@dataclass(frozen=True)
class Desk:
    """Whom the login talks to.

    `show_url(url)` shows an address, alone on its line; `say(text)` anything else. `is_interactive()`: a person can
    answer. `lines()`: what is typed or piped in, None when there is no such thing.
    """

    open_browser: Callable[[str], bool]
    show_url: Callable[[str], None]
    is_interactive: Callable[[], bool]
    clock: Callable[[], float] = time.time
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    say: Callable[[str], None] = lambda text: None
    lines: Callable[[], Optional[LineReader]] = lambda: None


class Chooser(Enum):
    """Who decided whether a browser is opened."""

    FLAG = "flag"
    VARIABLE = "variable"
    SURROUNDINGS = "surroundings"


@dataclass(frozen=True)
class Way:
    """Whether a browser is opened here, who says so, and the reason when it is none of the user's own words."""

    opens: bool
    chooser: Chooser = Chooser.SURROUNDINGS
    reason: str = ""


def choose_way(flag: Optional[bool], environ: Mapping[str, str]) -> Way:
    """--browser or --no-browser, else CLOUDINARY_NO_BROWSER, else what is seen: BROWSER, SSH, container, display."""
    if flag is not None:
        return Way(flag, Chooser.FLAG)
    setting = (environ.get(NO_BROWSER_VARIABLE) or "").strip().lower()
    if setting:
        opens = setting in ("0", "false", "no", "off")
        return Way(opens, Chooser.VARIABLE, "" if opens else f"{NO_BROWSER_VARIABLE} is set")
    reason = None if browser.is_chosen(environ) else detect_host(environ).why_no_browser
    return Way(reason is None, Chooser.SURROUNDINGS, reason or "")


def check_way(way: Way, desk: Desk) -> None:
    """Refuse a login that nobody could answer, at once.

    :raises NoBrowser: with what to type next.
    """
    if not way.opens and way.chooser is Chooser.SURROUNDINGS and not desk.is_interactive():
        raise NoBrowser(_no_browser_advice(f"{way.reason}, so there is no browser to open"))


@contextmanager
def listening(callback: CallbackServer, way: Way, desk: Desk, port: int) -> Iterator[Optional[CallbackServer]]:
    """The entered server; None when its port is taken and the answer can be pasted all the same.

    :raises PortInUse: when a browser of this machine would send its answer to whoever has the port.
    """
    try:
        callback.__enter__()
    except PortInUse:
        if way.opens:
            raise
        desk.say(f"Port {port} is taken, so the answer cannot be caught here: it has to be pasted.")
        yield None
        return
    try:
        yield callback
    finally:
        callback.close()


@dataclass(frozen=True)
class Terms:
    """How long to wait, in seconds, and whether the server has codes for other devices (asked only when it matters)."""

    timeout: float
    offers_device: Callable[[], bool] = lambda: False


def await_answer(
    callback: Optional[CallbackServer],
    expected: ExpectedRedirect,
    url: str,
    desk: Desk,
    way: Way,
    terms: Terms,
) -> AuthorizationResponse:
    """Show the URL, open it where that makes sense, and wait.

    :raises LoginTimeout: :raises NoBrowser: :raises AuthorizationDenied: :raises DeviceWanted:
    """
    return _Wait(callback, expected, desk, way, terms).run(url)


class _Wait:
    """One wait. The browser runs beside it: some do not return early."""

    def __init__(
        self, callback: Optional[CallbackServer], expected: ExpectedRedirect, desk: Desk, way: Way, terms: Terms
    ) -> None:
        self._callback, self._expected, self._desk, self._way, self._terms = callback, expected, desk, way, terms
        self._opening: Optional[_Opening] = None
        self._reader: Optional[LineReader] = None
        self._is_prepared = self._has_device = False

    def run(self, url: str) -> AuthorizationResponse:
        deadline = time.monotonic() + self._terms.timeout
        if self._way.opens:
            self._desk.say("Opening the browser to log in. If it does not open, visit this URL:")
            self._desk.show_url(url)
            # Without a server no browser is opened: listening() has raised.
            start = self._callback.start_page(url) if self._callback is not None else url
            self._opening = _Opening(self._desk.open_browser, start)
        else:
            if self._way.reason:
                self._desk.say(f"{self._way.reason}, so no browser is opened here (--browser opens one).")
            self._desk.say("Open this URL in a browser, on this machine or another:\n")
            self._desk.show_url(url)
            self._desk.say("")
            self._explain_tunnel()
        while True:
            left = deadline - time.monotonic()
            answer = self._redirected(min(_SLICE_SECONDS, max(0.0, left))) or self._pasted()
            if answer is not None:
                return answer
            if left <= 0:
                raise LoginTimeout(
                    f"timed out: no answer from the browser within {self._terms.timeout:g} s. Run the command again."
                )

    def _redirected(self, timeout: float) -> Optional[AuthorizationResponse]:
        if self._callback is None:
            time.sleep(timeout)
            return None
        try:
            return self._callback.wait(timeout)
        except LoginTimeout:
            return None

    def _explain_tunnel(self) -> None:
        seen = detect_host(self._desk.environ)
        if self._callback is None or not seen.ssh:
            return
        port, host = self._expected.port, bracketed(self._expected.host)
        self._desk.say(
            "A browser on your own machine reaches this login through a tunnel. To make one, run there first:\n\n"
            f"ssh -L {port}:{host}:{port} {seen.ssh_login}\n"
        )

    # -- the pasted answer

    def _pasted(self) -> Optional[AuthorizationResponse]:
        if self._opening is not None and not self._opening.is_done():
            return None  # it may be a text browser, to which the terminal belongs
        if not self._is_prepared:
            self._prepare()
        line = self._reader.poll() if self._reader else None
        if line is None:
            if self._reader is not None and self._reader.at_end:
                self._end_of_input()
            return None
        return self._judge(line)

    def _prepare(self) -> None:
        self._is_prepared = True
        failed = self._opening is not None and not self._opening.succeeded
        interactive = self._desk.is_interactive()
        if failed and not interactive:
            raise NoBrowser(_no_browser_advice("No browser could be opened, and no terminal is there to ask on"))
        if interactive or not self._way.opens:
            self._reader = self._desk.lines()
        if failed:
            self._desk.say("No browser could be opened here. Open the URL in any browser.")
        if self._reader is None or not (failed or not self._way.opens):
            return
        self._has_device = interactive and self._terms.offers_device()
        self._desk.say(
            f"When the browser ends at {self._expected.uri}?..., paste that address here and press Enter, "
            "also if it shows an error page there."
            + (f"\nOr type '{_DEVICE_WORD}' to log in with a short code instead." if self._has_device else "")
        )

    def _judge(self, line: str) -> Optional[AuthorizationResponse]:
        if not line.strip():
            return None
        if self._has_device and line.strip().lower() == _DEVICE_WORD:
            raise DeviceWanted
        outcome = parse_pasted(line, self._expected)
        if isinstance(outcome, PasteProblem):
            self._desk.say(outcome.advice)
            return None
        if isinstance(outcome, AuthorizationError):
            raise AuthorizationDenied(f"the authorization server answered '{outcome}'. Run the command again to retry.")
        return outcome

    def _end_of_input(self) -> None:
        self._reader = None
        if self._callback is None:
            raise LoginError("the input ended without an answer. Run the command again and paste the address.")
        if not self._desk.is_interactive() and self._way.chooser is Chooser.VARIABLE:
            raise NoBrowser(_no_browser_advice(f"{self._way.reason}, and nobody is there to paste the answer"))
        self._desk.say("The input has ended; still waiting for the browser's answer.")


def _no_browser_advice(reason: str) -> str:
    return (
        f"{reason}. To log in with a browser elsewhere: cld login --no-browser (on a terminal, or with a tunnel to the "
        "port). Or use an API key: cld -c cloudinary://<api_key>:<api_secret>@<cloud_name> <command>, "
        "or save it with `cld config -n <name> <url>` and use -C <name>."
    )


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
