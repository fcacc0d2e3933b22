"""The interface between a login and the user, and the decision whether to open a browser."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Callable, Mapping, Optional

from cloudinary_cli.errors import NoBrowser
from cloudinary_cli.system import browser
from cloudinary_cli.system.host import detect_host
from cloudinary_cli.system.line_reader import LineReader

NO_BROWSER_VARIABLE = "CLOUDINARY_NO_BROWSER"


@dataclass(frozen=True)
class LoginUI:
    """The functions that a login calls to reach the user. The defaults are for a program without a terminal.

    `show(text)` shows one or more lines. `is_interactive()`: a user can type at a terminal. `lines()` reads what is
    typed or piped in; None when there is no stdin.
    """

    open_browser: Callable[[str], bool]
    show: Callable[[str], None]
    is_interactive: Callable[[], bool] = lambda: False
    lines: Callable[[], Optional[LineReader]] = lambda: None


class MethodSource(Enum):
    """What decided whether a browser is opened."""

    FLAG = "flag"
    VARIABLE = "variable"
    DETECTED = "detected"


@dataclass(frozen=True)
class LoginMethod:
    """Whether a browser is opened here. `reason` says why not, unless an option of the command line decided it."""

    opens_browser: bool
    source: MethodSource = MethodSource.DETECTED
    reason: str = ""


def choose_method(flag: Optional[bool], environ: Mapping[str, str]) -> LoginMethod:
    """--browser or --no-browser, else CLOUDINARY_NO_BROWSER, else detection: BROWSER, SSH, container, display."""
    if flag is not None:
        return LoginMethod(flag, MethodSource.FLAG)
    setting = (environ.get(NO_BROWSER_VARIABLE) or "").strip().lower()
    if setting:
        opens = setting in ("0", "false", "no", "off")
        return LoginMethod(opens, MethodSource.VARIABLE, "" if opens else f"{NO_BROWSER_VARIABLE} is set")
    reason = None if browser.is_chosen(environ) else detect_host(environ).why_no_browser
    return LoginMethod(reason is None, MethodSource.DETECTED, reason or "")


def check_method(method: LoginMethod, ui: LoginUI) -> None:
    """Fail at once when no user could complete the login.

    :raises NoBrowser: with the commands to use instead.
    """
    if not method.opens_browser and method.source is MethodSource.DETECTED and not ui.is_interactive():
        raise no_browser(f"{method.reason}, so there is no browser to open")


def no_browser(reason: str) -> NoBrowser:
    """The error of a login that needs a browser on another machine, with the commands to use instead."""
    return NoBrowser(
        f"{reason}. To log in with a browser elsewhere: cld login --no-browser (on a terminal, or with a tunnel to the "
        "port). Or use an API key: cld -c cloudinary://<api_key>:<api_secret>@<cloud_name> <command>, "
        "or save it with `cld config -n <name> <url>` and use -C <name>."
    )
