"""Compares search values with fields of a record: text, folders, numbers with units, dates."""

from __future__ import annotations

import operator
import re
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

Record = Mapping[str, Any]

FOLDERS = ("folder", "asset_folder", "path")
DATES = ("created_at", "uploaded_at", "updated_at", "taken_at")
NUMBERS = ("bytes", "width", "height", "version", "pixels", "aspect_ratio", "duration", "pages")
TOKENIZED = ("tags", "filename", "display_name", "original_filename", "name")
UNITS = {"b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}
PERIODS = {"h": 3600, "d": 86400, "w": 7 * 86400, "m": 30 * 86400, "y": 365 * 86400}
COMPARISONS: Dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def match_word(record: Record, raw: str) -> bool:
    """A word without a field matches the ID, the names and the tags."""
    text, prefix = unescape(raw)
    texts = [str(record.get(name) or "") for name in ("public_id", "display_name", "asset_folder", "name", "path")]
    texts += [str(tag) for tag in record.get("tags") or []]
    texts += [str(value) for value in (record.get("context") or {}).values()]
    return any(_has_tokens(candidate, text, prefix) or text.lower() in candidate.lower() for candidate in texts)


def match_field(record: Record, field: str, raw: str, exact: bool, now: float) -> bool:
    """`field:value` or `field=value`."""
    value = lookup(record, field)
    text, prefix = unescape(raw)
    if field in FOLDERS:
        return value is not None and _in_folder(str(value), text, prefix)
    if field in DATES and value is not None and not prefix:
        return str(value).startswith(text)
    if field in NUMBERS:
        return compare(record, field, ">=", raw, now) and compare(record, field, "<=", raw, now)
    if text == "" and prefix:
        return value not in (None, "", [], {})
    values: List[Any] = value if isinstance(value, list) else [] if value is None else [value]
    tokens = not exact and (field in TOKENIZED or "." in field)
    return any(_matches_text(str(item), text, prefix, tokens) for item in values)


def compare(record: Record, field: str, op: str, raw: str, now: float) -> bool:
    """`field>value` and the like. Numbers may have units, and dates may be relative (`1d`: a day ago)."""
    value, (text, _) = lookup(record, field), unescape(raw)
    if value is None:
        return False
    if field in DATES:
        left, right = moment(str(value), now), moment(text, now)
    else:
        left, right = quantity(value), quantity(text)
    if left is None or right is None:
        return COMPARISONS[op](str(value), text)
    return COMPARISONS[op](left, right)


def match_range(record: Record, field: str, low: Tuple[str, str], high: Tuple[str, str], now: float) -> bool:
    """`field:[a TO b]`; `*` is an open end."""
    return all(text == "*" or compare(record, field, op, text, now) for op, text in (low, high))


def lookup(record: Record, field: str) -> Any:
    """A field's value; `context.key` and `metadata.key` read one key."""
    outer, dot, inner = field.partition(".")
    if dot:
        group = record.get(outer)
        return group.get(inner) if isinstance(group, Mapping) else None
    return record.get(field)


def unescape(raw: str) -> Tuple[str, bool]:
    """The text without backslash escapes, and whether it ended in an unescaped `*`."""
    prefix = raw.endswith("*") and not raw.endswith("\\*")
    return re.sub(r"\\(.)", r"\1", raw[:-1] if prefix else raw), prefix


def quantity(value: Any) -> Optional[float]:
    """A number, or text such as `1.5mb` or `16:9`."""
    if isinstance(value, (int, float)):
        return float(value)
    match = re.match(r"(-?\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?\Z", str(value).lower())
    if match:
        return float(match[1]) * UNITS[match[2] or "b"]
    ratio = re.match(r"(\d{1,9}):(\d{1,9})\Z", str(value))
    return int(ratio[1]) / int(ratio[2]) if ratio and int(ratio[2]) else None


def moment(text: str, now: float) -> Optional[float]:
    """Seconds since the epoch for a date, a time, or a period before now."""
    period = re.match(r"(\d{1,9})([hdwmy])\Z", text)
    if period:
        return now - int(period[1]) * PERIODS[period[2]]
    try:
        parsed = datetime.fromisoformat(re.sub(r"Z\Z", "+00:00", text))
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()


def _in_folder(value: str, text: str, prefix: bool) -> bool:
    """`F` is the folder itself, `F/*` also its subfolders, and `F*` each path with this prefix."""
    text = text if prefix else text.rstrip("/")
    if prefix and (text.endswith("/") or not text):
        return not text or value == text.rstrip("/") or value.startswith(text)
    return value.startswith(text) if prefix else value == text


def _matches_text(value: str, text: str, prefix: bool, tokens: bool) -> bool:
    if prefix and value.startswith(text):
        return True
    return value == text or (tokens and _has_tokens(value, text, prefix))


def _has_tokens(value: str, text: str, prefix: bool) -> bool:
    """Whether the words of `text` are adjacent in `value`, ignoring case."""
    have, wanted = re.findall(r"\w+", value.lower()), re.findall(r"\w+", text.lower())
    if not wanted:
        return False
    for start in range(len(have) - len(wanted) + 1):
        found = have[start : start + len(wanted)]
        if found[:-1] == wanted[:-1] and (found[-1].startswith(wanted[-1]) if prefix else found[-1] == wanted[-1]):
            return True
    return False
