"""Admin API routes for structured metadata: fields, their data sources and rules."""

from __future__ import annotations

from typing import Any, Dict, List

from flask import Response, jsonify, request

from .admin_api import listing
from .admin_auth import admin_blueprint
from .admin_settings import add, delete, require
from .naming import random_id
from .params import items, params, required
from .state import state
from .storage import Document

blueprint = admin_blueprint("admin_metadata")
FIELD_KEYS = ("type", "external_id", "label", "mandatory", "restrictions", "default_value", "validation", "datasource")


@blueprint.route("/metadata_fields", methods=["GET", "POST"])
def fields(cloud: str) -> Response:
    """List fields, or create one."""
    if request.method == "GET":
        return jsonify({"metadata_fields": state().storage.documents(cloud, "metadata_field")})
    values = params()
    doc: Document = {key: values.get(key) for key in FIELD_KEYS}
    required(values, "type")
    required(values, "label")
    doc["external_id"] = str(values.get("external_id") or random_id(18))
    doc["mandatory"] = bool(values.get("mandatory"))
    doc["datasource"] = {"values": _entries(values.get("datasource"))} if values.get("datasource") else None
    doc = {key: value for key, value in doc.items() if value is not None}
    return jsonify(add(cloud, "metadata_field", str(doc["external_id"]), doc, "Metadata field"))


@blueprint.route("/metadata_fields/<field_id>", methods=["GET", "PUT", "DELETE"])
def field(cloud: str, field_id: str) -> Response:
    if request.method == "DELETE":
        response = delete(cloud, "metadata_field", field_id, "metadata field")
        for asset in state().assets(cloud).all():
            if field_id in asset["metadata"]:
                state().assets(cloud).update(asset["asset_id"], lambda item: item["metadata"].pop(field_id, None))
        return response
    doc = require(cloud, "metadata_field", field_id, "metadata field")
    if request.method == "PUT":
        doc.update({key: value for key, value in params().items() if key in FIELD_KEYS and key != "external_id"})
        state().storage.put_document(cloud, "metadata_field", field_id, doc)
    return jsonify(doc)


@blueprint.put("/metadata_fields/order")
def order_fields(cloud: str) -> Response:
    """Accepted without effect: the sandbox lists fields in order of creation."""
    return jsonify({"metadata_fields": state().storage.documents(cloud, "metadata_field")})


@blueprint.route("/metadata_fields/<field_id>/datasource", methods=["PUT", "DELETE"])
def datasource(cloud: str, field_id: str) -> Response:
    """Add, change or deactivate entries of a data source."""
    doc, values = require(cloud, "metadata_field", field_id, "metadata field"), params()
    known = {entry["external_id"]: entry for entry in _entries(doc.get("datasource"))}
    if request.method == "PUT":
        known.update({entry["external_id"]: entry for entry in _entries({"values": required(values, "values")})})
    else:
        _set_state(known, items(required(values, "external_ids")), "inactive")
    return _save_datasource(cloud, doc, known)


@blueprint.post("/metadata_fields/<field_id>/datasource_restore")
def restore_datasource(cloud: str, field_id: str) -> Response:
    """Reactivate entries."""
    doc = require(cloud, "metadata_field", field_id, "metadata field")
    known = {entry["external_id"]: entry for entry in _entries(doc.get("datasource"))}
    _set_state(known, items(required(params(), "external_ids")), "active")
    return _save_datasource(cloud, doc, known)


@blueprint.post("/metadata_fields/<field_id>/datasource/order")
def order_datasource(cloud: str, field_id: str) -> Response:
    """Sort the entries of a data source by value."""
    doc, values = require(cloud, "metadata_field", field_id, "metadata field"), params()
    entries = sorted(
        _entries(doc.get("datasource")),
        key=lambda entry: str(entry.get("value")),
        reverse=values.get("direction") == "desc",
    )
    return _save_datasource(cloud, doc, {entry["external_id"]: entry for entry in entries})


@blueprint.route("/metadata_rules", methods=["GET", "POST"])
def rules(cloud: str) -> Response:
    """List conditional rules, or create one; the sandbox does not apply them."""
    if request.method == "GET":
        return listing("metadata_rules", state().storage.documents(cloud, "metadata_rule"), None)
    doc = params()
    doc["external_id"] = str(doc.get("external_id") or random_id(18))
    return jsonify(add(cloud, "metadata_rule", doc["external_id"], doc, "Metadata rule"))


@blueprint.route("/metadata_rules/<rule_id>", methods=["PUT", "DELETE"])
def rule(cloud: str, rule_id: str) -> Response:
    if request.method == "DELETE":
        return delete(cloud, "metadata_rule", rule_id, "metadata rule")
    doc = {**require(cloud, "metadata_rule", rule_id, "metadata rule"), **params()}
    state().storage.put_document(cloud, "metadata_rule", rule_id, doc)
    return jsonify(doc)


def _entries(source: Any) -> List[Dict[str, Any]]:
    values = source.get("values") if isinstance(source, dict) else None
    return [{"external_id": random_id(18), "state": "active", **entry} for entry in values or []]


def _set_state(known: Dict[str, Dict[str, Any]], wanted: List[str], new_state: str) -> None:
    for external_id in wanted:
        if external_id in known:
            known[external_id]["state"] = new_state


def _save_datasource(cloud: str, doc: Document, known: Dict[str, Dict[str, Any]]) -> Response:
    doc["datasource"] = {"values": list(known.values())}
    state().storage.put_document(cloud, "metadata_field", doc["external_id"], doc)
    return jsonify(doc["datasource"])
