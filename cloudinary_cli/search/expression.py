"""Splits a search expression into tokens. `cld clone` reads them for type filters, the sandbox parses them.

The language: https://cloudinary.com/documentation/search_expressions
"""

from __future__ import annotations

import re
from typing import Iterator, Match, NamedTuple

# A field name is matched as a whole, so `resource_type:image` is not a filter of `type`.
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>\() | (?P<close>\)) |
      (?P<minus>[-!+]?)(?P<field>[A-Za-z_][\w.]*)\s*(?P<op>>=|<=|[:=<>])\s*
        (?: (?P<group>\() | (?P<range>[\[{][^\]}]*[\]}]) |
            "(?P<fquoted>(?:[^"\\]|\\.)*)" | (?P<fword>(?:[^\s()"\\]|\\.)+) ) |
      (?P<not>[-!])(?=[("\w]) | (?P<plus>\+)(?=[("]) |
      "(?P<quoted>(?:[^"\\]|\\.)*)" |
      (?P<word>(?:[^\s()"\\]|\\.)+)
    )""",
    re.VERBOSE,
)


class ExpressionError(ValueError):
    """The expression cannot be split or parsed. `rest` is the text from the unreadable character on."""

    def __init__(self, message: str, rest: str = "") -> None:
        super().__init__(message)
        self.rest = rest


class Token(NamedTuple):
    """One lexical unit; kind is open, close, word, quoted, term, group, range, AND, OR or NOT."""

    kind: str
    text: str = ""
    field: str = ""
    op: str = ":"
    negated: bool = False


def tokenize(expression: str) -> Iterator[Token]:
    """Yield the tokens of an expression.

    :raises ExpressionError: a quote is not closed, or a backslash escapes nothing.
    """
    position, text = 0, expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            rest = text[position:].lstrip()
            raise ExpressionError(f"cannot read {rest[:20]!r}", rest)
        position = match.end()
        if not match["plus"]:
            yield _token(match)


def _token(match: Match[str]) -> Token:
    found = match.groupdict()
    if found["field"]:
        field, op, negated = found["field"], found["op"], found["minus"] in ("-", "!")
        for kind in ("group", "range"):
            if found[kind]:
                return Token(kind, found[kind], field, op, negated)
        quoted = found["fquoted"] is not None
        return Token("term", found["fquoted"] if quoted else found["fword"], field, op, negated)
    if found["quoted"] is not None:
        return Token("quoted", found["quoted"])
    if found["word"]:
        return Token(found["word"] if found["word"] in ("AND", "OR", "NOT") else "word", found["word"])
    return Token("NOT", found["not"]) if found["not"] else Token("open" if found["open"] else "close")
