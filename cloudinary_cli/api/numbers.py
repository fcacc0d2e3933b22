"""Checks the numeric arguments of an API method before the request, and converts sizes with a unit to bytes."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Callable, Dict, Tuple

from cloudinary_cli.api.values import Parameter
from cloudinary_cli.errors import CliError
from cloudinary_cli.net.chunks import TOO_SMALL_CHUNK
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
    """Convert a size to bytes. Units: k, M, G (decimal), Ki, Mi, Gi (binary), with or without B, case-insensitive."""
    match = _SIZE.match(str(_integer(value) if isinstance(value, float) else value))
    if match is None:
        raise ValueError
    base = 1024 if match[3] else 1000
    size = int(Decimal(match[1]) * base ** _POWERS[(match[2] or "").lower()])
    if size < 1:
        raise ValueError
    return size


def _chunk_size(value: Any) -> int:
    size = _size(value)
    if size <= TOO_SMALL_CHUNK:
        raise CliError(
            f"chunk_size must be larger than 5 MiB ({TOO_SMALL_CHUNK} bytes): Cloudinary refuses smaller chunks."
            " Write for example: chunk_size=6MB"
        )
    return size


_Kind = Tuple[Callable[[Any], Any], str, str]  # the check, a description of valid values, an example
_WHOLE: _Kind = (_integer, "a whole number", "10")
_FLOAT: _Kind = (_number, "a number", "0.5")
_UNITS = "a number of bytes, with or without a unit (k, M, G, KiB, MiB, GiB)"
# Parameters that have the same meaning in every method, even if its docstring does not give their type.
_BY_NAME: Dict[str, _Kind] = {
    "chunk_size": (_chunk_size, _UNITS, "6MB"),
    "max_results": _WHOLE,
    "timestamp": _WHOLE,
    "valid_for": _WHOLE,
    "expires_at": _WHOLE,
}
_TIMEOUT: _Kind = (_seconds, "a positive number of seconds", "60")


def checked_number(value: Any, parameter: Parameter) -> Any:
    """Check the value of a numeric parameter, and convert a size to an integer. Other values are returned unchanged.

    :raises CliError: the value is not a number; the message gives an example.
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
    # `timeout` is the time limit of the request, unless the method documents a parameter of that name.
    return _TIMEOUT if parameter.name == "timeout" and not kinds else None
