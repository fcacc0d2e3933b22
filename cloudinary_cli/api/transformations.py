"""Checks and converts transformations in the arguments of an SDK method: parameters, JSON objects, or lists (chains).

The SDK silently ignores unknown transformation parameters, and in some places takes only one transformation of a list.
This module refuses the former and converts the latter.
"""

from __future__ import annotations

import json
import shlex
from typing import Any, Dict, List, Sequence, Tuple

from cloudinary_cli.api.arguments import Arguments, Call, Pair, describe_unknown
from cloudinary_cli.api.method import Method
from cloudinary_cli.api.undocumented import TRANSFORMATION
from cloudinary_cli.api.values import parse_value
from cloudinary_cli.errors import CliError

# The methods that manage a transformation, and the parameter that takes the definition of a new one.
_DEFINITIONS = {
    "create_transformation": "definition",
    "update_transformation": "unsafe_update",
    "transformation": "",
    "delete_transformation": "",
}


def collected(method: Method, arguments: Arguments) -> Arguments:
    """Collect loose parameters into a definition: `create_transformation NAME width=5 crop=fill`.

    :raises CliError: the method takes no definition, or one is given already.
    """
    if method.name not in _DEFINITIONS:
        return arguments
    loose_words = [word for word in arguments.words if "=" in word and _is_loose(method, word.partition("=")[0])]
    words = [word for word in arguments.words if word not in loose_words]
    strings, loose_strings = _divided(method, arguments.strings)
    parsed, loose_parsed = _divided(method, arguments.parsed)
    pairs = [*loose_parsed, *(word.split("=", 1) for word in loose_words)]
    found: Dict[str, Any] = {**dict(loose_strings), **{name: parse_value(text) for name, text in pairs}}
    if not found:
        return arguments
    text = json.dumps(found, ensure_ascii=False)
    plain = [word for word in words if "=" not in word]
    names = {word.partition("=")[0] for word in words if "=" in word} | {name for name, _ in [*strings, *parsed]}
    if method.name != "create_transformation" or "definition" in names or len(plain) > 1 - ("name" in names):
        raise CliError(_no_place(method, list(found), text))
    return Arguments([*words, f"definition={text}"], strings, parsed)


def _divided(method: Method, given: Sequence[Pair]) -> Tuple[List[Pair], List[Pair]]:
    loose = [pair for pair in given if _is_loose(method, pair[0])]
    return [pair for pair in given if pair not in loose], loose


def _is_loose(method: Method, name: str) -> bool:
    own = method.is_parameter(name) or name in method.options
    return not own and (name in TRANSFORMATION or name == "format" or name.startswith("$"))


def _no_place(method: Method, names: List[str], text: str) -> str:
    place = _DEFINITIONS[method.name]
    option = f"{place}={shlex.quote(text)}" if place else shlex.quote(text)
    return (
        f"Method '{method.name}' does not take {', '.join(names)} in addition to its transformation."
        f" Give the whole transformation as one argument: {option}"
    )


def checked(method: Method, call: Call) -> Call:
    """Convert lists of transformations to chains.

    :raises CliError: a transformation parameter is unknown, so the SDK would ignore it.
    """
    if method.name in _DEFINITIONS and call.unknown:
        raise CliError(describe_unknown(method, call.unknown[0]))
    return Call({name: _converted(method, name, value) for name, value in call.kwargs.items()}, call.unknown)


def _converted(method: Method, name: str, value: Any) -> Any:
    if name == "eager" and isinstance(value, list):
        return [_chain(name, item) for item in value]  # each item is a separate derived asset
    if name == "eager" or (name in ("definition", "transformation") and method.name in _DEFINITIONS):
        return _chain(name, value)
    if name == "unsafe_update":
        return _chain(name, value, takes_format=False)
    if name == "transformation":
        _check_names(name, value)  # the SDK converts this list to a chain
    return value


def _chain(name: str, value: Any, takes_format: bool = True) -> Any:
    """Wrap a list of transformations so that the SDK builds a chain: `w_100/a_20`."""
    _check_names(name, value, takes_format)
    if not isinstance(value, list):
        return value
    return {"transformation": [item if isinstance(item, dict) else {"raw_transformation": item} for item in value]}


def _check_names(name: str, value: Any, takes_format: bool = False) -> None:
    """Refuse parameters that the SDK would ignore. It takes `format` only in a single transformation."""
    allowed = TRANSFORMATION | {"format"} if takes_format and isinstance(value, dict) else TRANSFORMATION
    for item in value if isinstance(value, list) else [value]:
        for key in item if isinstance(item, dict) else ():
            if key not in allowed and not key.startswith("$"):
                raise CliError(f"The transformation in '{name}' has an unknown parameter '{key}'. Check its name.")
        if isinstance(value, list) and not isinstance(item, (str, dict)):
            raise CliError(f"The list in '{name}' has an item that is not a transformation: {json.dumps(item)}")
