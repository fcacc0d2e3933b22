"""Session: the tokens of one login, and their cloudinary:// URL. No I/O; the time is passed in."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional

from cloudinary_cli import defaults
from cloudinary_cli.config import login_state
from cloudinary_cli.config.login_state import optional_number
from cloudinary_cli.config.url import build_config_url, is_oauth_url, parse, replace_query, validate_cloud_name
from cloudinary_cli.defaults import DEFAULT_REGION, OAUTH_EXPIRY_SKEW_SECONDS, OAUTH_INTERNAL_KEYS
from cloudinary_cli.errors import InvalidConfigUrl, InvalidTokenResponse

__all__ = ["Session", "from_cloudinary_url", "is_oauth_url", "strip_oauth_internal_keys", "to_cloudinary_url"]

# Lifetime of an access token, in seconds, when the server states none (RFC 6749 5.1 only recommends expires_in).
ASSUMED_LIFETIME = 300
# How far, in seconds, a claim may be from the local clock before the local clock is used instead.
_CLOCK_TOLERANCE = 5

_TOKEN = re.compile(r"[\x21-\x7e]+\Z")
# One scope (RFC 6749 section 3.3).
SCOPE = r"[\x21\x23-\x5b\x5d-\x7e]+\Z"


@dataclass(frozen=True)
class Session:
    """One login. Times are epoch seconds on the local clock; tokens never appear in its repr.

    `oauth_base_url` and `upload_prefix` are None when they are the region's own. With a `key_id`, both tokens are
    ciphertexts (sealing.py): they can be compared and stored, and are decrypted before they are sent.

    Scopes are separated by spaces. `scopes` were granted; `requested_scopes` are the user's choice, kept for the next
    login of that name.
    """

    cloud_name: str
    access_token: str = field(repr=False)
    refresh_token: Optional[str] = field(default=None, repr=False)
    issued_at: int = 0
    expires_at: int = 0
    region: str = DEFAULT_REGION
    issuer: Optional[str] = None
    oauth_base_url: Optional[str] = None
    upload_prefix: Optional[str] = None
    key_id: Optional[str] = None
    scopes: Optional[str] = None
    requested_scopes: Optional[str] = None

    def is_fresh(self, skew: float = OAUTH_EXPIRY_SKEW_SECONDS, now: Optional[float] = None) -> bool:
        """True while more than `skew` seconds are left; see login_state.is_fresh()."""
        return login_state.is_fresh(self.issued_at, self.expires_at, time.time() if now is None else now, skew)

    def is_expired(self, now: float) -> bool:
        return self.expires_at <= now

    @property
    def token_base_url(self) -> str:
        """The base URL of the login's authorization server; refresh requests are sent only there.

        :raises ConfigError: when the saved value is not an https (or loopback) base URL.
        """
        if self.oauth_base_url:
            return defaults.validate_base_url(self.oauth_base_url, "The saved oauth_base_url")
        return defaults.oauth_base_url_for_region(self.region)

    @classmethod
    def from_token_response(
        cls,
        resp: Mapping[str, Any],
        cloud_name: Optional[str] = None,
        region: str = DEFAULT_REGION,
        now: Optional[float] = None,
    ) -> "Session":
        """A session from a token response (RFC 6749 5.1) whose access token is a JWT with `ext.cloud_name`.

        :raises InvalidTokenResponse: names the member or claim that is missing or unusable.
        """
        token = access_token_of(resp)
        claims = decode_claims(token)
        cloud = cloud_name if cloud_name is not None else _cloud_name_claim(claims)
        for claim in ("iat", "exp"):
            if optional_number(claims.get(claim)) is None:
                raise InvalidTokenResponse(f"The access token's claim '{claim}' is missing or not a number.")
        issuer = claims.get("iss")
        issuer = issuer if isinstance(issuer, str) and issuer else None
        blank = cls(cloud, token, region=defaults.normalize_region(region), issuer=issuer)
        return blank.updated_from(resp, now)

    def updated_from(self, resp: Mapping[str, Any], now: Optional[float] = None) -> "Session":
        """This session after a refresh: cloud, region and servers kept, an omitted refresh token kept (RFC 6749 6).

        The access token may be opaque here: `expires_in` is preferred to its claims.

        :raises InvalidTokenResponse: when there is no usable access token.
        """
        token = access_token_of(resp)
        moment = time.time() if now is None else now
        try:
            claims = decode_claims(token)
        except InvalidTokenResponse:
            claims = {}
        issued, expires = optional_number(claims.get("iat")), optional_number(claims.get("exp"))
        issued_at, expires_at = _local_times(resp, issued, expires, moment)
        return replace(
            self,
            access_token=token,
            refresh_token=refresh_token_of(resp) or self.refresh_token,
            issued_at=issued_at,
            expires_at=expires_at,
            scopes=_scopes_of(resp, claims) or self.scopes,
        )


def _scopes_of(resp: Mapping[str, Any], claims: Mapping[str, Any]) -> Optional[str]:
    """The granted scopes: of the response (RFC 6749 section 5.1), else of the token's claims (RFC 9068 section 2.2.3).

    `scp` is the claim of Ory Hydra, a list.
    """
    for stated in (resp.get("scope"), claims.get("scope"), claims.get("scp")):
        words = stated.split(" ") if isinstance(stated, str) else stated if isinstance(stated, list) else []
        scopes = [word for word in words if isinstance(word, str) and re.match(SCOPE, word)]
        if scopes:
            return " ".join(scopes)
    return None


def _local_times(
    resp: Mapping[str, Any], issued: Optional[int], expires: Optional[int], now: float
) -> "tuple[int, int]":
    """(issued_at, expires_at) on the local clock: the claims where the clocks agree, else receipt plus lifetime."""
    stated = optional_number(resp.get("expires_in"))
    if stated is not None and stated > 0:
        lifetime = stated
    elif issued is not None and expires is not None:
        lifetime = expires - issued
        if lifetime <= 0:
            raise InvalidTokenResponse("The access token's claim 'exp' is not later than 'iat'.")
    else:
        lifetime = ASSUMED_LIFETIME
    local_expiry = int(now) + lifetime
    if issued is not None and expires is not None and abs(expires - local_expiry) <= _CLOCK_TOLERANCE:
        return issued, expires
    return int(now), local_expiry


def access_token_of(resp: Any) -> str:
    """The access token of a token response.

    :raises InvalidTokenResponse: not a JSON object, or no token that can be sent in a header.
    """
    if not isinstance(resp, Mapping):
        raise InvalidTokenResponse("The token response is not a JSON object.")
    token = resp.get("access_token")
    if not isinstance(token, str) or not _TOKEN.match(token):
        raise InvalidTokenResponse("The token response has no usable 'access_token'.")
    return token


def refresh_token_of(resp: Any) -> Optional[str]:
    """The refresh token of a token response; None when there is none."""
    token = resp.get("refresh_token") if isinstance(resp, Mapping) else None
    return token if isinstance(token, str) and _TOKEN.match(token) else None


def decode_claims(token: str) -> Dict[str, Any]:
    """The payload of a JWT. The signature is not verified: the token came from the server itself, over TLS.

    :raises InvalidTokenResponse: when it is not a decodable JWT.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        raise InvalidTokenResponse("The access token is not a decodable JWT.") from None
    if not isinstance(claims, dict):
        raise InvalidTokenResponse("The access token is not a decodable JWT: its payload is not an object.")
    return claims


