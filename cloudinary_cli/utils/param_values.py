"""Reads one value of the command line: what its text says, and what the documented type of its parameter wants."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Iterable, List, Tuple

BOOLEANS = {"True": True, "true": True, "False": False, "false": False}
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")

# A comma separates the components of one transformation, so it cannot separate the items of a list of them.
_COMMAS_ARE_CONTENT = frozenset(
    ["eager", "transformation", "transformations", "manifest_transformation", "representations"]
)


@dataclass(frozen=True)
class Parameter:
    """One argument of a method. `type` is the docstring's text, such as `list[str]`; empty when undocumented."""

    name: str
    type: str = ""
    required: bool = False
    positional: bool = False

    @property
    def kinds(self) -> List[str]:
        """The alternatives of the type: `str or dict, optional` -> [`str`, `dict`]."""
        return [kind.strip() for kind in re.split(r"\bor\b|\|", self.type.partition(",")[0]) if kind.strip()]

    @property
    def is_list(self) -> bool:
        return self.type.startswith("list")

    @property
    def is_text(self) -> bool:
        return self.type.startswith("str")

    @property
    def is_flag(self) -> bool:
        return self.type.startswith("bool")

    @property
    def splits_at_commas(self) -> bool:
        return self.is_list and self.name not in _COMMAS_ARE_CONTENT


def parse_value(text: str) -> Any:
    """A value as its text suggests: a boolean, JSON, or the text itself."""
    if text in BOOLEANS:
        return BOOLEANS[text]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    # The SDK drops what is falsy; "0" reaches the server as the same text.
    return "0" if value == 0 and type(value) is int else value


def typed_value(text: str, parameter: Parameter) -> Any:
    """A value as text and documented type suggest: an ID of digits stays text where text is wanted.

    Quotes still force text (`'"true"'`), and JSON lists and objects are read where the type allows them.
    """
    value = parse_value(text)
    if parameter.is_list:
        return None if value is None else list_items(text, parameter)
    if not parameter.is_text or isinstance(value, str):
        return value
    return value if isinstance(value, _values_beside_text(parameter)) else text


def _values_beside_text(parameter: Parameter) -> Tuple[type, ...]:
    none = type(None)
    if not parameter.positional:
        # The docstrings say `str` for some options that take flags or structures as well.
        return (bool, none, list, dict)
    allowed: List[type] = [{"dict": dict, "list": list}[kind] for kind in parameter.kinds if kind in ("dict", "list")]
    return tuple(allowed if parameter.required else [*allowed, bool, none])


def list_items(text: str, parameter: Parameter) -> Any:
    r"""The items of a list argument: a JSON list as it is, plain text split at commas; `\,` is a comma of an item."""
    value = parse_value(text)
    if isinstance(value, (list, dict)):
        return value
    if isinstance(value, str) and value != text:
        return [value]
    return split_list(text, parameter)


def split_list(text: str, parameter: Parameter) -> List[str]:
    """Plain text as the items of a list argument."""
    if not parameter.splits_at_commas:
        return [text]
    return [item.replace("\\,", ",") for item in _UNESCAPED_COMMA.split(text) if item]


def joined_items(texts: Iterable[str], parameter: Parameter) -> List[Any]:
    """The items of several words that all belong to one list argument."""
    items: List[Any] = []
    for text in texts:
        value = list_items(text, parameter)
        items.extend(value if isinstance(value, list) else [value])
    return items
