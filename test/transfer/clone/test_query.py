"""The search expression of a clone: put in parentheses, and limited to the types that can be cloned."""

from __future__ import annotations

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer.clone.query import ANY_TYPE, clone_expression


@pytest.mark.parametrize("text", [None, "", "  "])
def test_the_default_expression_has_the_three_types(text: str) -> None:
    assert clone_expression(text) == ANY_TYPE == "type:upload OR type:private OR type:authenticated"


@pytest.mark.parametrize(
    "text",
    [
        "tags:a OR tags:b",
        "resource_type:fetch",
        "resource_type=video AND my.type:fetch",
        'tags:"type:fetch"',
        'tags:"a \\" type:fetch"',
        "filename:a\\(b",
        "(a OR b) AND NOT c",
        "subtype:x",
    ],
)
def test_the_users_expression_is_put_in_parentheses(text: str) -> None:
    assert clone_expression(text) == f"({text}) AND ({ANY_TYPE})"


@pytest.mark.parametrize(
    "text",
    [
        "tags:a AND NOT type:fetch",
        "-type:fetch",
        "tags:a AND -type=facebook",
        "NOT (type:fetch OR type:list)",
        "-(tags:a AND type:fetch)",
        "NOT type:(fetch OR list)",
        "type:(NOT fetch)",
        'NOT type:"fetch"',
        "not type:fetch",
    ],
)
def test_a_negated_type_is_not_selected(text: str) -> None:
    assert clone_expression(text) == f"({text}) AND ({ANY_TYPE})"


@pytest.mark.parametrize(
    "text",
    [
        "type:upload",
        "type=private AND tags:x",
        'tags:x AND type:"authenticated"',
        "type:(upload OR private)",
        "type:upload AND NOT type:fetch",
        "NOT (NOT type:upload)",
        "tags:a (type : upload)",
    ],
)
def test_an_expression_with_types_is_used_unchanged(text: str) -> None:
    assert clone_expression(text) == text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("type:fetch", "fetch"),
        ("type=upload OR type=fetch", "fetch"),
        ("type:(upload OR facebook OR fetch)", "facebook, fetch"),
        ("NOT tags:a AND type:fetch", "fetch"),
        ("NOT (NOT type:fetch)", "fetch"),
        ("(type:list)", "list"),
        ("type:up*", "up*"),
    ],
)
def test_other_types_are_refused(text: str, named: str) -> None:
    with pytest.raises(CliError, match="Unsupported type") as caught:
        clone_expression(text)
    assert f": {named}." in caught.value.message


@pytest.mark.parametrize("text", ["a) OR (b", "(a", "a)", "((a)"])
def test_unbalanced_parentheses_are_refused(text: str) -> None:
    with pytest.raises(CliError, match="parentheses"):
        clone_expression(text)


def test_an_unclosed_quote_is_refused() -> None:
    with pytest.raises(CliError, match="quote"):
        clone_expression('tags:"a')
