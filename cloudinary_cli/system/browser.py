"""Opens a URL in the browser that BROWSER names, or in the system's default browser.

The standard library's webbrowser is used last, because it reads BROWSER only once per process and treats an entry with
arguments, such as `firefox -P work`, as the name of a program.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Optional
from urllib.parse import quote, urlsplit

from cloudinary_cli.defaults import logger
from cloudinary_cli.system.host import detect_host
from cloudinary_cli.text import one_line

_STDERR = 2
# These run in the terminal, so `cld` waits until they exit.
_TEXT_BROWSERS = frozenset(["www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh"])
# A program that is still running after this time counts as started.
_START_SECONDS = 0.5
# The reserved characters of RFC 3986 section 2.2, and the percent sign.
_URL_CHARACTERS = "!#$&'()*+,/:;=?@[]~%"
# The same without the characters that end a quoted string of PowerShell or are expanded in it.
_WINDOWS_CHARACTERS = "!#&*+,/:=?@[]~%"
_VARIABLE = "CLD_BROWSER_URL"
# These parse all their arguments as one command; a shell parses the argument after -c.
_COMMAND_LINES = frozenset(["cmd", "powershell", "pwsh"])
_SHELLS = frozenset(["sh", "ash", "bash", "dash", "fish", "ksh", "zsh"])
# A URL of these characters cannot change the command that a shell or other interpreter parses.
_INERT_URL = r"[A-Za-z0-9:/.?=_~+-]+\Z"


class BrowserCommand(NamedTuple):
    """An entry of BROWSER. `background`: it ends with `&`. `by_variable`: it reads the URL from CLD_BROWSER_URL."""

    words: List[str]
    background: bool
    by_variable: bool = False

    @property
    def waits(self) -> bool:
        """Whether `cld` waits until the command exits: a text browser or, as in webbrowser, a command with `%s`."""
        is_text = os.path.basename(self.words[0]) in _TEXT_BROWSERS
        return not self.background and (is_text or any("%s" in word for word in self.words))

    @property
    def parses_url(self) -> bool:
        """True when an interpreter would parse the URL as a part of a command."""
        name = re.sub(r"\.exe\Z", "", re.split(r"[/\\]", self.words[0])[-1].lower())
        if name in _COMMAND_LINES:
            return not self.by_variable
        return name in _SHELLS and any("%s" in word and word != "%s" for word in self.words[1:])

    def for_url(self, url: str) -> List[str]:
        """The command to run: `%s` is replaced by the URL and `%%` by `%`. Without `%s`, the URL is appended."""
        if self.by_variable:
            return self.words
        marked = [word.replace("%%", "\0") for word in self.words]
        words = marked if any("%s" in word for word in marked) else [*marked, "%s"]
        return [word.replace("%s", url).replace("\0", "%") for word in words]


def browser_commands(setting: str, separator: str = os.pathsep) -> List[BrowserCommand]:
    """Parse the value of BROWSER. Entries that cannot be split into words are skipped with a warning."""
    found = []
    for entry in filter(None, (part.strip() for part in setting.split(separator))):
        background = entry.endswith("&")
        text = entry[:-1].strip() if background else entry
        try:
            # The path of a program may contain spaces without quotes if the entry has no arguments.
            words = [text] if os.path.isfile(text) else shlex.split(text, posix=separator != ";")
        except ValueError:
            logger.warning("BROWSER has an entry with an unclosed quote; it is ignored.")
            continue
        if words:
            found.append(BrowserCommand([word.strip('"') for word in words], background))
    return found


def is_chosen(environ: Mapping[str, str]) -> bool:
    """True when BROWSER is set. It is also used over SSH and in containers, where editors set it."""
    return bool(environ.get("BROWSER"))


def open_browser(url: str, environ: Optional[Mapping[str, str]] = None) -> bool:
    """Open `url` and return True, or return False if no browser could be started.

    If BROWSER is set, only its entries are tried. The call waits for a browser that runs in the foreground.
    """
    variables: Mapping[str, str] = os.environ if environ is None else environ
    if not _is_web_url(url):
        logger.warning("Only http and https URLs are opened in a browser.")
        return False
    url = _ascii(url, _URL_CHARACTERS)
    if is_chosen(variables):
        return any(_run(command, url) for command in browser_commands(variables["BROWSER"]))
    windows_url = _ascii(url, _WINDOWS_CHARACTERS)
    if detect_host(variables).wsl and any(_run(command, windows_url) for command in windows_commands()):
        return True
    import webbrowser

    return webbrowser.open(url)


def _is_web_url(url: str) -> bool:
    # Other text could be an option of the browser, a file, or a URL that starts another program.
    try:
        return url.lower().startswith(("http://", "https://")) and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _ascii(url: str, characters: str) -> str:
    """Percent-encode all characters except letters, digits, `-._~` and `characters` (RFC 3986 section 2.1)."""
    return quote(url, safe=characters, errors="surrogatepass")


def windows_commands() -> List[BrowserCommand]:
    """The available programs that open a URL in Windows from WSL."""
    # PowerShell accepts several characters as quotes, such as U+2018, but never parses the value of a variable.
    script = f"Start-Process $env:{_VARIABLE}"
    candidates = [
        BrowserCommand(["wslview"], False),
        BrowserCommand(
            ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", script], False, by_variable=True
        ),
    ]
    return [command for command in candidates if shutil.which(command.words[0])]


def _environment(url: str) -> Dict[str, str]:
    """The environment of a Windows program that reads the URL from it. WSL passes the variables in WSLENV."""
    shared = [part for part in os.environ.get("WSLENV", "").split(":") if part]
    return {**os.environ, _VARIABLE: url, "WSLENV": ":".join([*shared, f"{_VARIABLE}/w"])}


def _run(command: BrowserCommand, url: str) -> bool:
    if command.parses_url and not re.match(_INERT_URL, url):
        logger.warning("%s would parse this URL as a command, so it was not started.", one_line(command.words[0]))
        return False
    words = command.for_url(url)
    program = shutil.which(words[0])
    if program is None:
        return len(command.words) == 1 and not command.background and _by_name(words[0], url)
    # The output of a browser must not mix with the data on stdout.
    options: Dict[str, Any] = {"stdout": _STDERR}
    if command.by_variable:
        options["env"] = _environment(url)
    if not command.waits:
        options.update(stdin=subprocess.DEVNULL, start_new_session=sys.platform != "win32")
    try:
        process = subprocess.Popen([program, *words[1:]], **options)
    except OSError as error:
        logger.debug("Starting %s failed: %s", words[0], error)
        return False
    try:
        return process.wait(None if command.waits else _START_SECONDS) == 0
    except subprocess.TimeoutExpired:
        return True


def _by_name(name: str, url: str) -> bool:
    """Open a browser by a name that only webbrowser knows, such as `MacOSX` or `windows-default`."""
    import webbrowser

    try:
        return bool(webbrowser.get(name).open(url))
    except webbrowser.Error:
        return False
