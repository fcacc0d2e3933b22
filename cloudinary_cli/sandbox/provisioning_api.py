"""The Provisioning API: sub-accounts, users and their groups."""

from __future__ import annotations

import re
import secrets
from typing import Any, Dict, List

from flask import Blueprint, Response, jsonify, request

from .auth_check import check_provisioning
from .clouds import ROOT
from .naming import random_id
from .params import Params, flag, items, params, required
from .state import RefusedCall, state
from .storage import Document
from .views import iso

blueprint = Blueprint("provisioning_api", __name__, url_prefix="/v1_1/provisioning")
ACCOUNT = "/accounts/<account_id>"
CLOUD_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")


@blueprint.before_request
def authorize() -> None:
    """Require the provisioning key on the routes of an account; the sign-up routes need none."""
    account_id = (request.view_args or {}).get("account_id")
    if account_id is not None:
        check_provisioning(str(account_id))


def stored(kind: str, key: str, what: str) -> Document:
    """A document of the account.

    :raises RefusedCall: 404.
    """
    found = state().storage.document(ROOT, kind, key)
    if found is None:
        raise RefusedCall(404, f"{what} {key} not found")
    return found


def save(kind: str, doc: Document) -> Response:
    """Store a document and respond with it."""
    state().storage.put_document(ROOT, kind, str(doc["id"]), doc)
    return jsonify(doc)


def pick(values: Params, *names: str) -> Document:
    """Those of the named parameters that were given."""
    return {name: values[name] for name in names if values.get(name) is not None}


@blueprint.route(f"{ACCOUNT}/sub_accounts", methods=["GET", "POST"])
def sub_accounts(account_id: str) -> Response:
    """List sub-accounts, or create one with a cloud of its own."""
    values = params()
    if request.method == "GET":
        found = _listed("sub_account", values, "name")
        if "enabled" in values and not values.get("ids"):
            found = [doc for doc in found if doc["enabled"] is flag(values, "enabled")]
        return jsonify({"sub_accounts": found})
    name = str(required(values, "name"))
    cloud_name = str(values.get("cloud_name") or re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or random_id(9))
    if not CLOUD_NAME.match(cloud_name) or state().clouds.find(cloud_name):
        raise RefusedCall(409, f"Cloud name {cloud_name} is invalid or taken")
    key, enabled = state().clouds.add(cloud_name), flag(values, "enabled", default=True)
    state().clouds.enable(cloud_name, enabled)
    doc = {
        "id": secrets.token_hex(12),
        "name": name,
        "cloud_name": cloud_name,
        "enabled": enabled,
        "custom_attributes": values.get("custom_attributes") or {},
        "created_at": iso(state().clock.now()),
        "api_access_keys": [{"key": key["api_key"], "secret": key["api_secret"], "enabled": True}],
    }
    return save("sub_account", doc)


def _listed(kind: str, values: Params, *names: str) -> List[Document]:
    """The documents with the given IDs or, without IDs, those of which one of the named fields has the prefix."""
    ids, prefix = items(values.get("ids")), str(values.get("prefix") or "").lower()
    found = state().storage.documents(ROOT, kind)
    if ids:
        return [doc for doc in found if doc["id"] in ids]
    return [doc for doc in found if any(str(doc[name]).lower().startswith(prefix) for name in names)]


@blueprint.route(f"{ACCOUNT}/sub_accounts/<item_id>", methods=["GET", "PUT", "DELETE"])
def sub_account(account_id: str, item_id: str) -> Response:
    doc = stored("sub_account", item_id, "Sub-account")
    if request.method == "DELETE":
        state().clouds.remove(doc["cloud_name"])
        state().storage.delete_document(ROOT, "sub_account", item_id)
        return jsonify({"message": "ok"})
    if request.method == "PUT":
        values = params()
        if values.get("cloud_name") not in (None, doc["cloud_name"]):
            raise RefusedCall(400, "The sandbox cannot rename a cloud")
        doc.update(pick(values, "name", "custom_attributes"), enabled=flag(values, "enabled", doc["enabled"]))
        state().clouds.enable(doc["cloud_name"], doc["enabled"])
        return save("sub_account", doc)
    return jsonify(doc)


