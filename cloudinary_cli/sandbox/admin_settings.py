"""Admin API routes for upload presets, upload mappings, transformations, streaming profiles and triggers."""

from __future__ import annotations

import secrets
from typing import Any, Dict, List

from flask import Response, jsonify, request

from .admin_api import listing
from .admin_auth import admin_blueprint
from .ingest import drop_derived
from .naming import random_id
from .params import Params, flag, objects, page, params, required
from .state import RefusedCall, state
from .storage import Document
from .views import derived_view

blueprint = admin_blueprint("admin_settings")
PROFILES = ("4k", "full_hd", "hd", "sd", "full_hd_wifi", "full_hd_lean", "hd_lean")

TRUTH_VALUES = frozenset(
    "async backup colors discard_original_filename disallow_public_id eager_async exif faces image_metadata invalidate"
    " live media_metadata overwrite phash quality_analysis return_delete_token unique_display_name unique_filename"
    " use_asset_folder_as_public_id_prefix use_filename use_filename_as_display_name".split()
)


def require(cloud: str, kind: str, key: str, what: str) -> Document:
    """An existing document.

    :raises RefusedCall: 404.
    """
    found = state().storage.document(cloud, kind, key)
    if found is None:
        raise RefusedCall(404, f"Can't find {what} with {'id' if kind == 'trigger' else 'name'} {key}")
    return found


def add(cloud: str, kind: str, key: str, doc: Document, what: str) -> Document:
    """Add a document.

    :raises RefusedCall: 409.
    """
    if not state().storage.add_document(cloud, kind, key, doc):
        raise RefusedCall(409, f"{what} {key} already exists")
    return doc


def delete(cloud: str, kind: str, key: str, what: str) -> Response:
    """Delete an existing document."""
    require(cloud, kind, key, what)
    state().storage.delete_document(cloud, kind, key)
    return jsonify({"message": "deleted"})


@blueprint.route("/upload_presets", methods=["GET", "POST"])
def upload_presets(cloud: str) -> Response:
    """List presets, or create one."""
    if request.method == "GET":
        found, cursor = page(state().storage.documents(cloud, "upload_preset"), params())
        return listing("presets", found, cursor)
    values = params()
    name = str(values.get("name") or random_id(8))
    preset = {"name": name, "unsigned": flag(values, "unsigned"), "settings": _preset_settings(values)}
    add(cloud, "upload_preset", name, preset, "Upload preset")
    return jsonify({"message": "created", "name": name})


@blueprint.route("/upload_presets/<name>", methods=["GET", "PUT", "DELETE"])
def upload_preset(cloud: str, name: str) -> Response:
    if request.method == "DELETE":
        return delete(cloud, "upload_preset", name, "upload preset")
    preset, values = require(cloud, "upload_preset", name, "upload preset"), params()
    if request.method == "GET":
        return jsonify(preset)
    preset["unsigned"] = flag(values, "unsigned", preset["unsigned"])
    preset["settings"] = {**preset["settings"], **_preset_settings(values)}
    state().storage.put_document(cloud, "upload_preset", name, preset)
    return jsonify({"message": "updated"})


def _preset_settings(values: Params) -> Dict[str, Any]:
    """The upload parameters of a preset. The SDK sends truth values as `1` and `0`."""
    given = {key: value for key, value in values.items() if key not in ("name", "unsigned", "timestamp")}
    return {key: flag(values, key) if key in TRUTH_VALUES else value for key, value in given.items()}


@blueprint.route("/upload_mappings", methods=["GET", "POST", "PUT", "DELETE"])
def upload_mappings(cloud: str) -> Response:
    """List upload mappings, or read, create, change or delete the one of a folder."""
    values = params()
    if request.method == "GET" and not values.get("folder"):
        found, cursor = page(state().storage.documents(cloud, "upload_mapping"), values)
        return listing("mappings", found, cursor)
    folder = str(required(values, "folder"))
    if request.method == "DELETE":
        return delete(cloud, "upload_mapping", folder, "upload mapping")
    if request.method == "GET":
        return jsonify(require(cloud, "upload_mapping", folder, "upload mapping"))
    doc = {"folder": folder, "template": str(required(values, "template")), "external_id": secrets.token_hex(12)}
    if request.method == "POST":
        add(cloud, "upload_mapping", folder, doc, "Upload mapping")
        return jsonify({"message": "created", **doc})
    require(cloud, "upload_mapping", folder, "upload mapping")
    state().storage.put_document(cloud, "upload_mapping", folder, doc)
    return jsonify({"message": "updated"})


@blueprint.get("/transformations")
def transformations(cloud: str) -> Response:
    """List transformations, or show details of the one named in the query."""
    values = params()
    if values.get("transformation"):
        return _transformation_details(cloud, str(values["transformation"]), values)
    found = _transformations(cloud)
    if "named" in values:
        found = [item for item in found if item["named"] is flag(values, "named")]
    shown, cursor = page(found, values)
    return listing("transformations", shown, cursor)


def _transformations(cloud: str) -> List[Dict[str, Any]]:
    """The stored transformations, then those that only derived assets use."""
    stored = {doc["name"]: dict(doc) for doc in state().storage.documents(cloud, "transformation")}
    for asset in state().assets(cloud).all():
        for item in asset["derived"]:
            name = item["transformation"]
            stored.setdefault(name, {"name": name, "allowed_for_strict": False, "used": True, "named": False})
            stored[name]["used"] = True
    return [{key: value for key, value in doc.items() if key != "info"} for doc in stored.values()]


