"""The search expression of a clone: bracketed, held to what can be cloned."""

from __future__ import annotations

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer.clone.query import ANY_TYPE, clone_expression


@pytest.mark.parametrize("text", [None, "", "  "])
def test_without_an_expression_all_three_types(text: str) -> None:
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
def test_the_users_expression_is_bracketed(text: str) -> None:
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
def test_a_negated_type_is_no_wish_for_it(text: str) -> None:
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
def test_an_expression_with_types_is_taken_as_it_is(text: str) -> None:
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
def test_brackets_that_do_not_match(text: str) -> None:
    with pytest.raises(CliError, match="parentheses"):
        clone_expression(text)


def test_a_quote_that_is_not_closed() -> None:
    with pytest.raises(CliError, match="quote"):
        clone_expression('tags:"a')
