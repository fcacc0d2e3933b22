"""Tokens of a search expression: fields, values, quotes, negation, and text that cannot be split."""

from __future__ import annotations

from typing import List

import pytest

from cloudinary_cli.search.expression import ExpressionError, Token, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("cat", [Token("word", "cat")]),
        ('"a (b) \\" c"', [Token("quoted", 'a (b) \\" c')]),
        ("type : upload", [Token("term", "upload", "type")]),
        ("my.type=x", [Token("term", "x", "my.type", "=")]),
        ('tags:"type:fetch"', [Token("term", "type:fetch", "tags")]),
        ("-type:x !type:y", [Token("term", "x", "type", negated=True), Token("term", "y", "type", negated=True)]),
        ("bytes>=10kb", [Token("term", "10kb", "bytes", ">=")]),
        ("bytes:[1 TO 2]", [Token("range", "[1 TO 2]", "bytes")]),
        ("tags:(a OR b)", [Token("group", "(", "tags"), Token("word", "a"), Token("OR", "OR"), Token("word", "b"), Token("close")]),
        ("NOT -(+(a))", [Token("NOT", "NOT"), Token("NOT", "-"), Token("open"), Token("open"), Token("word", "a"), Token("close"), Token("close")]),
        ("a-b\\(c", [Token("word", "a-b\\(c")]),
        ("not a", [Token("word", "not"), Token("word", "a")]),
        ("  ", []),
    ],
)  # fmt: skip
def test_tokens_of_an_expression(text: str, tokens: List[Token]) -> None:
    assert list(tokenize(text)) == tokens


@pytest.mark.parametrize(("text", "rest"), [('a AND tags:"b c', '"b c'), ("a b\\", "\\")])
def test_an_unclosed_quote_and_a_final_backslash_are_errors(text: str, rest: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        list(tokenize(text))
    assert caught.value.rest == rest
