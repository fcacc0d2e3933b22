"""Makes text safe to show: escapes control characters, redacts secrets, and formats tables and JSON."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain, groupby
from typing import Any, Iterable, List, Optional, Sequence

# The patterns are strings, which `re` compiles and caches on first use, because most commands need only a few of them.
# C0 and C1 controls, bidi controls, line separators, zero-width and tag characters, and lone surrogates (Unicode 15,
# sections 23.1 to 23.9). A name from a server that contains them could control the terminal or forge an output line.
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
    # cloudinary://key:SECRET@cloud and account://key:SECRET@id. A raw secret may contain any character, so it ends at
    # the last @, or at the end of the word if there is none. Placeholders such as <api_secret> are not replaced.
    (r"(?i)\b((?:cloudinary|account)://[^\s:@]*:)(?!<\w+>@)\S+@", r"\1****@"),
    (r"(?i)\b((?:cloudinary|account)://[^\s:@]*:)(?!<\w+>@|\*{4}@)\S+", r"\1****"),
    # http://user:PASSWORD@proxy. The pattern has only the last letter of the scheme: matching all of it would start at
    # every letter of a long text, which takes quadratic time.
    (r"(?i)([a-z0-9+.-]://[^\s:/?#@'\"]*:)(?!<\w+>@)[^\s/?#]+@", r"\1****@"),
    # name="value with blanks", name=value and 'name': 'value' for secret members
    (rf"(?i)({_SECRET_NAMES}['\"]?\s*[=:]\s*b?(['\"]))(?:(?!\2)[^\n])+", r"\1****"),
    (rf"(?i)({_SECRET_NAMES}['\"]?\s*[=:]\s*(?:b?['\"])?)[^\s&'\",;)}}\]]+", r"\1****"),
    (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}", r"\1 ****"),
    # a JWT anywhere in the text. The first two groups only ensure that each run of letters is searched once.
    (
        r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.)((?:[A-Za-z0-9_-]*?[_-])??)"
        r"eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
        r"\1****",
    ),
)


def _escaped(match: "re.Match[str]") -> str:
    return match.group(0).encode("unicode_escape").decode("ascii")


def printable(text: str) -> str:
    """Replace every control character except tab and newline by an escape such as ``\\x1b``."""
    return re.sub(_UNSAFE, _escaped, text)


def one_line(text: str, limit: Optional[int] = 200) -> str:
    """Escape untrusted text so that it fits in one line, and shorten it to `limit` characters (None: no limit)."""
    # No character of the pattern is printable, so most texts need no search.
    safe = text if text.isprintable() else re.sub(_UNSAFE_OR_BREAK, _escaped, text)
    return safe if limit is None or len(safe) <= limit else safe[: limit - 3] + "..."


def display_width(text: str) -> int:
    """The number of terminal columns of a text: 2 for a wide East Asian character, 0 for a combining mark.

    Source: https://www.unicode.org/reports/tr11/
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    # The vowels and final consonants of Hangul are drawn into the block of their first consonant.
    if unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fitted(text: str, width: int) -> str:
    """Cut a text to `width` columns. Dots replace its beginning, because the end of a path tells more."""
    if display_width(text) <= width:
        return text
    kept, used = len(text), min(3, width)
    while used + _columns(text[kept - 1]) <= width:
        kept -= 1
        used += _columns(text[kept])
    while kept < len(text) and not _columns(text[kept]):  # marks of a character that is cut off
        kept += 1
    return "." * min(3, width) + text[kept:]


_MIN_COLUMN = 8


def aligned(rows: Sequence[Sequence[str]], gap: str = "  ", width: Optional[int] = None) -> str:
    """Format rows of cells as lines with aligned columns. Cells are escaped as in one_line().

    :param width: of the terminal. Columns are cut to fit, the widest first; the first column, with the names, is cut
        last. None: nothing is cut.
    """
    columns = []
    for column in zip(*rows):
        # Usually the whole column is printable, so one check replaces a search of every cell.
        columns.append(column if "".join(column).isprintable() else [one_line(cell, None) for cell in column])
    if width is None:
        sizes = [max(map(len, cells)) for cells in columns]
        padded = [[cell.ljust(size) for cell in cells] for cells, size in zip(columns, sizes)]
    else:
        sizes = _column_sizes(columns, width - len(gap) * (len(columns) - 1))
        padded = [[_cut(cell, size) for cell in cells] for cells, size in zip(columns, sizes)]
    return "\n".join(gap.join(cells).rstrip() for cells in zip(*padded))


def _column_sizes(columns: Sequence[Sequence[str]], total: int) -> List[int]:
    sizes = [max(map(display_width, cells)) for cells in columns]
    for indexes in (range(1, len(sizes)), range(1)):
        while sum(sizes) > total and any(sizes[index] > _MIN_COLUMN for index in indexes):
            sizes[max(indexes, key=sizes.__getitem__)] -= 1
    return sizes