def _known(cloud: str, name: str) -> Dict[str, Any]:
    """The transformation of that name; a named one is stored as t_NAME.

    :raises RefusedCall: 404.
    """
    known = {doc["name"]: doc for doc in _transformations(cloud)}
    found = known.get(name) or known.get(f"t_{name}")
    if found is None:
        raise RefusedCall(404, f"Transformation {name} not found")
    return found


def _transformation_details(cloud: str, name: str, values: Params) -> Response:
    known = _known(cloud, name)
    full = known["name"]
    stored = state().storage.document(cloud, "transformation", full) or {}
    derived = [
        _derived(cloud, asset, item)
        for asset in state().assets(cloud).all()
        for item in asset["derived"]
        if item["transformation"] == full
    ]
    shown, cursor = page(derived, values)
    info = stored.get("info") or _info(full)
    return listing("derived", shown, cursor, **{**known, "info": info})


def _derived(cloud: str, asset: Document, item: Document) -> Document:
    identity = {key: asset[key] for key in ("public_id", "resource_type", "type")}
    return {**identity, **derived_view(cloud, asset, item)}


def _info(text: str) -> List[Dict[str, str]]:
    """The steps of a transformation string, not fully parsed."""
    return [dict([part.partition("_")[::2] for part in step.split(",")]) for step in text.split("/")]


@blueprint.route("/transformations", methods=["POST", "PUT", "DELETE"])
def change_transformation(cloud: str) -> Response:
    """Create, update or delete a transformation; a named one is stored as t_NAME."""
    values = params()
    if request.method == "POST":
        name, definition = f"t_{required(values, 'name')}", str(required(values, "transformation"))
        doc = {"name": name, "allowed_for_strict": False, "used": False, "named": True, "info": _info(definition)}
        add(cloud, "transformation", name, doc, "Transformation")
        return jsonify({"message": "created"})
    known = _known(cloud, str(required(values, "transformation")))
    name = known["name"]
    if request.method == "DELETE":
        state().storage.delete_document(cloud, "transformation", name)
        for asset in state().assets(cloud).all():
            if any(item["transformation"] == name for item in asset["derived"]):
                drop_derived(cloud, asset, lambda item: item["transformation"] == name)
        return jsonify({"message": "deleted"})
    doc = state().storage.document(cloud, "transformation", name) or known
    doc["allowed_for_strict"] = flag(values, "allowed_for_strict", bool(doc["allowed_for_strict"]))
    if values.get("unsafe_update"):
        doc["info"] = _info(str(values["unsafe_update"]))
    state().storage.put_document(cloud, "transformation", name, doc)
    return jsonify({"message": "updated"})


@blueprint.route("/streaming_profiles", methods=["GET", "POST"])
def streaming_profiles(cloud: str) -> Response:
    """List the built-in and custom profiles, or create one."""
    if request.method == "GET":
        built_in = [{"name": name, "display_name": None, "predefined": True} for name in PROFILES]
        own = [dict(doc, predefined=False) for doc in state().storage.documents(cloud, "streaming_profile")]
        return jsonify({"data": built_in + own})
    values = params()
    name = str(required(values, "name"))
    doc = {"name": name, "display_name": values.get("display_name"), **_representations(values)}
    add(cloud, "streaming_profile", name, doc, "Streaming profile")
    return jsonify({"message": "created", "data": doc})


@blueprint.route("/streaming_profiles/<name>", methods=["GET", "PUT", "DELETE"])
def streaming_profile(cloud: str, name: str) -> Response:
    if request.method == "GET" and name in PROFILES:
        return jsonify({"data": {"name": name, "display_name": None, "predefined": True, "representations": []}})
    if request.method == "DELETE":
        return delete(cloud, "streaming_profile", name, "streaming profile")
    doc = require(cloud, "streaming_profile", name, "streaming profile")
    if request.method == "PUT":
        values = params()
        doc.update({"display_name": values.get("display_name", doc["display_name"]), **_representations(values)})
        state().storage.put_document(cloud, "streaming_profile", name, doc)
    return jsonify({"data": doc})


def _representations(values: Params) -> Document:
    """The steps of a profile, if they were given."""
    given = "representations" in values
    return {"representations": objects(values["representations"], "representations")} if given else {}


@blueprint.route("/triggers", methods=["GET", "POST"])
def triggers(cloud: str) -> Response:
    """List notification triggers, or create one; the sandbox sends no notifications."""
    values = params()
    if request.method == "GET":
        wanted = values.get("event_type")
        found = [doc for doc in state().storage.documents(cloud, "trigger") if wanted in (None, doc["event_type"])]
        return jsonify({"triggers": found})
    doc = {
        "id": secrets.token_hex(16),
        "product_environment_id": cloud,
        "uri": str(required(values, "uri")),
        "uri_type": str(values.get("uri_type") or "webhook"),
        "event_type": str(required(values, "event_type")),
    }
    return jsonify(add(cloud, "trigger", doc["id"], doc, "Trigger"))


@blueprint.route("/triggers/<trigger_id>", methods=["PUT", "DELETE"])
def trigger(cloud: str, trigger_id: str) -> Response:
    if request.method == "DELETE":
        return delete(cloud, "trigger", trigger_id, "trigger")
    doc = require(cloud, "trigger", trigger_id, "trigger")
    doc["uri"] = str(required(params(), "new_uri"))
    state().storage.put_document(cloud, "trigger", trigger_id, doc)
    return jsonify({"message": "updated"})
