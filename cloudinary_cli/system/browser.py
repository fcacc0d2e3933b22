"""Opens a URL in the browser that the user wants: BROWSER as it is at this moment, then the system's own.

The standard library's webbrowser reads BROWSER once per process and takes an entry with arguments, such as
`firefox -P work`, for the name of one program; it is the last resort here.
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
from cloudinary_cli.system.host import look_around
from cloudinary_cli.text import one_line

_STDERR = 2
# They draw in the terminal, which is theirs until they end.
_TEXT_BROWSERS = frozenset(["www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh"])
# A program that has not failed after so long counts as opened.
_START_SECONDS = 0.5
# RFC 3986, without what needs no escape only in some parts of a URL.
_URL_CHARACTERS = "!#$&'()*+,/:;=?@[]~%"
# The characters among them that end or expand a quoted text of PowerShell.
_WINDOWS_CHARACTERS = "!#&*+,/:=?@[]~%"
_VARIABLE = "CLD_BROWSER_URL"
# These parse all their arguments together as a command; a shell does so with the one after -c.
_COMMAND_LINES = frozenset(["cmd", "powershell", "pwsh"])
_SHELLS = frozenset(["sh", "ash", "bash", "dash", "fish", "ksh", "zsh"])
_INERT_URL = r"[A-Za-z0-9:/.?=_~+-]+\Z"


class BrowserCommand(NamedTuple):
    """One entry of BROWSER. `background`: it ends in `&`. `by_variable`: it reads the URL from CLD_BROWSER_URL."""

    words: List[str]
    background: bool
    by_variable: bool = False

    @property
    def waits(self) -> bool:
        """True when it is run to its end: a text browser, and a command line with `%s`, as in webbrowser."""
        is_text = os.path.basename(self.words[0]) in _TEXT_BROWSERS
        return not self.background and (is_text or any("%s" in word for word in self.words))

    @property
    def parses_url(self) -> bool:
        """True when the URL becomes a part of a command that an interpreter parses."""
        name = re.sub(r"\.exe\Z", "", re.split(r"[/\\]", self.words[0])[-1].lower())
        if name in _COMMAND_LINES:
            return not self.by_variable
        return name in _SHELLS and any("%s" in word and word != "%s" for word in self.words[1:])

    def for_url(self, url: str) -> List[str]:
        """The words to run: `%s` stands for the URL, `%%` for a percent sign; without `%s` the URL comes last."""
        if self.by_variable:
            return self.words
        marked = [word.replace("%%", "\0") for word in self.words]
        words = marked if any("%s" in word for word in marked) else [*marked, "%s"]
        return [word.replace("%s", url).replace("\0", "%") for word in words]


def browser_commands(setting: str, separator: str = os.pathsep) -> List[BrowserCommand]:
    """The entries of a BROWSER value, in their order; what cannot be split into words is left out."""
    found = []
    for entry in filter(None, (part.strip() for part in setting.split(separator))):
        background = entry.endswith("&")
        text = entry[:-1].strip() if background else entry
        try:
            # A path with blanks in it needs no quotes, as long as it is all there is.
            words = [text] if os.path.isfile(text) else shlex.split(text, posix=separator != ";")
        except ValueError:
            logger.warning("BROWSER has an entry with an open quote; it is ignored.")
            continue
        if words:
            found.append(BrowserCommand([word.strip('"') for word in words], background))
    return found


def is_chosen(environ: Mapping[str, str]) -> bool:
    """True when the user says which browser: that also holds over SSH and in a container (editors set it there)."""
    return bool(environ.get("BROWSER"))


def open_browser(url: str, environ: Optional[Mapping[str, str]] = None) -> bool:
    """Open `url`; False when no browser took it. May last as long as a browser that runs in the foreground.

    A non-empty BROWSER is the whole choice: when none of its entries works, nothing else is opened.
    """
    variables: Mapping[str, str] = os.environ if environ is None else environ
    if not _is_web_url(url):
        logger.warning("Only an http or https URL is given to a browser.")
        return False
    url = _ascii(url, _URL_CHARACTERS)
    if is_chosen(variables):
        return any(_run(command, url) for command in browser_commands(variables["BROWSER"]))
    windows_url = _ascii(url, _WINDOWS_CHARACTERS)
    if look_around(variables).wsl and any(_run(command, windows_url) for command in windows_commands()):
        return True
    import webbrowser

    return webbrowser.open(url)


def _is_web_url(url: str) -> bool:
    # Anything else could be an option of the browser's program, a file, or a protocol of another program.
    try:
        return url.lower().startswith(("http://", "https://")) and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _ascii(url: str, characters: str) -> str:
    """The URL with everything but letters, digits, `-._~` and `characters` percent-encoded (RFC 3986 section 2.1)."""
    return quote(url, safe=characters, errors="surrogatepass")


def windows_commands() -> List[BrowserCommand]:
    """What opens a URL in Windows from inside WSL, of the programs that are there."""
    # PowerShell takes many characters for quotes, U+2018 among them. A variable's value is never parsed.
    script = f"Start-Process $env:{_VARIABLE}"
    candidates = [
        BrowserCommand(["wslview"], False),
        BrowserCommand(
            ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", script], False, by_variable=True
        ),
    ]
    return [command for command in candidates if shutil.which(command.words[0])]


def _environment(url: str) -> Dict[str, str]:
    """The environment of a Windows program that reads the URL from it; WSL hands over what WSLENV names."""
    shared = [part for part in os.environ.get("WSLENV", "").split(":") if part]
    return {**os.environ, _VARIABLE: url, "WSLENV": ":".join([*shared, f"{_VARIABLE}/w"])}


def _run(command: BrowserCommand, url: str) -> bool:
    if command.parses_url and not re.match(_INERT_URL, url):
        logger.warning("%s would parse this URL as a command, so it does not get it.", one_line(command.words[0]))
        return False
    words = command.for_url(url)
    program = shutil.which(words[0])
    if program is None:
        return len(command.words) == 1 and not command.background and _by_name(words[0], url)
    # A browser's chatter must not get into this program's data.
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
    """Names such as `MacOSX` or `windows-default`, which are no programs."""
    import webbrowser

    try:
        return bool(webbrowser.get(name).open(url))
    except webbrowser.Error:
        return False
