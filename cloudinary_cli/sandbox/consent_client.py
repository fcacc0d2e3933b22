"""A browser for scripts: opens an authorization URL, approves or denies, and follows the redirect to the callback."""

from __future__ import annotations

import argparse
import sys
from html.parser import HTMLParser
from typing import Any, Dict, List, Optional, Tuple
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from cloudinary_cli.defaults import is_loopback_host

TIMEOUT = 60  # seconds


class ForbiddenUrl(ValueError):
    """A URL that does not lead to this machine."""


def require_loopback(url: str) -> str:
    """Return the URL unchanged.

    :raises ForbiddenUrl: unless it is http on a loopback address.
    """
    try:
        parts = urlsplit(url)
        loopback = parts.scheme == "http" and (parts.hostname == "localhost" or is_loopback_host(parts.hostname))
    except ValueError:
        loopback = False
    if not loopback:
        raise ForbiddenUrl(f"not a loopback URL: {url}")
    return url


class LoopbackRedirects(HTTPRedirectHandler):
    """Follows redirects on this machine only."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """urllib's hook."""
        return super().redirect_request(req, fp, code, msg, headers, require_loopback(newurl))


class ConsentForm(HTMLParser):
    """Finds the form of the consent page: its action and its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action: Optional[str] = None
        self.fields: Dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        """HTMLParser's hook."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = values.get("action", "")
        elif tag == "input" and self.action is not None and values.get("name"):
            self.fields[values["name"]] = values.get("value", "")


def visit(url: str, deny: bool = False, cloud: Optional[str] = None) -> int:
    """Open an authorization URL, submit its consent page and follow the redirect. Returns the last HTTP status.

    :raises ForbiddenUrl: when a page leads to another machine.
    """
    opener = build_opener(ProxyHandler({}), LoopbackRedirects())
    status, final_url, text = _fetch(opener, Request(require_loopback(url)))
    form = ConsentForm()
    form.feed(text)
    if status != 200 or form.action is None or "ticket" not in form.fields:
        return status
    fields = dict(form.fields, decision="deny" if deny else "approve")
    if cloud:
        fields["cloud"] = cloud
    target = require_loopback(urljoin(final_url, form.action))
    return _fetch(opener, Request(target, data=urlencode(fields).encode("ascii")))[0]


def _fetch(opener: OpenerDirector, request: Request) -> Tuple[int, str, str]:
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return int(response.status), str(response.url), response.read().decode("utf-8", "replace")
    except HTTPError as error:
        with error:
            return int(error.code), str(error.url), ""


def main(arguments: Optional[List[str]] = None) -> int:
    """Command line: URL [--deny] [--cloud NAME]; exit status 0 when the last response was 2xx."""
    parser = argparse.ArgumentParser(prog="python -m cloudinary_cli.sandbox.consent_client", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--deny", action="store_true", help="press Deny instead of Approve")
    parser.add_argument("--cloud", help="choose this cloud on the consent page")
    options = parser.parse_args(arguments)
    try:
        return 0 if 200 <= visit(options.url, options.deny, options.cloud) < 300 else 1
    except (ForbiddenUrl, OSError) as error:
        sys.stderr.write(f"browser: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
