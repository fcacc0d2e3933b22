"""The sandbox's HTML pages for approving or denying a login, and their one-time tickets.

The pages have no script and no link, and everything is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from html import escape
from typing import Dict, List, NamedTuple
from urllib.parse import urlsplit

from cloudinary_cli.auth.callback_page import STYLE

# What a client may do with each scope of settings.SCOPES.
_PERMISSIONS = {
    "openid": "Confirm who you are",
    "offline_access": "Stay logged in until you log out",
    "asset_management": "View, search and manage assets",
    "upload": "Upload assets",
}

# The Content-Security-Policy allows the style by its hash.
_STYLE = (
    STYLE
    + """
:root { --on-brand: #fff; }
@media (prefers-color-scheme: dark) { :root { --on-brand: #0d1220; } }
h1 { text-wrap: balance; }
h2, label, dt { margin-top: 24px; font-size: .875rem; font-weight: 600; color: var(--soft); text-align: left; }
label { display: block; }
dd { text-align: left; font-weight: 600; overflow-wrap: anywhere; }
ul { list-style: none; padding: 0; margin-top: 6px; text-align: left; }
li { position: relative; padding: 3px 0 3px 28px; }
li::before { content: "\\2713"; position: absolute; left: 4px; color: var(--success); font-weight: 700; }
select, input, button { width: 100%; min-height: 46px; border-radius: 10px; font: inherit; color: inherit; }
select, input { margin-top: 6px; padding: 9px 12px; background: var(--well); border: 1px solid var(--soft); }
.code {
  margin-top: 6px; padding: 12px; background: var(--well); border: 1px solid var(--edge); border-radius: 10px;
  font: 600 1.5rem/1.3 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  letter-spacing: .12em;
}
input { text-transform: uppercase; letter-spacing: .12em; }
.buttons { display: flex; gap: 12px; margin-top: 28px; }
button { padding: 10px 16px; font-weight: 600; cursor: pointer; }
button { background: var(--card); border: 1px solid var(--soft); }
button.primary { color: var(--on-brand); background: var(--brand); border-color: var(--brand); }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; }
button:hover { filter: brightness(1.08); }
@media (max-width: 420px) { .buttons { flex-direction: column; } }
"""
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} - Cloudinary sandbox</title>
<style>{style}</style>
</head>
<body>
<main>
<div class="body">
<h1>{title}</h1>
{content}
</div>
<footer>Cloudinary sandbox, a local test server</footer>
</main>
</body>
</html>
"""
_DECISION = """<form method="post" action="{action}">
<input type="hidden" name="ticket" value="{ticket}">
{device}{cloud}
<h2 id="permissions">Permissions</h2>
<ul aria-labelledby="permissions">{permissions}</ul>
<div class="buttons">
<button class="primary" name="decision" value="approve">Approve</button>
<button name="decision" value="deny">Deny</button>
</div>
<p class="return">{note}</p>
</form>"""
_ONE_CLOUD = '<dl><dt>Cloud</dt><dd>{name}</dd></dl><input type="hidden" name="cloud" value="{name}">'
_CLOUDS = '<label for="cloud">Cloud</label><select id="cloud" name="cloud">{options}</select>'
_DEVICE = """<h2 id="code">Approve only if your terminal shows this code</h2>
<p class="code" aria-labelledby="code">{user_code}</p>
<input type="hidden" name="user_code" value="{user_code}">
"""
_CODE = """<p{role}>{message}</p>
<form method="get" action="{action}">
<label for="user_code">Code</label>
<input id="user_code" name="user_code" required autofocus autocomplete="off" autocapitalize="characters"
 spellcheck="false" placeholder="ABCD-EFGH">
<div class="buttons"><button class="primary">Continue</button></div>
</form>"""


class Tickets:
    """One-time tokens that tie a consent form to its page, so that another web page cannot approve a login."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queries: Dict[str, bytes] = {}

    def issue(self, query: bytes) -> str:
        """A ticket for one authorization request."""
        ticket = secrets.token_urlsafe(16)
        with self._lock:
            self._queries[ticket] = query
        return ticket

    def redeem(self, ticket: str, query: bytes) -> bool:
        """Whether the ticket was issued for this request; it works once."""
        with self._lock:
            return self._queries.pop(ticket, None) == query


class ConsentRequest(NamedTuple):
    """What the user decides about, and where the form goes."""

    client: str
    scope: str
    action: str
    ticket: str
    clouds: List[str]


def consent_page(request: ConsentRequest, redirect_uri: str) -> str:
    """The page of an authorization request (RFC 6749 section 4.1.1)."""
    target = urlsplit(redirect_uri)
    return _decision(request, "", f"You will be sent back to {target.scheme}://{target.netloc}.")


def device_page(request: ConsentRequest, user_code: str) -> str:
    """The page of a device code; the user compares the code (RFC 8628 section 5.4)."""
    return _decision(request, _DEVICE.format(user_code=escape(user_code)), "Then return to your terminal.")


def code_page(action: str, error: str = "") -> str:
    """The page on which the user types a device code; `error` says why the last one was not accepted."""
    message = error or "Enter the code that your terminal shows."
    role = ' role="alert"' if error else ""
    return _page("Log in with a code", _CODE.format(action=escape(action), message=escape(message), role=role))


def outcome_page(title: str, message: str) -> str:
    """The page after a decision."""
    return _page(title, f"<p>{escape(message)}</p>")


def _decision(request: ConsentRequest, device: str, note: str) -> str:
    names = [escape(name) for name in request.clouds]
    options = "".join(f"<option>{name}</option>" for name in names)
    content = _DECISION.format(
        action=escape(request.action),
        ticket=escape(request.ticket),
        device=device,
        cloud=_CLOUDS.format(options=options) if len(names) > 1 else _ONE_CLOUD.format(name=names[0]),
        permissions="".join(f"<li>{_PERMISSIONS[name]}</li>" for name in request.scope.split()),
        note=escape(note),
    )
    return _page(f"Allow {request.client} to use your account?", content)


def _page(title: str, content: str) -> str:
    return _PAGE.format(title=escape(title), style=_STYLE, content=content)


def security_headers(redirect_uri: str) -> Dict[str, str]:
    """Headers of these pages.

    form-action must name the redirect target too: browsers apply it to redirects that follow the form. CSP has no
    syntax for IPv6 literals, so the directive is omitted for them. With the referrer policy `no-referrer`, browsers
    send the form with `Origin: null` (Fetch standard), which looks the same as from a foreign page.
    """
    style = base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'"
    target = urlsplit(redirect_uri)
    if ":" not in (target.hostname or ""):
        policy += f"; form-action 'self' {target.scheme}://{target.netloc}"
    return {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
