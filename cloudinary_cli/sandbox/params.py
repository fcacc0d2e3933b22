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
PAIR = re.compile(r"((?:\\.|[^\\|=])+)=((?:\\.|[^|])*)", re.DOTALL)
ESCAPED = re.compile(r"\\([|=\\])")
TRUE = (True, "true", "1", 1, "True")
LARGEST_NUMBER = 10**12
POSITION = 32  # digits of the position in a cursor


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
    found = PAIR.findall(str(value or ""))
    return {ESCAPED.sub(r"\1", key): ESCAPED.sub(r"\1", text) for key, text in found}


def metadata(value: Any) -> Dict[str, Any]:
    """Structured metadata. The values of a field of several values are a JSON list."""
    return {key: _parsed(text) if str(text).startswith("[") else text for key, text in pairs(value).items()}


def objects(value: Any, name: str) -> List[Dict[str, Any]]:
    """A parameter that is a list of JSON objects, or JSON text of one.

    :raises RefusedCall: 400 for anything else.
    """
    found = _parsed(value) if value else []
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _invalid(name, value)
    return found


def _parsed(value: Any) -> Any:
    """The value of JSON text; other values unchanged."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def page(found: List[Any], values: Params, default: int = 10) -> Tuple[List[Any], Optional[str]]:
    """One page of a list, and the cursor of the next page.

    A cursor is a position in hexadecimal. In a list of assets the ID of the asset there precedes it, so that a script
    that deletes the assets of each page before it asks for the next one gets all of them.
    """
    cursor, start = str(values.get("next_cursor") or ""), cursor_position(values)
    following = cursor[:-POSITION]
    if following and _asset_id(found[start : start + 1]) != following:
        start = next((index for index, item in enumerate(found) if _asset_id([item]) == following), start)
    end = start + number(values, "max_results", default, 500)
    return found[start:end], f"{_asset_id(found[end:])}{end:0{POSITION}x}" if end < len(found) else None


def cursor_position(values: Params) -> int:
    """The position in a list at which the parameter `next_cursor` goes on.

    :raises RefusedCall: 400 when it is not a cursor.
    """
    cursor = str(values.get("next_cursor") or "0")
    if not re.fullmatch("[0-9a-f]+", cursor):
        raise _invalid("next_cursor", cursor)
    return int(cursor[-POSITION:], 16)


def _asset_id(found: List[Any]) -> str:
    """The ID of the first item; empty when there is none, or when it is no asset."""
    return str(found[0].get("asset_id", "")) if found and isinstance(found[0], dict) else ""
