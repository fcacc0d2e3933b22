"""The page on which a person approves or denies a login; no third-party resources, everything escaped."""

from __future__ import annotations

from html import escape
from typing import Dict, List
from urllib.parse import urlsplit

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Cloudinary sandbox - approve access</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem; color: #1b1f3b }}
button {{ font: inherit; padding: .5rem 1.5rem; margin-right: 1rem }}
</style></head>
<body><h1>Cloudinary sandbox</h1>
"""
_END = "</body></html>\n"
_CLIENT = "<p>The client <code>{client}</code> asks for access to this local test server.</p>\n"
_SCOPES = "<ul>{scopes}</ul>\n"
_FORM = """<form method="post" action="{action}">
<input type="hidden" name="ticket" value="{ticket}">
"""
_DECISION = """<p><label>Cloud <select name="cloud">{clouds}</select></label></p>
<button name="decision" value="approve">Approve</button>
<button name="decision" value="deny">Deny</button>
</form>"""

_CONSENT = f"{_HEAD}{_CLIENT}{_SCOPES}<p>The answer goes to <code>{{redirect}}</code>.</p>\n{_FORM}{_DECISION}{_END}"
_DEVICE = (
    f"{_HEAD}{_CLIENT}<p>Approve only if your terminal shows the code <strong>{{user_code}}</strong>.</p>\n{_SCOPES}"
    f'{_FORM}<input type="hidden" name="user_code" value="{{user_code}}">\n{_DECISION}{_END}'
)
_CODE = f"""{_HEAD}<p>{{message}}</p>
<form method="get" action="{{action}}">
<p><label>Code <input name="user_code" autocomplete="off" autofocus></label></p>
<button>Continue</button>
</form>{_END}"""
_OUTCOME = f"{_HEAD}<p>{{message}}</p>{_END}"


def consent_page(client: str, scope: str, redirect_uri: str, action: str, ticket: str, clouds: List[str]) -> str:
    return _decision(_CONSENT, scope, clouds, client=client, redirect=redirect_uri, action=action, ticket=ticket)


def device_page(client: str, scope: str, user_code: str, action: str, ticket: str, clouds: List[str]) -> str:
    """The HTML on which a device code is approved or denied (RFC 8628 section 5.4: the person compares the code)."""
    return _decision(_DEVICE, scope, clouds, client=client, user_code=user_code, action=action, ticket=ticket)


def code_page(action: str, message: str = "Enter the code that your terminal shows.") -> str:
    return _CODE.format(action=escape(action), message=escape(message))


def outcome_page(message: str) -> str:
    """The HTML after a decision."""
    return _OUTCOME.format(message=escape(message))


def _decision(page: str, scope: str, clouds: List[str], **values: str) -> str:
    return page.format(
        scopes="".join(f"<li>{escape(name)}</li>" for name in scope.split()),
        clouds="".join(f"<option>{escape(name)}</option>" for name in clouds),
        **{name: escape(value) for name, value in values.items()},
    )


def security_headers(redirect_uri: str) -> Dict[str, str]:
    """Headers of the consent page.

    form-action must name the redirect target too: browsers apply it to redirects that follow the form. CSP has no
    syntax for IPv6 literals, so it is left out there. With the referrer policy `no-referrer`, browsers send the form
    with `Origin: null` (Fetch standard), which cannot be told from a foreign page.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
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
