"""The little HTTP that the login's redirect needs: bytes to a request, a page to bytes; pure. Knows no OAuth."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Collection, FrozenSet, List, Union

from cloudinary_cli.auth.callback_page import style_hash

MAX_REQUEST_LINE = 8 * 1024
# Roomy, because a browser sends the cookies of every development server on this address, whatever its port.
MAX_HEAD = 64 * 1024
MAX_HEADERS = 100

_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(rb"([!-~]{1,32}) (/[!-~]*) HTTP/1\.[01]\Z")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*\Z")


@dataclass(frozen=True)
class Request:
    """A request that was sent to this server's own address. `path` and `query` are as received, undecoded."""

    method: str
    path: str
    query: str


class BadRequest(Exception):
    """A request that gets an error page; `status` says which."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def bracketed(host: str) -> str:
    """An IP literal as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def authorities(host: str, port: int) -> FrozenSet[str]:
    """What a browser may write in the Host header: the address as given or in its short form; 80 may be left out."""
    names = {bracketed(name) for name in (host.lower(), str(ipaddress.ip_address(host)))}
    return frozenset({f"{name}:{port}" for name in names} | (names if port == 80 else set()))


def is_answerable(received: Union[bytes, bytearray]) -> bool:
    """True for a whole request head, and for one that cannot become valid any more.

    The latter includes a TLS handshake: a browser that tries https first should learn at once that there is none.
    """
    if not received[:1].isalpha() or _END in received or len(received) > MAX_HEAD:
        return True
    return len(received) > MAX_REQUEST_LINE and b"\r\n" not in received[:MAX_REQUEST_LINE]


def parse_request(received: bytes, authorities: Collection[str]) -> Request:
    """The request in `received`, which is_answerable() said to be ready.

    :param authorities: the values that its Host header may have. A page whose name was made to resolve to this address
        (DNS rebinding) sends another one; RFC 8252 section 8.10 wants host and port of the redirect compared.
    :raises BadRequest: with the status to answer.
    """
    head, end, _ = received.partition(_END)
    line, *fields = head.split(b"\r\n")
    if len(line) > MAX_REQUEST_LINE:
        raise BadRequest(HTTPStatus.REQUEST_URI_TOO_LONG)
    found = _REQUEST_LINE.match(line)
    if found is None:
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    if not end or len(head) > MAX_HEAD or len(fields) > MAX_HEADERS:
        raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if _host(fields) not in authorities:
        raise BadRequest(HTTPStatus.MISDIRECTED_REQUEST)
    method, target = (part.decode("ascii") for part in found.groups())
    path, _, query = target.partition("?")
    return Request(method, path, query)


def _host(fields: List[bytes]) -> str:
    """The one Host header; every field must be well-formed, since what is skipped here another reader may obey."""
    parsed = [_HEADER.match(field) for field in fields]
    hosts = [found.group(2) for found in parsed if found is not None and found.group(1).lower() == b"host"]
    if None in parsed or len(hosts) != 1:
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    return hosts[0].decode("latin-1").lower()


def response(status: HTTPStatus, html: str, allow: str = "", with_body: bool = True, location: str = "") -> bytes:
    """A complete response after which the connection is closed.

    :param location: an ASCII URL for a redirect (RFC 9110 section 10.2.2).

    What keeps the authorization code to this one page, and what cannot: no-store keeps the page out of the disk cache;
    no-referrer, the CSP and a page without links keep its address out of every other request. The browser's history
    does hold the address: only a script (history.replaceState) or a redirect to another path could replace the entry,
    and the page has neither. What stays there is worthless: a code works once, and not without the PKCE verifier, which
    no browser ever sees.
    """
    body = html.encode("utf-8", "replace")
    headers = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Server: cld",
        f"Date: {formatdate(usegmt=True)}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "Cache-Control: no-store",
        "Pragma: no-cache",
        "Referrer-Policy: no-referrer",
        "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY",
        f"Content-Security-Policy: default-src 'none'; style-src '{style_hash()}'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'",
    ]
    if allow:
        headers.append(f"Allow: {allow}")
    if location:
        headers.append(f"Location: {location}")
    return "\r\n".join(headers).encode("ascii") + _END + (body if with_body else b"")
