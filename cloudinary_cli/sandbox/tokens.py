"""HS256 JSON web tokens with the standard library: the two supported Authlib release lines differ in their JWT API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Dict, Optional

HEADER = {"alg": "HS256", "typ": "JWT"}


def encode(claims: Dict[str, Any], key: bytes) -> str:
    """Sign claims."""
    body = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode("utf-8")) for part in (HEADER, claims))
    return f"{body}.{_b64(_mac(body, key))}"


def decode(token: str, key: bytes) -> Optional[Dict[str, Any]]:
    """The claims of a token with a valid signature, else None. Expiry is not checked."""
    try:
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(_mac(body, key), _unb64(signature)):
            return None
        header, claims = (json.loads(_unb64(part)) for part in body.split("."))
    except ValueError:
        return None
    return claims if header == HEADER and isinstance(claims, dict) else None


def _mac(body: str, key: bytes) -> bytes:
    return hmac.new(key, body.encode("utf-8"), hashlib.sha256).digest()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
