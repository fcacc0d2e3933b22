"""Converts the text of an argument to a value, according to the text and to the documented type of the parameter."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Iterable, List, Tuple

FILE_PARAMETERS = ("file", "image_file")
BOOLEANS = {"True": True, "true": True, "False": False, "false": False}
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")

# Commas separate the components of a transformation, so they cannot separate the items of a list of transformations.
_COMMAS_ARE_CONTENT = frozenset(
    ["eager", "transformation", "transformations", "manifest_transformation", "representations"]
)
# Documented as text, but the server expects a flag or a structure.
_FLAGS = frozenset(["visual_search"])
_TRANSFORMATIONS = frozenset(["definition", "transformation", "unsafe_update"])  # a list means chained transformations
_STRUCTURES = frozenset(["responsive_breakpoints"])
# Parameters that are text in every method that does not document their type.
_TEXT_NAMES = frozenset(
    """asset_folder display_name filename filename_override folder font_family format from_public_id name
    next_cursor notification_url prefix public_id public_id_prefix resource_type tag target_asset_folder target_format
    target_public_id text to_public_id to_type type upload_preset url_suffix""".split()
)


@dataclass(frozen=True)
class Parameter:
    """A parameter or option of a method. `type` is the text of the docstring, such as `list[str]`, or empty."""

    name: str
    type: str = ""
    required: bool = False

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
    """Parse text as a boolean or JSON; other text is returned unchanged."""
    if text in BOOLEANS:
        return BOOLEANS[text]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    # The SDK drops falsy values, and sends "0" in the same form as 0.
    return "0" if value == 0 and type(value) is int else value


def typed_value(text: str, parameter: Parameter) -> Any:
    """Convert text to the documented type. `true`, `null` and `1e5` stay text if the parameter is text.

    JSON quotes force text (`'"true"'`). JSON lists and objects are parsed if the type allows them.
    """
    value = parse_value(text)
    if parameter.is_list:
        is_nothing = value is None and "dict" in parameter.type
        return None if is_nothing else list_items(text, parameter)
    if not parameter.is_text or isinstance(value, str):
        return value
    return value if isinstance(value, _values_beside_text(parameter)) else text


def _values_beside_text(parameter: Parameter) -> Tuple[type, ...]:
    """The types besides text that a text parameter also takes as JSON."""
    if parameter.name in _STRUCTURES or parameter.name in _TRANSFORMATIONS:
        return (list, dict)
    return tuple({"dict": dict, "list": list}[kind] for kind in parameter.kinds if kind in ("dict", "list"))


def list_items(text: str, parameter: Parameter) -> Any:
    r"""Convert a list argument: JSON lists are returned as they are, other text is split at commas (not at `\,`)."""
    value = parse_value(text)
    if isinstance(value, (list, dict)):
        return value
    if isinstance(value, str) and value != text:
        return [value]
    return split_list(text, parameter)


def split_list(text: str, parameter: Parameter) -> List[str]:
    """Split text into the items of a list argument."""
    if not parameter.splits_at_commas:
        return [text]
    return [item.replace("\\,", ",") for item in _UNESCAPED_COMMA.split(text) if item]


def joined_items(texts: Iterable[str], parameter: Parameter) -> List[Any]:
    """Join the items of several words that belong to one list argument."""
    items: List[Any] = []
    for text in texts:
        value = list_items(text, parameter)
        items.extend(value if isinstance(value, list) else [value])
    return items
