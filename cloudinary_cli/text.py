"""Makes text safe to show: control characters escaped, secrets replaced, JSON that no terminal obeys; pure."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain, groupby
from typing import Any, Iterable, List, Optional, Sequence

# The patterns are texts, compiled (and kept) by `re` when first used: most commands use few of them.
# What a terminal obeys, reorders by, shows as nothing or cannot be given: C0 and C1 controls, the bidi controls, line
# separators, zero-width and tag characters, and lone surrogates (Unicode 15, chapters 23.1 to 23.9). With them, a name
# from a server could forge a line of this program.
_UNSAFE = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNSAFE_OR_BREAK = "[\t\n]|" + _UNSAFE

# The names of the members that carry a secret, in configurations, requests and responses.
SECRET_KEYS = frozenset(
    """access_token api_secret client_secret code_verifier id_token oauth_token password provisioning_api_secret
    refresh_token signature""".split()
)
_SECRET_NAMES = rf"(?:{'|'.join(sorted(SECRET_KEYS)).replace('_', '[_-]')}|auth_token(?:\[key\]|%5Bkey%5D))"
_SECRET_PATTERNS = (
    # cloudinary://key:SECRET@cloud and account://key:SECRET@id: up to the last @, since a raw secret may hold any
    # character, and to the end of the word where there is none. Placeholders such as <api_secret> stay.
    (r"(?i)\b((?:cloudinary|account)://[^\s:@]*:)(?!<\w+>@)\S+@", r"\1****@"),
    (r"(?i)\b((?:cloudinary|account)://[^\s:@]*:)(?!<\w+>@|\*{4}@)\S+", r"\1****"),
    # http://user:PASSWORD@proxy. Of the scheme, one letter is enough: a search for its beginning would start again at
    # each letter, which takes minutes for a long text.
    (r"(?i)([a-z0-9+.-]://[^\s:/?#@'\"]*:)(?!<\w+>@)[^\s/?#]+@", r"\1****@"),
    # name="value with blanks", name=value and 'name': 'value' for the members that carry a secret
    (rf"(?i)({_SECRET_NAMES}['\"]?\s*[=:]\s*b?(['\"]))(?:(?!\2)[^\n])+", r"\1****"),
    (rf"(?i)({_SECRET_NAMES}['\"]?\s*[=:]\s*(?:b?['\"])?)[^\s&'\",;)}}\]]+", r"\1****"),
    (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}", r"\1 ****"),
    # a JWT wherever it stands. The first two groups only make sure that each run of letters is searched once.
    (
        r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.)((?:[A-Za-z0-9_-]*?[_-])??)"
        r"eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
        r"\1****",
    ),
)


def _escaped(match: "re.Match[str]") -> str:
    return match.group(0).encode("unicode_escape").decode("ascii")


def printable(text: str) -> str:
    """Text with every control character except tab and newline shown as an escape such as ``\\x1b``."""
    return re.sub(_UNSAFE, _escaped, text)


def one_line(text: str, limit: Optional[int] = 200) -> str:
    """Untrusted text as a part of one line: no breaks, no controls, at most `limit` characters (None: all)."""
    # Every character of the pattern counts as unprintable, so most texts need no search.
    safe = text if text.isprintable() else re.sub(_UNSAFE_OR_BREAK, _escaped, text)
    return safe if limit is None or len(safe) <= limit else safe[: limit - 3] + "..."


def aligned(rows: Sequence[Sequence[str]], gap: str = "  ") -> str:
    """Rows of cells as lines with aligned columns; a cell is escaped like one_line() does, and is never shortened."""
    columns = []
    for column in zip(*rows):
        # The cells of a column together are usually printable, and then none of them needs to be searched.
        cells = column if "".join(column).isprintable() else [one_line(cell, None) for cell in column]
        width = max(map(len, cells))
        columns.append([cell.ljust(width) for cell in cells])
    return "\n".join(gap.join(cells).rstrip() for cells in zip(*columns))


def secrets_in(arguments: Sequence[str]) -> List[str]:
    """Arguments, or parts of them, that are secrets and that redact() cannot recognize in a text that repeats them.

    A password in a URL is recognized there unless it has blanks. Replacing it everywhere would hide ordinary words of
    a message when it is one, such as `secret`.
    """
    found = []
    previous = ""
    for argument in arguments:
        url = re.match(r"(?is)-{0,2}[\w-]*=?(?:cloudinary|account)://[^:@]*:(.+)", argument)
        named = re.match(rf"(?is)-*{_SECRET_NAMES}[=:](.+)", argument)
        if url or named:
            value = (url or named).group(1)  # type: ignore[union-attr]
            value = value.rpartition("@")[0] or value if url else value
            found += [value] if re.search(r"\s", value) else []
        elif re.match(rf"(?i)-*{_SECRET_NAMES}\Z", previous):
            found.append(argument)
        previous = argument
    return found


def is_random(word: str) -> bool:
    """True for what looks like a pasted key: long, and with small letters, capital letters and digits."""
    return all(re.search(pattern, word) for pattern in (r"\A[\w-]{20,}\Z", "[a-z]", "[A-Z]", "[0-9]"))


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Text with credentials replaced by ``****``: the last net before a log line, not a substitute for care.

    :param secrets: known ones, as secrets_in() finds them; replaced also where the text has escaped them.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        for form in {secret, one_line(secret, None), secret.replace("'", "'\"'\"'"), repr(secret)[1:-1]}:
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "****", text)
    for pattern, replacement in _SECRET_PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


_SHORTEST_SECRET = 4
_PART = 8
_MOST_ROUNDS = 4
_SMALL_LETTERS = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Text in which each of `secrets` is replaced by ``****``, also in part, in other case, or escaped.

    Percent-encoding, character references of HTML, and backslash escapes count, also one inside of another. Where one
    of them hides a secret, the whole text is returned without escapes. Secrets of fewer than 4 characters, and parts of
    fewer than 8, cannot be told from other text and stay.
    """
    wanted = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
    plain = _unescaped(text)
    if plain != text:
        masked = _masked(plain, {*wanted, *map(_unescaped, wanted)})
        if masked != plain:
            return masked
    return _masked(text, wanted)


