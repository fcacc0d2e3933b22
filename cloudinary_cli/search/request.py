"""A search request: its options, its body for the API, the aggregation syntax, and the cells of the CSV."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Dict, Iterable, List, NoReturn, Optional, Tuple

from cloudinary_cli.errors import CliError

MAX_PAGE_SIZE = 500
DEFAULT_PAGE_SIZE = 10
DEFAULT_TTL_SECONDS = 300

# json.dumps would create an encoder for every cell.
_JSON_TEXT = json.JSONEncoder(ensure_ascii=False).encode

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class SearchKind(str, Enum):
    """The kind of search. The value is the name of the result list."""

    ASSETS = "resources"
    FOLDERS = "folders"


@dataclass(frozen=True)
class SearchRequest:
    """The options of a search command. `ttl` is the lifetime of a search URL in seconds."""

    kind: SearchKind = SearchKind.ASSETS
    expression: str = ""
    with_field: Tuple[str, ...] = ()
    fields: Tuple[str, ...] = ()
    sort_by: Tuple[Tuple[str, str], ...] = ()
    aggregate: Tuple[str, ...] = ()
    max_results: int = DEFAULT_PAGE_SIZE
    next_cursor: Optional[str] = None
    auto_paginate: bool = False
    force: bool = False
    filter_fields: Tuple[str, ...] = ()
    json_file: Optional[str] = None
    csv_file: Optional[str] = None
    csv_escape: bool = False
    jsonl: bool = False
    quiet: bool = False
    show_query: bool = False
    url: bool = False
    ttl: int = DEFAULT_TTL_SECONDS

    @property
    def kept_fields(self) -> List[str]:
        """The fields that -ff keeps of each item, in this order; empty means all."""
        return list(dict.fromkeys([*self.filter_fields, *self.with_field])) if self.filter_fields else []


def for_folders(request: SearchRequest) -> Tuple[SearchRequest, List[str]]:
    """Return the request as a folder search, and the options that folder search does not have."""
    given = {"-f/--with_field": request.with_field, "-fi/--fields": request.fields, "-a/--aggregate": request.aggregate}
    folders = replace(request, kind=SearchKind.FOLDERS, with_field=(), fields=(), aggregate=())
    return folders, [option for option, value in given.items() if value]


def request_body(request: SearchRequest) -> Dict[str, Any]:
    """The JSON body of the first request.

    :raises CliError: an aggregation cannot be parsed.
    """
    body: Dict[str, Any] = {
        "expression": request.expression,
        "with_field": list(request.with_field),
        "fields": list(request.fields),
        "sort_by": [{field: direction} for field, direction in request.sort_by],
        "aggregate": [parse_aggregate(text) for text in request.aggregate],
        "max_results": MAX_PAGE_SIZE if request.auto_paginate else request.max_results,
        "next_cursor": request.next_cursor,
    }
    return {key: value for key, value in body.items() if value or key == "expression"}


def all_pages_question(total: Any, remaining: Optional[int]) -> str:
    """The question of -A before the second page. Either number may be unknown."""
    found = ""
    if isinstance(total, int):
        calls = max(1, -(-total // MAX_PAGE_SIZE) - 1)
        found = f"{total} results were found; fetching all of them takes {calls} more Admin API calls. "
    budget = f"You have {remaining} Admin API calls left. " if remaining is not None else ""
    return f"{found}{budget}Continue?"


# -- aggregation


def parse_aggregate(text: str) -> Any:
    """Parse a value of -a: `format`, `bytes:small_-1000,big_1000-`, or a JSON object with a `type`.

    :raises CliError: the value is invalid; the message names the invalid part.
    """
    text = text.strip()
    if text.startswith("{"):
        return _json_aggregate(text)
    kind, colon, listed = text.partition(":")
    if not kind.strip():
        raise CliError("The aggregation names no field. Write -a format, or ranges: -a bytes:small_-1000,big_1000-")
    if not colon:
        return text
    ranges = [_range(part.strip()) for part in listed.split(",") if part.strip()]
    if not ranges:
        raise CliError(f"The aggregation '{text}' has no ranges. Write for example {kind}:small_-1000,big_1000-")
    return {"type": kind, "ranges": ranges}


def _json_aggregate(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CliError(f"The aggregation is not valid JSON: {error}") from None
    if "type" not in value:
        raise CliError(
            'The aggregation has no "type". Example: {"type": "bytes", "ranges": [{"key": "big", "from": 9}]}'
        )
    return value


def _refuse_constant(text: str) -> NoReturn:
    # Python accepts NaN and Infinity, which are not JSON, so the server would reject the request.
    raise ValueError(f"{text} is not JSON")


def _range(text: str) -> Dict[str, Any]:
    key, underscore, bounds = text.partition("_")
    start, dash, end = bounds.partition("-")
    if not underscore or not dash:
        missing = "no underscore after its key" if not underscore else "no dash between its bounds"
        raise CliError(f"The aggregation range '{text}' has {missing}. Write KEY_FROM-TO, for example small_0-1000.")
    given = {"from": start.strip(), "to": end.strip()}
    return {"key": key, **{name: _bound(name, value, text) for name, value in given.items() if value}}


def _bound(name: str, value: str, text: str) -> Any:
    if re.match(r"[0-9]+\Z", value):
        return int(value)
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CliError(f"The '{name}' value of the aggregation range '{text}' is not a number: '{value}'.")
    return int(number) if number.is_integer() else number


# -- CSV


def csv_path(name: str) -> str:
    """Append `.csv` to the name, unless it ends with it already."""
    return name if name.lower().endswith(".csv") else f"{name}.csv"


def csv_row(item: Dict[str, Any], columns: Iterable[str], escape: bool = False) -> List[Any]:
    """The cells of a row. Lists and objects are written as JSON; missing values are empty.

    :param escape: apply without_formula() to text.
    """
    cells = [_cell(item.get(column)) for column in columns]
    return [without_formula(cell) for cell in cells] if escape else cells


def without_formula(cell: Any) -> Any:
    """Prefix text with an apostrophe if a spreadsheet would run it as a formula.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _cell(value: Any) -> Any:
    return _JSON_TEXT(value) if isinstance(value, (dict, list)) else value
