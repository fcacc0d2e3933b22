"""Converts the words of a command line to the keyword arguments of an SDK method."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Set, Tuple

from cloudinary_cli.api.method import Method
from cloudinary_cli.api.numbers import checked_number
from cloudinary_cli.api.values import (
    BOOLEANS,
    Parameter,
    joined_items,
    list_items,
    parse_value,
    split_list,
    typed_value,
)
from cloudinary_cli.errors import CliError
from cloudinary_cli.progress import counted
from cloudinary_cli.text import did_you_mean

Pair = Tuple[str, str]
UNSET_VARIABLE = "Is a shell variable unset?"
# The name in `name=value`. URLs and public IDs with folders may contain `=`, too.
_NAME = re.compile(r"[$\w][$\w\[\]-]*(?==)")


@dataclass(frozen=True)
class Arguments:
    """The arguments after the method's name: words and `--name` options in order, -o pairs, and -O pairs."""

    words: Sequence[str] = ()
    strings: Sequence[Pair] = ()
    parsed: Sequence[Pair] = ()


@dataclass(frozen=True)
class Call:
    """The keyword arguments of a call. `unknown` are the names among them that the method does not take."""

    kwargs: Dict[str, Any]
    unknown: Tuple[str, ...] = ()


def bind(method: Method, arguments: Arguments) -> Call:
    """Map the arguments to the method's parameters.

    `key=value` words and options are keyword arguments. The other words fill the remaining parameters in order, and
    any further words are appended to the last list parameter of the signature.

    :raises CliError: a required argument is missing, there are too many, an option is unknown, or a number is invalid.
    """
    words, named = _take_options(method, arguments.words)
    given = _gather(method, arguments, named)
    positional, pairs = _sort_words(method, words, set(given))
    # A word replaces an earlier word, -o or -O with the same name.
    given.update((key, typed_value(text, method.parameter(key))) for key, text in pairs)
    filled = _fill(method, positional, set(given))
    _check_complete(method, {*given, *filled})
    _check_not_empty(method, {**filled, **given})
    unknown = [name for name in given if not method.knows(name)]
    if unknown and not method.open_ended:
        raise CliError(f"{describe_unknown(method, unknown[0])} Its signature: {method.signature}")
    values = {**filled, **given}
    return Call({name: checked_number(values[name], method.parameter(name)) for name in values}, tuple(unknown))


def divide_words(method: Method, arguments: Arguments) -> Tuple[List[str], List[Pair], List[Pair]]:
    """Divide the words into positional ones, `name=value` pairs, and `--name value` options."""
    words, named = _take_options(method, arguments.words)
    positional, pairs = _sort_words(method, words, set(_gather(method, arguments, named)))
    return positional, pairs, named


def describe_unknown(method: Method, name: str) -> str:
    """`Method 'resources' has no option 'max_result'. Did you mean: max_results?`"""
    return f"Method '{method.name}' has no option '{name}'. {did_you_mean(name, method.documented_names())}".rstrip()


# -- keywords


def _take_options(method: Method, words: Sequence[str]) -> Tuple[List[str], List[Pair]]:
    """Separate `--name value` and `--name=value` from the words. After `--` there are no options."""
    rest = list(words)
    kept: List[str] = []
    named: List[Pair] = []
    while rest:
        word = rest.pop(0)
        if word == "--":
            return kept + rest, named
        if not word.startswith("--"):
            kept.append(word)
            continue
        option, equals, value = word[2:].partition("=")
        name = option.replace("-", "_")
        if not method.knows(name):
            raise CliError(describe_unknown(method, name))
        named.append((name, value if equals else _option_value(method, name, rest)))
    return kept, named


def _option_value(method: Method, name: str, rest: List[str]) -> str:
    """Remove the value of `--name` from the following words. A flag needs no value."""
    if method.parameter(name).is_flag:
        return rest.pop(0) if rest and rest[0] in BOOLEANS else "true"
    if not rest or rest[0].startswith("--"):
        raise CliError(f"Option --{name} needs a value: --{name}=VALUE")
    return rest.pop(0)


