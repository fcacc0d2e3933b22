"""Opens a URL in the browser that the user wants: BROWSER as it is at this moment, then the system's own.

The standard library's webbrowser reads BROWSER once per process and takes an entry with arguments, such as
`firefox -P work`, for the name of one program; it is the last resort here.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from cloudinary_cli.defaults import logger
from cloudinary_cli.utils.surroundings import look_around

_STDERR = 2
# They draw in the terminal, which is theirs until they end.
_TEXT_BROWSERS = frozenset(["www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh"])
# A program that has not failed after so long counts as opened.
_START_SECONDS = 0.5


class BrowserCommand(NamedTuple):
    """One entry of BROWSER. `background`: it ends in `&`."""

    words: List[str]
    background: bool

    @property
    def waits(self) -> bool:
        """True when it is run to its end: a text browser, and a command line with `%s`, as in webbrowser."""
        is_text = os.path.basename(self.words[0]) in _TEXT_BROWSERS
        return not self.background and (is_text or any("%s" in word for word in self.words))

    def for_url(self, url: str) -> List[str]:
        """The words to run: `%s` stands for the URL, `%%` for a percent sign; without `%s` the URL comes last."""
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
    if is_chosen(variables):
        return any(_run(command, url) for command in browser_commands(variables["BROWSER"]))
    if look_around(variables).wsl and any(_run(command, _one_word(url)) for command in windows_commands()):
        return True
    import webbrowser

    return webbrowser.open(url)


def windows_commands() -> List[BrowserCommand]:
    """What opens a URL in Windows from inside WSL, of the programs that are there."""
    candidates = [["wslview"], ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", "Start-Process '%s'"]]
    return [BrowserCommand(words, False) for words in candidates if shutil.which(words[0])]


def _one_word(url: str) -> str:
    # PowerShell gets the URL inside single quotes.
    return url.replace("'", "%27")


def _run(command: BrowserCommand, url: str) -> bool:
    words = command.for_url(url)
    program = shutil.which(words[0])
    if program is None:
        return len(command.words) == 1 and not command.background and _by_name(words[0], url)
    # A browser's chatter must not get into this program's data.
    options: Dict[str, Any] = {"stdout": _STDERR}
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
