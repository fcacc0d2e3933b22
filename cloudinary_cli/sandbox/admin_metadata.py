"""Admin API routes for structured metadata: fields, their data sources and rules."""

from __future__ import annotations

from typing import Any, Dict, List

from flask import Response, jsonify, request

from .admin_api import listing
from .admin_auth import admin_blueprint
from .admin_settings import add, delete, require
from .naming import random_id
from .params import Params, items, objects, params, required
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
    doc: Document = {
        "type": required(values, "type"),
        "external_id": random_id(18),
        "label": required(values, "label"),
        "mandatory": False,
        **_given(values),
    }
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
        doc.update({**_given(params()), "external_id": field_id})
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
    if request.method == "DELETE":
        return _set_state(cloud, doc, items(required(values, "external_ids")), "inactive")
    known = {entry["external_id"]: entry for entry in _entries(doc.get("datasource"))}
    known.update({entry["external_id"]: entry for entry in _entries({"values": required(values, "values")})})
    return _save_datasource(cloud, doc, list(known.values()))


@blueprint.post("/metadata_fields/<field_id>/datasource_restore")
def restore_datasource(cloud: str, field_id: str) -> Response:
    """Reactivate entries."""
    doc = require(cloud, "metadata_field", field_id, "metadata field")
    return _set_state(cloud, doc, items(required(params(), "external_ids")), "active")


@blueprint.post("/metadata_fields/<field_id>/datasource/order")
def order_datasource(cloud: str, field_id: str) -> Response:
    """Sort the entries of a data source by value."""
    doc, values = require(cloud, "metadata_field", field_id, "metadata field"), params()
    entries = sorted(
        _entries(doc.get("datasource")),
        key=lambda entry: str(entry.get("value")),
        reverse=values.get("direction") == "desc",
    )
    return _save_datasource(cloud, doc, entries)


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


def _given(values: Params) -> Document:
    """The settings of a field that were given."""
    given = {key: values[key] for key in FIELD_KEYS if key in values}
    if given.get("datasource"):
        given["datasource"] = {"values": _entries(given["datasource"])}
    return given


def _entries(source: Any) -> List[Dict[str, Any]]:
    values = objects(source.get("values") if isinstance(source, dict) else source, "datasource")
    return [{"external_id": random_id(18), "state": "active", **entry} for entry in values]


def _set_state(cloud: str, doc: Document, wanted: List[str], new_state: str) -> Response:
    entries = _entries(doc.get("datasource"))
    for entry in entries:
        if entry["external_id"] in wanted:
            entry["state"] = new_state
    return _save_datasource(cloud, doc, entries)


def _save_datasource(cloud: str, doc: Document, entries: List[Dict[str, Any]]) -> Response:
    doc["datasource"] = {"values": entries}
    state().storage.put_document(cloud, "metadata_field", doc["external_id"], doc)
    return jsonify(doc["datasource"])