def _cut(cell: str, size: int) -> str:
    """Pad a cell to `size` columns, or cut its end."""
    if display_width(cell) > size:
        while display_width(cell) > size - 3:
            cell = cell[:-1]
        cell += "..."
    return cell + " " * (size - display_width(cell))


def secrets_in(arguments: Sequence[str]) -> List[str]:
    """Return the secrets in command-line arguments that redact() would not recognize in a message.

    redact() recognizes a password within a URL unless it contains blanks, so such a password is not returned. If it is
    an ordinary word, such as `secret`, replacing it everywhere would hide parts of the message.
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
    return [secret for secret in found if secret.strip()]  # an empty one is found everywhere


def is_random(word: str) -> bool:
    """True for a word that looks like a pasted key: long, with lower-case letters, upper-case letters and digits."""
    return all(re.search(pattern, word) for pattern in (r"\A[\w-]{20,}\Z", "[a-z]", "[A-Z]", "[0-9]"))


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Replace credentials by ``****``. This is a safety net for log lines; callers must not pass secrets on purpose.

    :param secrets: known secrets, from secrets_in(). Their escaped forms are replaced too.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        for form in {secret, one_line(secret, None), secret.replace("'", "'\"'\"'"), repr(secret)[1:-1]}:
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "****", text)
    for pattern, replacement in _SECRET_PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean: a, b?` with the known names that are similar, in their own spelling; empty if there are none."""
    import difflib

    spelling = {_folded(each): each for each in known}
    close = difflib.get_close_matches(_folded(name), spelling)
    return f"Did you mean: {', '.join(one_line(spelling[each], 60) for each in close)}?" if close else ""


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")


_MIN_SECRET_LENGTH = 4
_MIN_PART_LENGTH = 8
_MAX_UNESCAPE_ROUNDS = 4
_ASCII_LOWER_CASE = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Replace each of `secrets` by ``****``, also parts of them, in any letter case, and in escaped form.

    Percent-encoding, HTML character references and backslash escapes are recognized, including nested ones. If one of
    them hides a secret, the whole text is returned unescaped. Secrets of fewer than 4 characters and parts of fewer
    than 8 characters are not replaced, because they cannot be distinguished from other text.
    """
    wanted = [secret for secret in secrets if len(secret) >= _MIN_SECRET_LENGTH]
    plain = _unescaped(text)
    if plain != text:
        masked = _masked(plain, {*wanted, *map(_unescaped, wanted)})
        if masked != plain:
            return masked
    return _masked(text, wanted)


def _unescaped(text: str) -> str:
    # Deferred: only errors of the authorization server need these modules.
    from html import unescape
    from urllib.parse import unquote

    for _ in range(_MAX_UNESCAPE_ROUNDS):
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
    """Replace each run of characters that also occurs in one of the secrets."""
    searched = text.translate(_ASCII_LOWER_CASE)
    hidden = [False] * len(text)
    for secret in secrets:
        lower = secret.translate(_ASCII_LOWER_CASE)
        size = min(_MIN_PART_LENGTH, len(lower))
        parts = {lower[start : start + size] for start in range(len(lower) - size + 1)}
        for start in range(len(text) - size + 1):
            if searched[start : start + size] in parts:
                hidden[start : start + size] = [True] * size
    runs = groupby(zip(text, hidden), key=lambda pair: pair[1])
    return "".join("****" if is_hidden else "".join(letter for letter, _ in run) for is_hidden, run in runs)


# Legal in JSON, but they control a terminal or reorder its text, so they are always written as \uXXXX.
_TERMINAL_UNSAFE = "[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"


def to_json(obj: Any, encoding: Optional[str] = "utf-8", indent: Optional[int] = 2) -> str:
    """Format a value as JSON. Non-ASCII characters are not escaped if `encoding` can represent them."""
    import json

    if indent == 2 and _is_table(obj):
        # json does not use its C encoder with an indent, so this takes a third of the time. The replaced text contains
        # a line break, which never occurs inside a JSON string, so only boundaries between two rows match.
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


def colored_json(text: str) -> str:
    """Add the terminal's color codes to JSON text."""
    from pygments import highlight
    from pygments.formatters.terminal import TerminalFormatter
    from pygments.lexers.data import JsonLexer

    return str(highlight(text, JsonLexer(), TerminalFormatter())).strip("\n")


_SCALARS = {str, int, float, bool, type(None)}


def _is_table(obj: Any) -> bool:
    """True for a list of non-empty objects without nested values."""
    return (
        isinstance(obj, list)
        and bool(obj)
        and set(map(type, obj)) == {dict}
        and all(obj)
        and _SCALARS.issuperset(map(type, chain.from_iterable(map(dict.values, obj))))
    )


def nfc(text: str) -> str:
    """Normalize text to NFC, because macOS and the server may use different code points for the same name."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_SIGNATURE = re.compile(r"/s--[A-Za-z0-9_-]+--/|(?<=__cld_token__=).*")


def without_signature(url: str) -> str:
    """Replace the signature of a delivery URL, which would give access to anyone who reads it."""
    return _SIGNATURE.sub(lambda match: "/s--****--/" if match[0].startswith("/s--") else "****", url)
