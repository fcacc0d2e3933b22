"""Compiles a search expression to a predicate over records.

Grammar: terms joined by AND, OR, NOT (or `-`), adjacency meaning AND, with parentheses. A term is a word, or a field
with `:` (token match), `=` (exact match), `<`, `<=`, `>`, `>=`, a `[a TO b]` range, or a group `field:(a OR b)`.
"""

from __future__ import annotations

import re
from typing import Any, Callable, List, Mapping, Match, NamedTuple, Optional

from .search_values import Matcher, compare, match_field, match_range, match_word

Record = Mapping[str, Any]
Predicate = Callable[[Record], bool]

TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>\() | (?P<close>\)) |
      (?P<field>-?[A-Za-z_][\w.]*)\s*(?P<op>>=|<=|[:=<>])\s*
        (?: (?P<group>\() | (?P<range>[\[{][^\]}]*[\]}]) |
            "(?P<fquoted>(?:[^"\\]|\\.)*)" | (?P<fword>(?:[^\s()"\\]|\\.)+) ) |
      (?P<minus>-)(?=[("\w]) |
      "(?P<quoted>(?:[^"\\]|\\.)*)" |
      (?P<word>(?:[^\s()"\\]|\\.)+)
    )""",
    re.VERBOSE,
)
RANGE = re.compile(r"([\[{])\s*(\S+)\s+TO\s+(\S+)\s*([\]}])\Z")


class ExpressionError(ValueError):
    """The expression cannot be parsed."""


class Token(NamedTuple):
    """One lexical unit; kind is open, close, word, term, group, range or an operator name."""

    kind: str
    text: str = ""
    field: str = ""
    op: str = ":"
    negated: bool = False


def compile_expression(expression: str, now: float) -> Predicate:
    """A predicate for an expression; empty and `*` match everything.

    :raises ExpressionError: for text that is not an expression.
    """
    if expression.strip() in ("", "*"):
        return lambda record: True
    parser = _Parser(_tokenize(expression), now)
    predicate = parser.alternatives("")
    if parser.peek() is not None:
        raise ExpressionError(f"unexpected {parser.peek().text or ')'!r}")  # type: ignore[union-attr]
    return predicate


def _tokenize(expression: str) -> List[Token]:
    tokens, position, text = [], 0, expression.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise ExpressionError(f"cannot read {text[position : position + 20]!r}")
        tokens.append(_token(match))
        position = match.end()
    return tokens


def _token(match: Match[str]) -> Token:
    found = match.groupdict()
    if found["field"]:
        field, op, negated = found["field"].lstrip("-"), found["op"], found["field"].startswith("-")
        for kind in ("group", "range"):
            if found[kind]:
                return Token(kind, found[kind], field, op, negated)
        quoted = found["fquoted"] is not None
        return Token("term", found["fquoted"] if quoted else found["fword"], field, op, negated)
    if found["quoted"] is not None:
        return Token("word", found["quoted"])
    if found["word"] in ("AND", "OR", "NOT"):
        return Token(found["word"], found["word"])
    if found["word"]:
        return Token("word", found["word"])
    return Token("NOT", "-") if found["minus"] else Token("open" if found["open"] else "close")


class _Parser:
    """A recursive descent parser; `field` is the field of an enclosing `field:( ... )`."""

    def __init__(self, tokens: List[Token], now: float) -> None:
        self._tokens = tokens
        self._position = 0
        self._now = now

    def peek(self) -> Optional[Token]:
        """The next token."""
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def alternatives(self, field: str) -> Predicate:
        """A OR B OR ..."""
        found = [self._conjunction(field)]
        while self._accept("OR"):
            found.append(self._conjunction(field))
        return found[0] if len(found) == 1 else lambda record: any(one(record) for one in found)

    def _conjunction(self, field: str) -> Predicate:
        found = [self._negation(field)]
        while True:
            if not self._accept("AND"):
                following = self.peek()
                if following is None or following.kind in ("OR", "close"):
                    break
            found.append(self._negation(field))
        return found[0] if len(found) == 1 else lambda record: all(one(record) for one in found)

    def _negation(self, field: str) -> Predicate:
        if self._accept("NOT"):
            return _not(self._negation(field))
        return self._primary(field)

    def _primary(self, field: str) -> Predicate:
        token = self.peek()
        if token is None or token.kind in ("close", "AND", "OR"):
            raise ExpressionError(f"a term is missing before {token.text or ')'!r}" if token else "a term is missing")
        self._position += 1
        if token.kind in ("open", "group"):
            inner = self.alternatives(token.field or field)
            if not self._accept("close"):
                raise ExpressionError("a closing parenthesis is missing")
            return _not(inner) if token.negated else inner
        predicate = self._leaf(token, field)
        return _not(predicate) if token.negated else predicate

    def _leaf(self, token: Token, field: str) -> Predicate:
        if token.kind == "range":
            return _range(token, self._now)
        if token.kind == "word" and not field:
            return _bind(match_word, token.text)
        name, now = token.field or field, self._now
        if token.op in (":", "="):
            return lambda record: match_field(record, name, token.text, exact=token.op == "=", now=now)
        return lambda record: compare(record, name, token.op, token.text, now)

    def _accept(self, kind: str) -> bool:
        token = self.peek()
        if token is None or token.kind != kind:
            return False
        self._position += 1
        return True


def _range(token: Token, now: float) -> Predicate:
    match = RANGE.match(token.text)
    if match is None:
        raise ExpressionError(f"not a range: {token.text}")
    low, high = (">=" if match[1] == "[" else ">", match[2]), ("<=" if match[4] == "]" else "<", match[3])
    return lambda record: match_range(record, token.field, low, high, now)


def _not(inner: Predicate) -> Predicate:
    return lambda record: not inner(record)


def _bind(matcher: Matcher, text: str) -> Predicate:
    return lambda record: matcher(record, text)
