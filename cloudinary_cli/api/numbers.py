"""Checks the numbers among the arguments of an API method before a request; reads sizes with a unit. Pure."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Callable, Dict, Tuple

from cloudinary_cli.api.values import Parameter
from cloudinary_cli.errors import CliError
from cloudinary_cli.text import one_line

_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:([kmg])(i?))?b?\Z", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}


def _integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not _INTEGER.match(str(value)):
        raise ValueError
    return value


def _number(value: Any) -> Any:
    if not math.isfinite(float(value)):
        raise ValueError
    return value


def _seconds(value: Any) -> Any:
    if not float(_number(value)) > 0:
        raise ValueError
    return value


def _size(value: Any) -> int:
    """Bytes: decimal units k, M, G, and binary units Ki, Mi, Gi, each with or without a B, in either case."""
    match = _SIZE.match(str(_integer(value) if isinstance(value, float) else value))
    if match is None:
        raise ValueError
    base = 1024 if match[3] else 1000
    size = int(Decimal(match[1]) * base ** _POWERS[(match[2] or "").lower()])
    if size < 1:
        raise ValueError
    return size


_Kind = Tuple[Callable[[Any], Any], str, str]  # the check, what the value must be, an example
_WHOLE: _Kind = (_integer, "a whole number", "10")
_FLOAT: _Kind = (_number, "a number", "0.5")
_UNITS = "a number of bytes, with or without a unit (k, M, G, KiB, MiB, GiB)"
# Names that mean the same in every method, whether its documentation gives their type or not.
_BY_NAME: Dict[str, _Kind] = {
    "chunk_size": (_size, _UNITS, "6MB"),
    "max_results": _WHOLE,
    "timestamp": _WHOLE,
    "valid_for": _WHOLE,
    "expires_at": _WHOLE,
}
_TIMEOUT: _Kind = (_seconds, "a positive number of seconds", "60")


def checked_number(value: Any, parameter: Parameter) -> Any:
    """The value of a numeric parameter; a size as an integer. Other values, and None, are returned as they are.

    :raises CliError: it is not a number. The message says what to type.
    """
    kind = _kind(parameter)
    if kind is None or value is None:
        return value
    check, description, example = kind
    try:
        if isinstance(value, bool):
            raise ValueError
        return check(value)
    except (ValueError, TypeError, OverflowError):
        raise CliError(
            f"{parameter.name} must be {description}, not '{one_line(str(value), 60)}'."
            f" Write for example: {parameter.name}={example}"
        ) from None


def _kind(parameter: Parameter) -> Any:
    if parameter.name in _BY_NAME:
        return _BY_NAME[parameter.name]
    kinds = set(parameter.kinds)
    if kinds == {"int"}:
        return _WHOLE
    if kinds and kinds <= {"int", "float"}:
        return _FLOAT
    # Every method takes the time-out of its request; one that documents a `timeout` means something else.
    return _TIMEOUT if parameter.name == "timeout" and not kinds else None
