"""Divides command-line arguments between a command and the SDK method that it calls, and converts their encoding."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from cloudinary_cli.errors import CliError
from cloudinary_cli.text import one_line

_NAME_AND_VALUE = re.compile(r"([A-Za-z_][\w\[\]]*)=(.*)\Z", re.DOTALL)
_NEGATIVE_NUMBER = re.compile(r"-\.?[0-9]")
_PAIR_OPTION = re.compile(r"(-[A-Za-z]*[oO]|--optional[-_]parameter(?:[-_]parsed)?)\Z")
_ATTACHED_PAIR = re.compile(r"(-[A-Za-z]*?[oO](?==?)|--optional[-_]parameter(?:[-_]parsed)?(?==))=?(.*)\Z", re.DOTALL)


def arity_of(names_and_counts: Iterable[Tuple[str, int]]) -> Dict[str, int]:
    """Return the number of values of each option, with normalized names: `-` and `_` are the same in long names."""
    return {_normalized(name): count for name, count in names_and_counts}


def arrange(args: List[str], arity: Mapping[str, int]) -> Tuple[List[str], List[str]]:
    """Divide arguments into the command's options with their values and the words for the method.

    `-o name=value` becomes `-o name value`. Unknown `--name` options, negative numbers and a `--` are words.

    :param arity: number of values of each option of the command.
    """
    options: List[str] = []
    words: List[str] = []
    rest = list(args)
    while rest:
        token = rest.pop(0)
        if token == "--":
            return options, [*words, token, *rest]
        values = _values_after(token, arity)
        if values is None:
            words.append(token)
        else:
            options.extend(_with_values(token, values, rest))
    return options, words


def split_pairs(args: List[str], arity: Mapping[str, int]) -> List[str]:
    """Rewrite `-o name=value` as `-o name value`, and leave all other arguments unchanged.

    Otherwise Click would take the argument after `name=value` for the second value of the option.

    :param arity: number of values of each option of the command.
    """
    result: List[str] = []
    rest = list(args)
    while rest:
        token = rest.pop(0)
        if token == "--":
            return [*result, token, *rest]
        result.extend(_with_values(token, _values_after(token, arity) or 0, rest))
    return result


def _with_values(token: str, count: int, rest: List[str]) -> List[str]:
    """Return an option and its values, and remove the values from `rest`."""
    pair = _pair(token, count, rest)
    if pair is not None:
        return pair
    values = rest[:count]
    del rest[:count]
    return [token, *values]


def is_complete(options: List[str], arity: Mapping[str, int]) -> bool:
    """False if the last option that arrange() has found lacks a value."""
    rest = list(options)
    while rest:
        values = _values_after(rest.pop(0), arity) or 0
        if len(rest) < values:
            return False
        del rest[:values]
    return True


def _values_after(token: str, arity: Mapping[str, int]) -> Optional[int]:
    """The number of following arguments that belong to this option; None for a word."""
    if not token.startswith("-") or token == "-" or _NEGATIVE_NUMBER.match(token):
        return None
    name, equals, _ = token.partition("=")
    name = _normalized(name)
    if token.startswith("--"):
        return arity[name] - bool(equals) if name in arity else None
    if token in arity:
        return arity[token]
    # A cluster such as -AF or -oname. Click reports unknown letters.
    for position, letter in enumerate(token[1:], 2):
        values = arity.get(f"-{letter}")
        if values is None:
            return 0
        if values:
            return values if position == len(token) else values - 1
    return 0


def _pair(token: str, count: int, rest: List[str]) -> Optional[List[str]]:
    """Split `-o name=value` and `-oname=value` into an option with two values; None for other arguments."""
    if count == 2 and _PAIR_OPTION.match(token):
        match = _NAME_AND_VALUE.match(rest[0]) if rest else None
        if match:
            del rest[0]
            return [token, *match.groups()]
    attached = _ATTACHED_PAIR.match(token) if count == 1 else None
    match = _NAME_AND_VALUE.match(attached.group(2)) if attached else None
    return [attached.group(1), *match.groups()] if attached and match else None


def _normalized(option: str) -> str:
    return "--" + option[2:].replace("-", "_") if option.startswith("--") else option


def in_utf8(value: Any) -> Any:
    """Decode text from the command line, or the texts in a list or dict, as UTF-8.

    In a C locale, Python represents the bytes of an argument as surrogates (PEP 383). Paths need this form, but text
    that is sent to a server must consist of the characters that the bytes encode.

    :raises CliError: the bytes are not UTF-8.
    """
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape").decode("utf-8")
        except UnicodeError:
            raise CliError(f"'{one_line(value, 60)}' is not UTF-8 text. Retype it in a UTF-8 terminal.") from None
    if isinstance(value, (list, tuple)):
        return type(value)(in_utf8(item) for item in value)
    if isinstance(value, dict):
        return {in_utf8(key): in_utf8(item) for key, item in value.items()}
    return value