def _cloud_name_claim(claims: Mapping[str, Any]) -> str:
    extension = claims.get("ext")
    name = extension.get("cloud_name") if isinstance(extension, Mapping) else None
    if not name:
        raise InvalidTokenResponse("The access token has no claim 'ext.cloud_name'.")
    try:
        return validate_cloud_name(name)
    except InvalidConfigUrl as error:
        raise InvalidTokenResponse(f"The access token's claim 'ext.cloud_name' is unusable: {error}") from None


def to_cloudinary_url(session: Session) -> str:
    """The saved form of a session; other versions of the tool rely on the order of the keys."""
    params: Dict[str, Any] = {
        "oauth_token": session.access_token,
        "refresh_token": session.refresh_token or "",
        "issued_at": session.issued_at,
        "expires_at": session.expires_at,
        "region": session.region,
        "issuer": session.issuer or "",
        "upload_prefix": session.upload_prefix or defaults.api_host_for_region(session.region),
    }
    if session.oauth_base_url:
        params["oauth_base_url"] = session.oauth_base_url
    if session.key_id:
        params["keyring"] = session.key_id
    if session.scopes:
        params["scopes"] = session.scopes
    if session.requested_scopes:
        params["requested_scopes"] = session.requested_scopes
    return build_config_url(validate_cloud_name(session.cloud_name), params)


def with_tokens(url: str, session: Session) -> str:
    """A saved URL with the tokens and times of `session`; all other parts, also unknown keys, are kept."""
    return replace_query(
        url,
        {
            "oauth_token": session.access_token,
            "refresh_token": session.refresh_token or "",
            "issued_at": str(session.issued_at),
            "expires_at": str(session.expires_at),
            "refresh_state": None,
            "keyring": session.key_id,
            "scopes": session.scopes,
        },
    )


def from_cloudinary_url(url: Any) -> Session:
    """The session of a saved OAuth URL. Missing or unreadable times count as 0, that is, as expired.

    :raises InvalidConfigUrl: when the URL cannot be parsed.
    """
    # The same fields as the SDK's, so that a token is bound to the host that it is sent to.
    return from_fields(parse(url).fields())


def from_fields(fields: Mapping[str, Any]) -> Session:
    """The session among the attributes of an SDK config that was made from a saved OAuth URL."""

    def get(key: str) -> str:
        return str(fields.get(key) or "")

    return Session(
        cloud_name=get("cloud_name"),
        access_token=get("oauth_token"),
        refresh_token=get("refresh_token") or None,
        issued_at=optional_number(get("issued_at")) or 0,
        expires_at=optional_number(get("expires_at")) or 0,
        region=get("region") or DEFAULT_REGION,
        issuer=get("issuer") or None,
        oauth_base_url=get("oauth_base_url") or None,
        upload_prefix=get("upload_prefix") or None,
        key_id=get("keyring") or None,
        scopes=get("scopes") or None,
        requested_scopes=get("requested_scopes") or None,
    )


def strip_oauth_internal_keys(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """A copy without the bookkeeping keys of a login, for the arguments of an API call."""
    return {key: value for key, value in fields.items() if key not in OAUTH_INTERNAL_KEYS}