def _unescaped(text: str) -> str:
    # Deferred: only an error of the authorization server needs them.
    from html import unescape
    from urllib.parse import unquote

    for _ in range(_MOST_ROUNDS):
        before = text
        text = unescape(unquote(text))
        text = re.sub(
            r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))", lambda found: chr(int(found[1] or found[2], 16)), text
        )
        text = re.sub(r"\\+([/'\"])", r"\1", text)
        if text == before:
            break
    return text


def _masked(text: str, secrets: Iterable[str]) -> str:
    """Text in which each run of characters that stands in one of the secrets, too, is replaced."""
    searched = text.translate(_SMALL_LETTERS)
    hidden = [False] * len(text)
    for secret in secrets:
        small = secret.translate(_SMALL_LETTERS)
        size = min(_PART, len(small))
        parts = {small[start : start + size] for start in range(len(small) - size + 1)}
        for start in range(len(text) - size + 1):
            if searched[start : start + size] in parts:
                hidden[start : start + size] = [True] * size
    runs = groupby(zip(text, hidden), key=lambda pair: pair[1])
    return "".join("****" if is_hidden else "".join(letter for letter, _ in run) for is_hidden, run in runs)


# Legal in JSON, but a terminal obeys or reorders by them: always written as \uXXXX.
_TERMINAL_UNSAFE = "[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"


def to_json(obj: Any, encoding: Optional[str] = "utf-8", indent: Optional[int] = 2) -> str:
    """JSON text with non-ASCII characters as they are, where `encoding` can carry them."""
    import json

    if indent == 2 and _is_table(obj):
        # A third of the time: with an indent, json does not use its C encoder. A line break inside a JSON text stands
        # between two members, never in a string, so what is replaced is the border between two rows.
        text = json.dumps(obj, separators=(",\n    ", ": "), ensure_ascii=False)
        text = "[\n  {\n    " + text[2:-2].replace("},\n    {", "\n  },\n  {\n    ") + "\n  }\n]"
    else:
        text = json.dumps(obj, indent=indent, ensure_ascii=False, default=str)
    if not text.isascii() or "\x7f" in text:
        text = re.sub(_TERMINAL_UNSAFE, lambda match: f"\\u{ord(match.group(0)):04x}", text)
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return json.dumps(obj, indent=indent, default=str)
    return text


_SCALARS = {str, int, float, bool, type(None)}


def _is_table(obj: Any) -> bool:
    """True for a list of objects, all with members and none with a nested one."""
    return (
        isinstance(obj, list)
        and bool(obj)
        and set(map(type, obj)) == {dict}
        and all(obj)
        and _SCALARS.issuperset(map(type, chain.from_iterable(map(dict.values, obj))))
    )


def nfc(text: str) -> str:
    """The text in Unicode normal form C: macOS and the server may spell one name with other code points."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_SIGNATURE = re.compile(r"/s--[A-Za-z0-9_-]+--/|(?<=__cld_token__=).*")


def without_signature(url: str) -> str:
    """A delivery URL as it may be shown: its signature would let anybody in."""
    return _SIGNATURE.sub(lambda match: "/s--****--/" if match[0].startswith("/s--") else "****", url)
