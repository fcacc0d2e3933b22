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
# Documented as text, and a flag or a structure for the server.
_FLAGS = frozenset(["visual_search"])
_TRANSFORMATIONS = frozenset(["definition", "transformation", "unsafe_update"])  # a list is a chain
_STRUCTURES = frozenset(["responsive_breakpoints"])
# Text wherever a method takes it without documenting its type.
_TEXT_NAMES = frozenset(
    """asset_folder display_name filename filename_override folder font_family format from_public_id name
    next_cursor notification_url prefix public_id public_id_prefix resource_type tag target_asset_folder target_format
    target_public_id text to_public_id to_type type upload_preset url_suffix""".split()
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
        if not self.type:
            return self.name in _TEXT_NAMES
        return "str" in self.kinds and self.name not in _FLAGS

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
    """A value as text and documented type suggest: `true`, `null` and `1e5` stay text where text is wanted.

    Quotes still force text (`'"true"'`), and JSON lists and objects are read where the type allows them.
    """
    value = parse_value(text)
    if parameter.is_list:
        is_nothing = value is None and "dict" in parameter.type
        return None if is_nothing else list_items(text, parameter)
    if not parameter.is_text or isinstance(value, str):
        return value
    return value if isinstance(value, _values_beside_text(parameter)) else text


def _values_beside_text(parameter: Parameter) -> Tuple[type, ...]:
    """The types that JSON text is read as, although the parameter takes text."""
    if parameter.name in _STRUCTURES or parameter.name in _TRANSFORMATIONS:
        return (list, dict)
    return tuple({"dict": dict, "list": list}[kind] for kind in parameter.kinds if kind in ("dict", "list"))


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