@blueprint.route(f"{ACCOUNT}/users", methods=["GET", "POST"])
def users(account_id: str) -> Response:
    """List users, or create one."""
    values = params()
    if request.method == "GET":
        found = _listed("user", values, "name", "email")
        return jsonify({"users": [doc for doc in found if values.get("ids") or _is_wanted_user(doc, values)]})
    doc: Document = {
        "id": secrets.token_hex(12),
        "name": str(required(values, "name")),
        "email": str(required(values, "email")),
        "role": str(required(values, "role")),
        "pending": True,
        "enabled": True,
        "sub_account_ids": [],
        "created_at": iso(state().clock.now()),
        "groups": [],
    }
    return _save_user(doc, values)


def _is_wanted_user(doc: Document, values: Params) -> bool:
    cloud, status = values.get("sub_account_id"), values.get("status")
    if "pending" in values:  # the parameter of older SDKs
        status = "pending" if flag(values, "pending") else "active"
    has_cloud = not cloud or doc["all_sub_accounts"] or cloud in doc["sub_account_ids"]
    return has_cloud and status in (None, "", "pending" if doc["pending"] else "active")


def _save_user(doc: Document, values: Params) -> Response:
    """Store a user with the given changes.

    :raises RefusedCall: 409 when another user has the e-mail address.
    """
    doc.update(pick(values, "name", "email", "role"))
    others = (other for other in state().storage.documents(ROOT, "user") if other["id"] != doc["id"])
    if any(other["email"].lower() == doc["email"].lower() for other in others):
        raise RefusedCall(409, f"User with email {doc['email']} already exists")
    if "sub_account_ids" in values:
        doc["sub_account_ids"] = items(values["sub_account_ids"])
    doc["all_sub_accounts"] = not doc["sub_account_ids"]
    return save("user", doc)


@blueprint.route(f"{ACCOUNT}/users/<item_id>", methods=["GET", "PUT", "DELETE"])
def user(account_id: str, item_id: str) -> Response:
    doc = stored("user", item_id, "User")
    if request.method == "DELETE":
        state().storage.delete_document(ROOT, "user", item_id)
        return jsonify({"message": "ok"})
    if request.method == "PUT":
        return _save_user(doc, params())
    return jsonify(doc)


@blueprint.get(f"{ACCOUNT}/users/<item_id>/groups")
def groups_of_user(account_id: str, item_id: str) -> Response:
    """The groups of a user."""
    mine = stored("user", item_id, "User")["groups"]
    found = [_group_view(doc) for doc in state().storage.documents(ROOT, "user_group") if doc["id"] in mine]
    return jsonify({"groups": found})


@blueprint.route(f"{ACCOUNT}/user_groups", methods=["GET", "POST"])
def user_groups(account_id: str) -> Response:
    """List groups, or create one."""
    if request.method == "GET":
        return jsonify({"user_groups": [_group_view(doc) for doc in state().storage.documents(ROOT, "user_group")]})
    save("user_group", doc := {"id": secrets.token_hex(12), "name": str(required(params(), "name"))})
    return jsonify(_group_view(doc))


@blueprint.route(f"{ACCOUNT}/user_groups/<group_id>", methods=["GET", "PUT", "DELETE"])
def user_group(account_id: str, group_id: str) -> Response:
    doc = stored("user_group", group_id, "User group")
    if request.method == "DELETE":
        for member in _members(group_id):
            _set_membership(member, group_id, False)
        state().storage.delete_document(ROOT, "user_group", group_id)
        return jsonify({"ok": True})
    if request.method == "PUT":
        doc["name"] = str(required(params(), "name"))
        save("user_group", doc)
    return jsonify(_group_view(doc))


@blueprint.get(f"{ACCOUNT}/user_groups/<group_id>/users")
def members(account_id: str, group_id: str) -> Response:
    """The users of a group."""
    stored("user_group", group_id, "User group")
    return jsonify({"users": _members(group_id)})


@blueprint.route(f"{ACCOUNT}/user_groups/<group_id>/users/<item_id>", methods=["POST", "DELETE"])
def membership(account_id: str, group_id: str, item_id: str) -> Response:
    """Add a user to a group, or remove the user from it."""
    stored("user_group", group_id, "User group")
    _set_membership(stored("user", item_id, "User"), group_id, request.method == "POST")
    return jsonify({"users": _members(group_id)})


def _members(group_id: str) -> List[Document]:
    return [doc for doc in state().storage.documents(ROOT, "user") if group_id in doc["groups"]]


def _group_view(doc: Document) -> Dict[str, Any]:
    return {**doc, "users": len(_members(doc["id"]))}


def _set_membership(doc: Document, group_id: str, wanted: bool) -> None:
    doc["groups"] = [item for item in doc["groups"] if item != group_id] + ([group_id] if wanted else [])
    save("user", doc)
