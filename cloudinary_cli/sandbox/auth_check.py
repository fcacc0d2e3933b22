"""Verifies the credentials of API requests: Basic, Bearer, signatures and unsigned upload presets."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, Optional

from flask import request

from . import tokens
from .params import Params, flag, number, required
from .signing import is_same
from .state import RefusedCall, state

# Parameters that are not part of the string to sign:
# https://cloudinary.com/documentation/authentication_signatures
NEVER_SIGNED = ("file", "cloud_name", "resource_type", "api_key", "signature")
# Accepted unsigned by the bulk endpoints only; see _NON_SIGNABLE_NOTIFICATION_PARAMS of the SDK.
UNSIGNED_NOTIFICATION = ("notification_url", "batch_id")
# https://cloudinary.com/documentation/image_upload_api_reference#unsigned_upload_parameters
UNSIGNED = (
    "upload_preset callback public_id folder asset_folder tags context metadata face_coordinates custom_coordinates"
    " source filename_override manifest_transformation manifest_json template template_vars regions public_id_prefix"
).split()
SIGNATURE_LIFETIME = 3600.0  # seconds


def check_admin(cloud: str) -> None:
    """Admin API: this cloud's API key and secret, or an access token for it.

    :raises RefusedCall: 401.
    """
    _check_cloud(cloud)
    if not _check_bearer(cloud):
        authorization = request.authorization
        if authorization is None or authorization.type != "basic":
            raise RefusedCall(401, "Must supply api_key and api_secret, or an access token")
        secret = _secret_of(str(authorization.username), cloud)
        if not is_same(str(authorization.password), secret):
            raise RefusedCall(401, "api_secret mismatch")


def check_upload(cloud: str, values: Params, action: str) -> Optional[Dict[str, Any]]:
    """Upload API: an access token, a signature, or an unsigned upload preset. Returns the preset, if any.

    :raises RefusedCall: 400 or 401.
    """
    _check_cloud(cloud)
    preset = _preset(cloud, values)
    if _check_bearer(cloud):
        return preset
    if values.get("api_key") or values.get("signature"):
        check_signature(cloud, values, UNSIGNED_NOTIFICATION if action in ("tags", "context", "metadata") else ())
        return preset
    if preset is None or action != "upload":
        raise RefusedCall(401, "Must supply api_key, signature and timestamp, or an unsigned upload_preset")
    if not flag(preset, "unsigned"):
        raise RefusedCall(401, "Upload preset must be whitelisted for unsigned uploads")
    for name in values:
        if name not in (*UNSIGNED, "file", "timestamp"):
            shown = name[:80].replace("_", " ").capitalize()
            allowed = f"Only {','.join(UNSIGNED)} upload parameters are allowed."
            raise RefusedCall(400, f"{shown} parameter is not allowed when using unsigned upload. {allowed}")
    return {**preset, "overwrite": False}


def check_provisioning(account_id: str) -> None:
    """Provisioning API: the account's key and secret.

    :raises RefusedCall: 401.
    """
    settings, authorization = state().settings, request.authorization
    if authorization is None or authorization.type != "basic":
        raise RefusedCall(401, "Must supply provisioning_api_key and provisioning_api_secret")
    given = (account_id, str(authorization.username), str(authorization.password))
    if given != (settings.account_id, settings.provisioning_key, settings.provisioning_secret):
        raise RefusedCall(401, "Invalid provisioning credentials")


def check_signature(cloud: str, values: Params, optional: Any = ()) -> None:
    """Verify the signature and timestamp of an Upload API request or of a signed URL.

    :raises RefusedCall: 400 or 401.
    """
    secret = _secret_of(str(values.get("api_key") or ""), cloud)
    given = str(values.get("signature") or "")
    if not given:
        raise RefusedCall(401, "Missing required parameter - signature")
    text = string_to_sign(values, ())
    candidates = {sign(text, secret, given), sign(string_to_sign(values, optional), secret, given)}
    if not any(is_same(given.lower(), candidate) for candidate in candidates):
        state().counters.add("bad_signatures")
        raise RefusedCall(401, f"Invalid Signature {given[:80]}. String to sign - '{text[:500]}'.")
    _check_timestamp(values)


def string_to_sign(values: Params, excluded: Any) -> str:
    """Sorted `key=value` pairs joined by `&`, with `&` inside a pair encoded (signature version 2)."""
    signed = []
    for key, value in values.items():
        text = ",".join(str(item) for item in value) if isinstance(value, list) else str(value)
        if text and key not in NEVER_SIGNED and key not in excluded:
            signed.append(f"{key}={text}".replace("&", "%26"))
    return "&".join(sorted(signed))


def sign(text: str, secret: str, like: str) -> str:
    """SHA-256 for a 64-digit signature, else SHA-1."""
    digest = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return digest((text + secret).encode("utf-8")).hexdigest()


def _check_timestamp(values: Params) -> None:
    required(values, "timestamp")
    reported, now = number(values, "timestamp", 0), state().clock.now()
    if not abs(now - reported) <= SIGNATURE_LIFETIME:
        raise RefusedCall(400, f"Stale request - reported time is {reported} which is more than 1 hour from {int(now)}")


def _check_cloud(cloud: str) -> None:
    found = state().clouds.find(cloud)
    if found is None:
        raise RefusedCall(401, f"cloud_name mismatch: no cloud is called {cloud}")
    if not found.get("enabled", True):  # data of older versions has no value for it
        raise RefusedCall(401, f"cloud_name {cloud} is disabled")


def _secret_of(api_key: str, cloud: str) -> str:
    record = state().clouds.key(api_key)
    if record is None or not record["enabled"]:
        raise RefusedCall(401, f"Unknown API key {api_key[:40]}" if record is None else "API key is disabled")
    if record["cloud_name"] != cloud:
        raise RefusedCall(401, "cloud_name mismatch")
    return str(record["api_secret"])


def _check_bearer(cloud: str) -> bool:
    """True when a valid access token was sent, False when the request has none.

    :raises RefusedCall: 401 when the access token is not valid.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    claims, problem = tokens.decode(token.strip(), state().jwt_key), None
    if claims is None:
        problem = "Invalid access token"
    elif claims["exp"] <= state().clock.now():
        problem = "Access token expired"
    elif not state().grants.is_live(claims["jti"]):
        problem = "Access token revoked"
    elif claims["ext"]["cloud_name"] != cloud:
        problem = "cloud_name mismatch: the access token is for another cloud"
    if problem:
        state().counters.add("refused_tokens")
        raise RefusedCall(401, problem)
    return True


def _preset(cloud: str, values: Params) -> Optional[Dict[str, Any]]:
    name = values.get("upload_preset")
    if not name:
        return None
    found = state().storage.document(cloud, "upload_preset", str(name))
    if found is None:
        raise RefusedCall(400, "Upload preset not found")
    return dict(found["settings"], unsigned=found["unsigned"])
