"""Endpoints under /sandbox/ for tests: request log, counters, planned failures, clock and clouds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Dict, Optional

from flask import Blueprint, Response, jsonify, request

from .state import RefusedCall, state
from .traffic import Fault

blueprint = Blueprint("control", __name__, url_prefix="/sandbox")

COUNTERS = (
    "authorization_requests",
    "approvals",
    "denials",
    "refused_authorizations",
    "code_exchanges",
    "code_replays",
    "device_requests",
    "device_exchanges",
    "refresh_exchanges",
    "refresh_replays",
    "refused_grants",
    "revocations",
    "refused_tokens",
    "bad_signatures",
    "admin_calls",
    "uploads",
    "upload_chunks",
    "downloads",
)


@blueprint.before_request
def refuse_simple_requests() -> None:
    """Accept only JSON in POST requests: a web page cannot send it to another origin without a CORS preflight.

    :raises RefusedCall: 415.
    """
    if request.method == "POST" and not request.is_json:
        raise RefusedCall(415, "Send Content-Type: application/json")


@blueprint.get("/requests")
def requests_seen() -> Response:
    """The last requests, oldest first, filtered by `path` (a prefix) and `method`."""
    found = state().log.entries(request.args.get("path", ""), request.args.get("method", ""))
    return jsonify({"requests": found, "count": len(found)})


@blueprint.get("/stats")
def stats() -> Response:
    """All counters, the number of live grants, and the clock offset."""
    counts: Dict[str, Any] = {**dict.fromkeys(COUNTERS, 0), **state().counters.snapshot()}
    counts["live_grants"] = state().grants.live_families()
    counts["clock_offset"] = state().clock.offset
    return jsonify(counts)


@blueprint.get("/faults")
def planned_faults() -> Response:
    """The planned failures that remain."""
    return jsonify({"faults": [asdict(fault) for fault in state().faults.pending()]})


@blueprint.post("/faults")
def plan_fault() -> Response:
    """Plan a failure; `times: null` repeats it without limit."""
    body = _object()
    try:
        fault = Fault(**{key: value for key, value in body.items() if key != "hits"})
    except (TypeError, ValueError, AttributeError) as error:
        raise RefusedCall(400, f"Not a fault: {error}") from None
    state().faults.add(fault)
    return jsonify(asdict(fault))


@blueprint.delete("/<any(requests,stats,faults):what>")
def forget(what: str) -> Response:
    """Delete the request log, the counters or the planned failures. The latter also ends their delays."""
    clear = {"requests": state().log.clear, "stats": state().counters.clear, "faults": state().faults.clear}
    clear[what]()
    return jsonify({"ok": True})


@blueprint.get("/clock")
def read_clock() -> Response:
    return jsonify({"offset": state().clock.offset, "now": state().clock.now()})


@blueprint.post("/clock")
def shift_clock() -> Response:
    """Shift the server's clock by `offset` seconds from the real time."""
    offset: Optional[object] = _object().get("offset")
    if isinstance(offset, bool) or not isinstance(offset, (int, float)):
        raise RefusedCall(400, "offset must be a number of seconds")
    state().clock.offset = float(offset)
    return read_clock()


@blueprint.get("/clouds")
def clouds() -> Response:
    return jsonify({"clouds": {name: state().clouds.keys(name) for name in state().clouds.names()}})


@blueprint.post("/clouds")
def add_cloud() -> Response:
    """Add a cloud: {"cloud_name": ..., "api_key": optional, "api_secret": optional}."""
    body = _object()
    name, key, secret = (str(body.get(field) or "") for field in ("cloud_name", "api_key", "api_secret"))
    if not name:
        raise RefusedCall(400, "cloud_name is missing")
    if (state().clouds.key(key) or {}).get("cloud_name") not in (None, name):
        raise RefusedCall(409, f"API key {key} belongs to another cloud")
    return jsonify(state().clouds.add(name, key, secret))


def _object() -> Dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise RefusedCall(400, "Send a JSON object")
    return body
