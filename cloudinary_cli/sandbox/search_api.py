"""The search routes: assets, folders, signed search URLs; sorting, paging, field selection, aggregation."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any, Dict, List, Tuple

from flask import Response, jsonify

from cloudinary_cli.search.expression import ExpressionError

from .admin_api import folder_view, folders_in
from .admin_auth import admin_blueprint
from .assets import Asset
from .params import Params, items, names_and_objects, page, params
from .search_expr import Predicate, compile_expression
from .search_values import lookup
from .signing import is_same
from .state import RefusedCall, state
from .views import computed, folder_of, only, search_view

blueprint = admin_blueprint("search_api")
AGGREGATES = ("resource_type", "type", "format", "status", "asset_folder", "folder")
DEFAULT_PAGE = 50
CACHED_SEARCHES = 16


@blueprint.route("/resources/search", methods=["GET", "POST"])
def search_assets(cloud: str) -> Response:
    return jsonify(run_search(cloud, params()))


@blueprint.route("/folders/search", methods=["GET", "POST"])
def search_folders(cloud: str) -> Response:
    values, started = params(), time.monotonic()
    wanted = _compile(values)
    found = [folder for folder in folders_in(cloud) if wanted({**folder, "name": folder["path"].rpartition("/")[2]})]
    ordered = order(found, names_and_objects(values, "sort_by"), "path", "asc")
    shown, cursor = page(ordered, values, DEFAULT_PAGE)
    body = {
        "total_count": len(found),
        "time": _elapsed(started),
        "folders": [dict(folder_view(folder), created_at=folder["created_at"]) for folder in shown],
    }
    return jsonify({**body, **({"next_cursor": cursor} if cursor else {})})


def run_search(cloud: str, values: Params) -> Dict[str, Any]:
    """The response to an asset search.

    :raises RefusedCall: 400 for a bad expression or parameter.
    """
    started = time.monotonic()
    found = _found(cloud, values)
    shown, cursor = page(found, values, DEFAULT_PAGE)
    fields, extra = items(values.get("fields")), items(values.get("with_field"))
    body: Dict[str, Any] = {
        "total_count": len(found),
        "time": _elapsed(started),
        "resources": [only(search_view(cloud, record["_asset"], fields or extra), fields) for record in shown],
    }
    aggregates = names_and_objects(values, "aggregate")
    if aggregates:
        body["aggregations"] = dict(_aggregate(found, key) for key in aggregates)
    if cursor:
        body["next_cursor"] = cursor
    return body


def _found(cloud: str, values: Params) -> List[Dict[str, Any]]:
    """All matching records, newest first; those of the same second in upload order."""
    wanted, sort_by = _compile(values), names_and_objects(values, "sort_by")
    snapshot = state().assets(cloud).snapshot()
    # Relative dates depend on the time, so a result is cached for at most ten seconds of the server's clock.
    key = (int(state().clock.now()) // 10, str(values.get("expression") or ""), json.dumps(sort_by))
    found = snapshot.searches.get(key)
    if found is None:
        found = order([record for record in map(record_of, snapshot.assets) if wanted(record)], sort_by)
        if len(snapshot.searches) >= CACHED_SEARCHES:
            snapshot.searches.clear()
        snapshot.searches[key] = found
    return found


def run_signed_search(cloud: str, signature: str, ttl: int, query: str, cursor: str) -> Dict[str, Any]:
    """The response to a search URL of the SDK's Search.to_url().

    :raises RefusedCall: 400 or 401.
    """
    secrets = [key["api_secret"] for key in state().clouds.keys(cloud)]
    expected = [hashlib.sha256(f"{ttl}{query}{secret}".encode()).hexdigest() for secret in secrets]
    if not any(is_same(signature, one) for one in expected):
        raise RefusedCall(401, "Invalid search URL signature")
    try:
        values = json.loads(base64.urlsafe_b64decode(query + "=" * (-len(query) % 4)))
    except ValueError:
        raise RefusedCall(400, "Invalid search URL") from None
    return run_search(cloud, {**values, **({"next_cursor": cursor} if cursor else {})})


def record_of(asset: Asset) -> Dict[str, Any]:
    """The fields of an asset that an expression can use."""
    folder = folder_of(asset)
    return {**asset, **computed(asset), "_asset": asset, "folder": folder, "asset_folder": folder}


def order(
    found: List[Dict[str, Any]], sort_by: List[Any], field: str = "created_at", direction: str = "desc"
) -> List[Any]:
    """Sort by the given keys, the first one first. Records without the field come last.

    :raises RefusedCall: 400 for a direction other than asc and desc.
    """
    for key in reversed(sort_by or [{field: direction}]):
        name, direction = next(iter(key.items())) if isinstance(key, dict) else (str(key), "desc")
        if str(direction).lower() not in ("asc", "desc"):
            raise RefusedCall(400, f"Invalid sort direction {direction}")
        down = str(direction).lower() == "desc"
        found = sorted(found, key=lambda record: _sort_key(lookup(record, name), down), reverse=down)
    return found


def _sort_key(value: Any, down: bool) -> Tuple[bool, float, str]:
    missing = value is None
    if isinstance(value, (int, float)):
        return missing is not down, float(value), ""
    return missing is not down, 0.0, str(value)


def _compile(values: Params) -> Predicate:
    try:
        return compile_expression(str(values.get("expression") or ""), state().clock.now())
    except (ExpressionError, RecursionError) as error:
        raise RefusedCall(400, f"Query parsing error: {error}") from None


def _aggregate(found: List[Dict[str, Any]], key: Any) -> Tuple[str, Any]:
    """Counts of a field's values or of the given ranges."""
    if isinstance(key, dict):
        field = str(key.get("type"))
        return field, {
            str(span["key"]): sum(_inside(record.get(field), span) for record in found) for span in _ranges(key)
        }
    if key not in AGGREGATES:
        raise RefusedCall(400, f"Invalid aggregation {key}")
    counts: Dict[str, int] = {}
    for record in found:
        if record.get(key) is not None:
            counts[str(record[key])] = counts.get(str(record[key]), 0) + 1
    return str(key), counts


def _ranges(aggregate: Dict[str, Any]) -> List[Dict[str, Any]]:
    """:raises RefusedCall: 400 for a range without a key, or with a bound that is no number."""
    spans = names_and_objects(aggregate, "ranges")
    for span in spans:
        bounds = [] if isinstance(span, str) else [span.get("from") or 0, span.get("to") or 0]
        if "key" not in span or not bounds or not all(isinstance(bound, (int, float)) for bound in bounds):
            raise RefusedCall(400, f"Invalid range {str(span)[:80]}")
    return spans


def _inside(value: Any, span: Dict[str, Any]) -> bool:
    if not isinstance(value, (int, float)):
        return False
    return (span.get("from") is None or value >= span["from"]) and (span.get("to") is None or value < span["to"])


def _elapsed(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
