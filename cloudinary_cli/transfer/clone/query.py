"""The search expression of a clone: the user's expression, limited to the delivery types that have originals. Pure."""

from __future__ import annotations

from typing import List, Optional, Tuple

from cloudinary_cli.errors import CliError
from cloudinary_cli.search.expression import ExpressionError, tokenize

TYPES = ("upload", "private", "authenticated")
ANY_TYPE = " OR ".join(f"type:{name}" for name in TYPES)
_OPERATORS = ("OR", "AND", "NOT")


def clone_expression(text: Optional[str]) -> str:
    """The expression to search with.

    An expression that names types is used unchanged. Any other expression is combined with the three types by AND. It
    is put in parentheses, because AND has higher precedence than OR.

    :raises CliError: the expression names a type that cannot be cloned, or its quotes or parentheses do not match.
    """
    if text is None or not text.strip():
        return ANY_TYPE
    try:
        named = _named_types(text)
    except ExpressionError as error:
        if error.rest.startswith('"'):
            raise CliError('A quote (") of the search expression is not closed.') from None
        raise CliError(f"The search expression cannot be read at: {error.rest[:20]}") from None
    unsupported = sorted({name for name in named if name not in TYPES})
    if unsupported:
        raise CliError(
            f"Unsupported type(s) in search expression: {', '.join(unsupported)}. Assets of type {', '.join(TYPES)} can"
            " be cloned."
        )
    return text if named else f"({text}) AND ({ANY_TYPE})"


def _named_types(text: str) -> List[str]:
    """The types that an expression selects by name, without those that it excludes."""
    named: List[str] = []
    groups: List[Tuple[bool, str]] = [(False, "")]  # a stack of open parentheses: (is it negated?, its field)
    is_negated = False  # True after a NOT that applies to the next token
    for token in tokenize(text):
        operator = token.text.upper() if token.kind in ("word", *_OPERATORS) else ""
        if operator == "NOT" or token.kind == "NOT":
            is_negated = not is_negated
            continue
        negated, field = groups[-1][0] ^ is_negated ^ token.negated, token.field or groups[-1][1]
        is_negated = False
        if token.kind == "close":
            groups.pop()
            if not groups:
                break
        elif token.kind in ("open", "group"):
            groups.append((negated, field))
        elif field == "type" and token.op in (":", "=") and token.kind != "range" and operator not in _OPERATORS:
            named += [] if negated else [token.text]
    if len(groups) != 1:
        raise CliError("The parentheses of the search expression do not match.")
    return named
