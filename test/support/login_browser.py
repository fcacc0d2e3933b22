"""A script that acts as the browser of a login."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path


def browser(tmp_path: Path, code: str) -> str:
    """A value of BROWSER that runs `code` with the variables `url` (the authorization URL) and `get(url)`."""
    script = tmp_path / "browser.py"
    script.write_text(
        "import sys, urllib.request, urllib.error, urllib.parse\n"
        "class Stay(urllib.request.HTTPRedirectHandler):\n"
        "    def redirect_request(self, *args): return None\n"
        "try:\n"
        "    urllib.request.build_opener(Stay).open(sys.argv[1], timeout=20)\n"
        "except urllib.error.HTTPError as error:\n"
        "    url = error.headers['Location']\n"
        "def get(address):\n"
        "    try:\n"
        "        return urllib.request.urlopen(address, timeout=20).status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code\n"
        "query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))\n"
        "redirect, state = query['redirect_uri'], query['state']\n" + textwrap.dedent(code)
    )
    return f"{sys.executable} {script} %s &"