def _gather(method: Method, arguments: Arguments, named: Sequence[Pair]) -> Dict[str, Any]:
    """Collect keywords from -o (text), -O (parsed) and --name. Several values of one name become a list."""
    values: Dict[str, List[Any]] = {}
    for key, text in arguments.strings:
        parameter = method.parameter(key)
        values.setdefault(key, []).append(list_items(text, parameter) if parameter.is_list else text)
    for key, text in arguments.parsed:
        parameter, value = method.parameter(key), parse_value(text)
        is_text = parameter.is_list and isinstance(value, str)
        values.setdefault(key, []).append(split_list(value, parameter) if is_text else value)
    for key, text in named:
        values.setdefault(key, []).append(typed_value(text, method.parameter(key)))
    return {key: _merged(several, method.parameter(key)) for key, several in values.items()}


def _merged(values: List[Any], parameter: Parameter) -> Any:
    if len(values) == 1:
        return values[0]
    if not parameter.is_list:
        return values
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


# -- positional words


def _sort_words(method: Method, words: Sequence[str], given: Set[str]) -> Tuple[List[str], List[Pair]]:
    """Divide the words into positional ones and key=value pairs.

    A word whose text before `=` cannot be a name, such as a URL, is positional. As long as required parameters are
    missing, a word with `=` is a value, because a public ID may contain `=`, unless its key is a parameter. A
    documented option counts as an option as long as enough other words remain.
    """
    found = [_NAME.match(word) for word in words]
    keys = [match[0] if match else "" for match in found]
    by_name = given | {key for key in keys if method.is_parameter(key)}
    needed = sum(parameter.name not in by_name for parameter in method.required)
    others = sum(not method.is_parameter(key) and key not in method.options for key in keys)
    literal_options = max(0, needed - others)
    positional: List[str] = []
    pairs: List[Pair] = []
    for key, word in zip(keys, words):
        as_option = key in method.options
        if as_option and literal_options and not method.is_parameter(key):
            literal_options -= 1
            positional.append(word)
        elif not key or not (as_option or method.is_parameter(key) or len(positional) >= needed):
            positional.append(word)
        else:
            pairs.append((key, word[len(key) + 1 :]))
    return positional, pairs


def _fill(method: Method, words: List[str], given: Set[str]) -> Dict[str, Any]:
    """Assign the positional words to the parameters that have no value yet."""
    slots = [parameter for parameter in method.parameters if parameter.name not in given]
    if "" in words and any(slot.is_list for slot in slots):
        # list_items() drops empty items, so the method would run with the remaining ones.
        name = next(slot.name for slot in slots if slot.is_list)
        raise CliError(f"The argument '{name}' of '{method.name}' is empty. {UNSET_VARIABLE}")
    surplus = len(words) - len(slots)
    lists = [index for index, parameter in enumerate(slots) if parameter.is_list]
    if surplus > 0 and not lists:
        raise CliError(_too_many(method, words))
    if surplus <= 0:
        return {slot.name: _slot_value(word, slot) for slot, word in zip(slots, words)}
    start = lists[-1]
    end = start + 1 + surplus
    outer = zip(slots[:start] + slots[start + 1 :], words[:start] + words[end:])
    filled = {slot.name: _slot_value(word, slot) for slot, word in outer}
    return {**filled, slots[start].name: joined_items(words[start:end], slots[start])}


def _slot_value(word: str, slot: Parameter) -> Any:
    """The value of a positional word. `null` skips an optional parameter."""
    return None if word == "null" and not slot.required else typed_value(word, slot)


def _check_complete(method: Method, present: Set[str]) -> None:
    missing = [parameter.name for parameter in method.required if parameter.name not in present]
    if missing:
        needs = counted(len(method.required), "positional argument", "positional arguments")
        raise CliError(f"Function '{method.signature}' requires {needs}. Missing: {', '.join(missing)}.")


def _check_not_empty(method: Method, values: Dict[str, Any]) -> None:
    """Refuse an empty required argument. It may come from an unset shell variable, and could match all assets."""
    for parameter in method.required:
        value = values.get(parameter.name)
        items = value if isinstance(value, list) else [value]
        if not items or any(isinstance(item, str) and not item.strip() for item in items):
            raise CliError(f"The argument '{parameter.name}' of '{method.name}' is empty. {UNSET_VARIABLE}")


def _too_many(method: Method, words: Sequence[str]) -> str:
    # The message omits the words, because one of them may be an API secret.
    most = len(method.parameters)
    takes = f"takes at most {most}" if most else "takes no"
    return (
        f"Function '{method.signature}' {takes} positional argument{'' if most == 1 else 's'},"
        f" but {len(words)} {'was' if len(words) == 1 else 'were'} given. Give options as name=value."
    )
