"""Compiles a search expression to a predicate over records.

Grammar: terms joined by AND, OR, NOT (or `-`), adjacency meaning AND, with parentheses. A term is a word, or a field
with `:` (token match), `=` (exact match), `<`, `<=`, `>`, `>=`, a `[a TO b]` range, or a group `field:(a OR b)`.
"""

from __future__ import annotations

import re
from typing import Callable, List, Optional

from cloudinary_cli.search.expression import ExpressionError, Token, tokenize

from .search_values import Record, compare, match_field, match_range, match_word

Predicate = Callable[[Record], bool]

RANGE = re.compile(r"([\[{])\s*(\S+)\s+TO\s+(\S+)\s*([\]}])\Z")


def compile_expression(expression: str, now: float) -> Predicate:
    """A predicate for an expression; empty and `*` match everything.

    :raises ExpressionError: for text that is not an expression.
    """
    if expression.strip() in ("", "*"):
        return lambda record: True
    parser = _Parser(list(tokenize(expression)), now)
    predicate = parser.alternatives("")
    if parser.peek() is not None:
        raise ExpressionError(f"unexpected {parser.peek().text or ')'!r}")  # type: ignore[union-attr]
    return predicate


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
        if token.kind in ("word", "quoted") and not field:
            return lambda record: match_word(record, token.text)
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
