"""The search expression that says which assets are cloned: the user's, held to the delivery types that have originals.

Pure. Knows as much of the expression language as it takes to find the `type` filters in it: quotes, brackets, NOT.
"""

from __future__ import annotations

import re
from typing import List, Optional

from cloudinary_cli.errors import CliError

TYPES = ("upload", "private", "authenticated")
ANY_TYPE = " OR ".join(f"type:{name}" for name in TYPES)

_QUOTED = r'"(?:\\.|[^"\\])*"'
# A word takes what is before its colon along, so that resource_type:image is no filter of `type`.
_TOKEN = re.compile(
    rf'(?P<filter>(?P<minus>[-!]?)type\s*[:=]\s*(?P<value>\([^()"]*\)|{_QUOTED}|[^\s()"]+))'
    rf'|(?P<open>[-!+]?\()|(?P<close>\))|{_QUOTED}|(?P<stray>")|(?P<word>(?:\\.|[^\s()"])+)'
)
_OPERATORS = ("OR", "AND", "NOT")


def clone_expression(text: Optional[str]) -> str:
    """The expression to search with.

    One that asks for types by name is taken as it is. Any other gets the three types as a condition of its own, and is
    bracketed for that: AND binds closer than OR.

    :raises CliError: it asks for a type that cannot be cloned, or its quotes or brackets do not match.
    """
    if text is None or not text.strip():
        return ANY_TYPE
    wanted = _wanted_types(text)
    unsupported = sorted({name for name in wanted if name not in TYPES})
    if unsupported:
        raise CliError(
            f"Unsupported type(s) in search expression: {', '.join(unsupported)}. Assets of type {', '.join(TYPES)} can"
            " be cloned."
        )
    return text if wanted else f"({text}) AND ({ANY_TYPE})"


def _wanted_types(text: str) -> List[str]:
    """The types that an expression asks for by name; what it excludes is not among them."""
    negations, is_negated, wanted = [False], False, []
    for token in _TOKEN.finditer(text):
        if token["stray"]:
            raise CliError('A quote (") of the search expression is not closed.')
        if token["close"]:
            negations.pop()
            if not negations:
                break
        elif token["open"]:
            negations.append(negations[-1] ^ is_negated ^ _is_minus(token["open"]))
        elif token["filter"] and not negations[-1] ^ is_negated ^ _is_minus(token["minus"]):
            wanted.extend(_names(token["value"]))
        is_negated = (token["word"] or "").upper() == "NOT"
    if len(negations) != 1:
        raise CliError("The brackets of the search expression do not match.")
    return wanted


def _is_minus(text: str) -> bool:
    return text[:1] in ("-", "!")


def _names(value: str) -> List[str]:
    """The types of `upload`, `"upload"` or `(upload OR private)`; not those behind a NOT."""
    found, is_negated = [], False
    for word in re.findall(r"[^\s()\"]+", value):
        if word.upper() in _OPERATORS:
            is_negated = word.upper() == "NOT"
            continue
        if not is_negated and word[0] not in "-!":
            found.append(word)
        is_negated = False
    return found
