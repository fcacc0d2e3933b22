"""Request parameters from query, form and JSON body, with `x[]` and `x[0]` combined into lists."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional, Tuple

from flask import request
from werkzeug.datastructures import MultiDict

from .state import RefusedCall

Params = Dict[str, Any]
LIST_KEY = re.compile(r"(.+)\[(\d*)\]\Z")
TRUE = (True, "true", "1", 1, "True")
LARGEST_NUMBER = 10**12


def params() -> Params:
    """All parameters of the current request."""
    found = {**grouped(request.args), **grouped(request.form)}
    if request.is_json and request.get_data(cache=True):
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise RefusedCall(400, "The request body is not a JSON object")
        found.update({key: value for key, value in body.items() if value is not None})
    return found


def grouped(values: MultiDict[str, str]) -> Params:
    """Single values as text, and `x[]`, `x[0]` and repeated values as lists."""
    found: Params = {}
    for key in values:
        match, group = LIST_KEY.match(key), values.getlist(key)
        if match:
            found.setdefault(match.group(1), []).extend(group)
        else:
            found[key] = group[0] if len(group) == 1 else group
    return found


def flag(values: Params, name: str, default: bool = False) -> bool:
    """A boolean parameter."""
    return values[name] in TRUE if values.get(name) not in (None, "") else default


def number(values: Params, name: str, default: int, limit: int = LARGEST_NUMBER) -> int:
    """A positive integer.

    :raises RefusedCall: 400 when it is not a number from 1 to `limit`.
    """
    raw = values.get(name)
    if raw in (None, ""):
        return default
    try:
        found = int(str(raw))
    except ValueError:
        raise _invalid(name, raw) from None
    if not 0 < found <= limit:
        raise RefusedCall(400, f"Value of parameter {name} must be between 1 and {limit}")
    return found


def _invalid(name: str, value: Any) -> RefusedCall:
    return RefusedCall(400, f"Invalid value for parameter {name}: {str(value)[:80]}")


def names_and_objects(values: Params, name: str) -> List[Any]:
    """A list whose items are texts or JSON objects that are not empty.

    :raises RefusedCall: 400 for anything else.
    """
    found = values.get(name) or []
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not all(item and isinstance(item, (str, dict)) for item in found):
        raise _invalid(name, found)
    return found


def required(values: Params, name: str) -> Any:
    """A required parameter.

    :raises RefusedCall: 400 when it is missing.
    """
    if values.get(name) in (None, "", []):
        raise RefusedCall(400, f"Missing required parameter - {name}")
    return values[name]


def items(value: Any) -> List[str]:
    """A list parameter: a list, or comma-separated text."""
    if isinstance(value, list):
        return [str(item).strip() for item in value]
    return [item.strip() for item in str(value or "").split(",") if item.strip()]


def pairs(value: Any) -> Dict[str, str]:
    """Context or metadata: a JSON object, or `key=value|key=value` with backslash escapes."""
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    found: Dict[str, str] = {}
    for part in _split_escaped(str(value or ""), "|"):
        key, equals, text = _partition_escaped(part)
        if key and equals:
            found[key] = text
    return found


def json_value(value: Any, name: str) -> Any:
    """A parameter that is JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise RefusedCall(400, f"Invalid JSON in parameter {name}") from None


def page(found: List[Any], values: Params, default: int = 10) -> Tuple[List[Any], Optional[str]]:
    """One page of a list, and the cursor of the next page. A cursor is the position in hexadecimal."""
    size = number(values, "max_results", default, 500)
    try:
        start = int(str(values.get("next_cursor") or "0"), 16)
    except ValueError:
        raise _invalid("next_cursor", values["next_cursor"]) from None
    end = start + size
    return found[start:end], f"{end:032x}" if end < len(found) else None


def _split_escaped(text: str, separator: str) -> List[str]:
    return [part for part in re.split(r"(?<!\\)" + re.escape(separator), text) if part]


def _partition_escaped(text: str) -> Tuple[str, str, str]:
    match = re.search(r"(?<!\\)=", text)
    if not match:
        return text, "", ""
    key, value = text[: match.start()], text[match.end() :]
    return re.sub(r"\\([|=\\])", r"\1", key), "=", re.sub(r"\\([|=\\])", r"\1", value)
