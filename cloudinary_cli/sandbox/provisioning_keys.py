"""The Provisioning API's access keys, and the anonymous endpoints that sign up accounts and create clouds."""

from __future__ import annotations

import ipaddress
import re
import secrets
from typing import Any, Dict, List

from flask import Blueprint, Response, jsonify, request

from .clouds import ROOT
from .naming import random_id
from .params import Params, flag, items, number, params, required
from .provisioning_api import ACCOUNT, blueprint, stored
from .state import RefusedCall, state
from .views import iso

KEYS = f"{ACCOUNT}/sub_accounts/<item_id>/access_keys"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
CLOUD_LIFETIME = 24 * 3600
# A client on this machine has no public address. RFC 5737 reserves this one for examples.
REQUESTER_IP = "203.0.113.7"


@blueprint.route(KEYS, methods=["GET", "POST", "DELETE"])
def access_keys(account_id: str, item_id: str) -> Response:
    """List, create or (by name) delete the API keys of a sub-account."""
    cloud, values = stored("sub_account", item_id, "Sub-account")["cloud_name"], params()
    keys = state().clouds.keys(cloud)
    if request.method == "GET":
        size = number(values, "page_size", 50, 500)
        shown = keys[(number(values, "page", 1) - 1) * size :][:size]
        return jsonify({"access_keys": [_key_view(key) for key in shown], "total": len(keys)})
    if request.method == "DELETE":
        named = [key for key in keys if key.get("name") == required(values, "name")]
        if not named:
            raise RefusedCall(404, f"No access key is called {values['name']}")
        state().clouds.delete_key(named[0]["api_key"])
        return jsonify({"message": "ok"})
    key = {**state().clouds.add(cloud), "name": values.get("name"), "created_at": iso(state().clock.now())}
    key["enabled"] = flag(values, "enabled", default=True)
    state().clouds.put_key(key)
    return jsonify(_key_view(key))


@blueprint.route(f"{KEYS}/<api_key>", methods=["PUT", "DELETE"])
def access_key(account_id: str, item_id: str, api_key: str) -> Response:
    """Rename, enable, disable or delete one API key."""
    cloud = stored("sub_account", item_id, "Sub-account")["cloud_name"]
    key = state().clouds.key(api_key)
    if key is None or key["cloud_name"] != cloud:
        raise RefusedCall(404, f"Access key {api_key} not found")
    if request.method == "DELETE":
        state().clouds.delete_key(api_key)
        return jsonify({"message": "ok"})
    values = params()
    key["name"] = values.get("name", key.get("name"))
    key["enabled"] = flag(values, "enabled", bool(key["enabled"]))
    state().clouds.put_key(key)
    return jsonify(_key_view(key))


def _key_view(key: Dict[str, Any]) -> Dict[str, Any]:
    shown = {name: key.get(name) for name in ("name", "api_key", "api_secret", "enabled", "created_at")}
    return {**shown, "updated_at": shown["created_at"]}


@blueprint.post("/agents/accounts")
def create_account() -> Response:
    """Sign up. The credentials are disabled, as they are in the service until the e-mail address is confirmed."""
    values = params()
    email = _email(str(required(values, "email")))
    for name in ("agent_framework", "agent_llm_model", "agent_goal"):
        required(values, name)
    if not state().storage.add_document(ROOT, "signup", email.lower(), {"email": email}):
        raise RefusedCall(409, "email has already been taken")
    key = state().clouds.add(f"sandbox-{random_id(8)}")
    state().clouds.put_key({**key, "enabled": False})
    environment = {name: key[name] for name in ("cloud_name", "api_key", "api_secret")}
    return jsonify(
        {
            "account_id": secrets.token_hex(16),
            "email": email,
            "plan_name": "Free",
            "guidance": f"Confirm the e-mail sent to {email}. In the sandbox nothing is sent and the key stays inert.",
            "product_environments": [environment],
        }
    )


@blueprint.post("/clouds")
def create_cloud() -> Response:
    """Create a claimable cloud, whose credentials work at once."""
    values = params()
    email = _email(str(values["email"])) if values.get("email") else f"{random_id(10)}@cloud.cloudinary.invalid"
    delivery_ips = _delivery_ips(values)
    key, token = state().clouds.add(f"claimable-{random_id(8)}"), secrets.token_urlsafe(24)
    state().storage.put_document(ROOT, "claim", token, {"cloud_name": key["cloud_name"], "claimed": False})
    return jsonify(
        {
            **{name: key[name] for name in ("cloud_name", "api_key", "api_secret")},
            "account_id": secrets.token_hex(16),
            "email": email,
            "delivery_ips": delivery_ips,
            "expires_at": iso(state().clock.now() + CLOUD_LIFETIME),
            "claim_url": f"{state().base_url}/claim/{token}",
            "guidance": "Open the claim URL to keep the cloud. In the sandbox it does not expire.",
        }
    )


def _email(email: str) -> str:
    if not EMAIL.match(email):
        raise RefusedCall(400, f"email is invalid: {email[:100]}")
    return email


def _delivery_ips(values: Params) -> List[str]:
    found = []
    for text in items(values.get("delivery_ips")) + ["requester_ip"]:
        text = REQUESTER_IP if text == "requester_ip" else text
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise RefusedCall(400, f"delivery_ips is invalid: {text[:60]}") from None
        if text not in found:
            found.append(text)
    return found


claim_blueprint = Blueprint("claim", __name__)


@claim_blueprint.get("/claim/<token>")
def claim(token: str) -> Response:
    """The claim page: opening it claims the cloud."""
    doc = state().storage.document(ROOT, "claim", token)
    if doc is None:
        raise RefusedCall(404, "Unknown claim URL")
    state().storage.put_document(ROOT, "claim", token, {**doc, "claimed": True})
    return Response(f"Cloud {doc['cloud_name']} is claimed.\n", mimetype="text/plain")
