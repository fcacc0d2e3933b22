"""HTML for the browser tab that a login ends in: one file, no script, no link, everything escaped. Knows no HTTP."""

from __future__ import annotations

import base64
import hashlib
from enum import Enum
from html import escape
from typing import Optional

from cloudinary_cli.text import one_line

_MAX_DETAIL = 500
_RETURN = "You can close this tab and return to the terminal."


class Tone(str, Enum):
    """How a page looks; the value is its CSS class."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOTICE = "notice"


_ICONS = {
    Tone.SUCCESS: '<path d="M20 33.5l8.5 8.5L45 24.5"/>',
    Tone.FAILURE: '<path d="M23 23l18 18M41 23L23 41"/>',
    Tone.NOTICE: '<path d="M32 18.5v17M32 45v.5"/>',
}

# The Content-Security-Policy allows this text by its hash: no style attribute, nothing inserted into it.
STYLE = """
:root {
  color-scheme: light dark;
  --ground: #eef1f7; --glow: #dfe6fb; --card: #fff; --edge: #dde2ec; --text: #1b2338; --soft: #55607a;
  --well: #f4f6fa; --brand: #3448c5; --success: #12805c; --failure: #c4314b; --notice: #946000;
  --shadow: 0 1px 2px rgba(27, 35, 56, .06), 0 18px 48px rgba(27, 35, 56, .12);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1220; --glow: #1c2647; --card: #161d30; --edge: #2a3450; --text: #eef1fa; --soft: #a5b0ca;
    --well: #0f1526; --brand: #9fb0ff; --success: #3ecf9a; --failure: #ff7d92; --notice: #f0b84a;
    --shadow: 0 1px 2px rgba(0, 0, 0, .4), 0 18px 48px rgba(0, 0, 0, .45);
  }
}
* { box-sizing: border-box; margin: 0; }
body {
  min-height: 100vh; display: grid; place-items: center; padding: 24px; color: var(--text);
  background: var(--ground) radial-gradient(60rem 34rem at 50% -8rem, var(--glow), transparent 75%) no-repeat;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
}
main {
  width: 100%; max-width: 480px; overflow: hidden; text-align: center;
  background: var(--card); border: 1px solid var(--edge); border-radius: 18px; box-shadow: var(--shadow);
}
.body { padding: 44px 36px 36px; }
.success { --tone: var(--success); }
.failure { --tone: var(--failure); }
.notice { --tone: var(--notice); }
.icon { display: block; width: 76px; height: 76px; margin: 0 auto 22px; color: var(--tone); }
h1 { font-size: 1.6rem; line-height: 1.25; font-weight: 650; letter-spacing: -.015em; }
p { margin-top: 12px; color: var(--text); text-wrap: balance; }
.return { margin-top: 22px; font-size: .9375rem; color: var(--soft); }
.detail {
  margin-top: 20px; padding: 12px 16px; text-align: left; color: var(--text); background: var(--well);
  border: 1px solid var(--edge); border-left: 3px solid var(--tone); border-radius: 8px; overflow-wrap: anywhere;
  font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; text-wrap: wrap;
}
footer {
  display: flex; align-items: center; justify-content: center; gap: 9px; padding: 15px; font-size: .875rem;
  color: var(--soft); background: var(--well); border-top: 1px solid var(--edge);
}
.logo { width: 22px; height: 22px; color: var(--brand); }
@media (max-width: 420px) { .body { padding: 32px 22px 26px; } body { padding: 14px; } }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title} - Cloudinary CLI</title>
<style>{style}</style>
</head>
<body>
<main class="{tone}">
<div class="body">
<svg class="icon" viewBox="0 0 64 64" fill="none" aria-hidden="true">
<circle cx="32" cy="32" r="32" fill="currentColor" opacity=".14"/>
<g stroke="currentColor" stroke-width="5" stroke-linecap="round" stroke-linejoin="round">{icon}</g>
</svg>
<h1>{title}</h1>
<p>{message}</p>
{detail}<p class="return">{return_}</p>
</div>
<footer>
<svg class="logo" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"
 stroke-linejoin="round" aria-hidden="true">
<path d="M7 18.5a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.5 1.02A4 4 0 0 1 17.5 18.5z"/>
</svg>
<span>Cloudinary CLI</span>
</footer>
</main>
</body>
</html>
"""


def style_hash() -> str:
    """The style's source expression for a Content-Security-Policy (CSP level 2, section 4.2.5), without quotes."""
    return "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode("utf-8")).digest()).decode("ascii")


def render_page(title: str, message: str, tone: Tone, detail: str = "") -> str:
    """A whole page. `title` is also the heading; `detail` is for text from elsewhere and may be empty."""
    shown = escape(one_line(detail, _MAX_DETAIL))
    return _PAGE.format(
        title=escape(title),
        style=STYLE,
        tone=tone.value,
        icon=_ICONS[tone],
        message=escape(message),
        detail=f'<p class="detail">{shown}</p>\n' if shown else "",
        return_=_RETURN,
    )


def callback_page(auth_error: Optional[str]) -> str:
    """The page of a login that ended: success for None, else failure with this reason."""
    if auth_error is None:
        return render_page("Logged in", "The Cloudinary CLI is ready to use.", Tone.SUCCESS)
    return render_page("Login failed", "Nothing was saved. Run the login again to retry.", Tone.FAILURE, auth_error)
