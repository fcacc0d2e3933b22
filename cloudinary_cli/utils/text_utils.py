"""Makes text safe to show: control characters escaped, secrets replaced, JSON that no terminal obeys; pure."""

from __future__ import annotations

import json
import re
from typing import Any, Optional

# C0 and C1 controls, DEL, and the characters that reorder text (Unicode bidi), which can forge a line on a terminal.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
_CONTROL = re.compile(_UNSAFE)
_CONTROL_OR_BREAK = re.compile("[\t\n]|" + _UNSAFE)

_SECRET_PATTERNS = (
    # cloudinary://key:SECRET@cloud, account://key:SECRET@id, http://user:PASSWORD@proxy; up to the last @, since a
    # raw secret may hold one. The placeholders of help texts, such as <api_secret>, stay.
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/?#@'\"]*:)(?!<\w+>@)[^\s/?#'\"]+@"), r"\1****@"),
    # name=value and 'name': 'value' for the members that carry a secret
    (
        re.compile(
            r"(?i)((?:api_secret|oauth_token|refresh_token|access_token|id_token|client_secret|code_verifier"
            r"|provisioning_api_secret|auth_token(?:\[key\]|%5Bkey%5D)|signature|password)"
            r"['\"]?\s*[=:]\s*(?:b?['\"])?)[^\s&'\",;)}\]]+"
        ),
        r"\1****",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}"), r"\1 ****"),
    # a JWT wherever it stands
    (re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), "****"),
)


def _escaped(match: "re.Match[str]") -> str:
    return match.group(0).encode("unicode_escape").decode("ascii")


def printable(text: str) -> str:
    """Text with every control character except tab and newline shown as an escape such as ``\\x1b``."""
    return _CONTROL.sub(_escaped, text)


def one_line(text: str, limit: Optional[int] = 200) -> str:
    """Untrusted text as a part of one line: no breaks, no controls, at most `limit` characters (None: all)."""
    safe = _CONTROL_OR_BREAK.sub(_escaped, text)
    return safe if limit is None or len(safe) <= limit else safe[: limit - 3] + "..."


def redact(text: str) -> str:
    """Text with credentials replaced by ``****``: the last net before a log line, not a substitute for care."""
    for pattern, replacement in _SECRET_PATTERNS:
        text = pattern.sub(replacement, text)
    return text


# Legal in JSON, but a terminal obeys or reorders by them: always written as \uXXXX.
_TERMINAL_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def to_json(obj: Any, encoding: Optional[str] = "utf-8", indent: Optional[int] = 2, sort_keys: bool = False) -> str:
    """JSON text with non-ASCII characters as they are, where `encoding` can carry them."""
    text = json.dumps(obj, indent=indent, sort_keys=sort_keys, ensure_ascii=False, default=str)
    text = _TERMINAL_UNSAFE.sub(lambda match: f"\\u{ord(match.group(0)):04x}", text)
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return json.dumps(obj, indent=indent, sort_keys=sort_keys, default=str)
    return text
