"""Signatures of delivery URLs, computed as by the SDK's `sign_url` option."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Iterable, List
from urllib.parse import quote

from .state import state

RESTRICTED = ("private", "authenticated")
SHORT, LONG = 8, 32


def signature_path(cloud: str, transformation: str, name: str) -> str:
    """The `s--SIGNATURE--` part of the URL of a restricted asset; empty when the cloud has no enabled API key."""
    secrets = _secrets(cloud)
    text = "/".join(part for part in (transformation, escaped(name)) if part)
    return f"s--{_sign(text, secrets[0], SHORT)}--" if secrets else ""


def is_signed(cloud: str, transformation: str, name: str, signature: str) -> bool:
    """Whether the signature was made with an enabled API key of the cloud; `name` is the public ID with its format."""
    plain = "/".join(part for part in (transformation, name) if part)
    in_url = "/".join(part for part in (transformation, escaped(name)) if part)
    # Flask decodes the transformation, but the SDK signs it as it is in the URL.
    candidates: Iterable[str] = (plain, in_url, quote(plain, safe="/:"))
    length = len(signature) if len(signature) == LONG else SHORT
    return any(is_same(signature, _sign(text, secret, length)) for secret in _secrets(cloud) for text in candidates)


def is_same(given: str, expected: str) -> bool:
    """Compare a secret in constant time; unlike `hmac.compare_digest`, also with a text that is not ASCII."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def escaped(name: str) -> str:
    """The name as the SDK puts it into a delivery URL."""
    # import_sdk() hides the environment from the SDK, which fails on an invalid CLOUDINARY_URL.
    from cloudinary_cli.system.sdk_import import import_sdk

    return str(import_sdk("cloudinary.utils").smart_escape(name))


def _secrets(cloud: str) -> List[str]:
    return [str(key["api_secret"]) for key in state().clouds.keys(cloud) if key["enabled"]]


def _sign(text: str, secret: str, length: int) -> str:
    digest = hashlib.sha256 if length == LONG else hashlib.sha1
    return base64.urlsafe_b64encode(digest((text + secret).encode("utf-8")).digest())[:length].decode("ascii")
