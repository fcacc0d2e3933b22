"""The requests of the OAuth protocol: PKCE, authorization URL, code exchange, refresh, revocation, metadata.

The settings of the client (CLOUDINARY_OAUTH_*) are parameters. Without them, they are read from the environment.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple
from urllib.parse import urlencode, urlsplit

from cloudinary_cli import defaults
from cloudinary_cli.auth import token_http
from cloudinary_cli.auth.token_http import TokenHttpResponse, masked
from cloudinary_cli.errors import Delivery, TokenEndpointError
from cloudinary_cli.text import without_secrets

Send = Callable[..., TokenHttpResponse]

_METADATA_TIMEOUT_SECONDS = 5
_MAX_DESCRIPTION = 80
_MAX_BODY = 1000


def generate_pkce_pair() -> Tuple[str, str]:
    """(verifier, challenge): 32 random bytes as base64url and their S256 challenge (RFC 7636 sections 4.1, 4.2)."""
    verifier = _base64url(secrets.token_bytes(32))
    return verifier, challenge_of(verifier)


def challenge_of(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636 section 4.2)."""
    return _base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def generate_state() -> str:
    """128 random bits that tie the authorization response to this transaction (RFC 6749 section 10.12)."""
    return secrets.token_urlsafe(16)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _base(region: Optional[str], base_url: Optional[str]) -> str:
    return base_url or defaults.oauth_base_url_for_region(region)


def expected_issuers(base_url: str) -> List[str]:
    """The issuer identifiers of a server, for the simple string comparison of RFC 9207 section 2.4."""
    return [base_url, base_url + "/"]


def build_authorize_url(
    challenge: str,
    state: str,
    redirect_uri: str,
    region: Optional[str] = None,
    base_url: Optional[str] = None,
    settings: Optional[defaults.OAuthSettings] = None,
) -> str:
    """The authorization request (RFC 6749 section 4.1.1) with an S256 challenge.

    :raises ConfigError: for an invalid region or CLOUDINARY_OAUTH_* value.
    """
    settings = settings or defaults.oauth_settings()
    query = {
        "client_id": settings.client_id,
        "response_type": "code",
        "scope": settings.scopes,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{_base(region, base_url)}/oauth2/auth?{urlencode(query)}"


def exchange_code(
    code: str,
    verifier: str,
    redirect_uri: str,
    region: Optional[str] = None,
    base_url: Optional[str] = None,
    client_id: Optional[str] = None,
) -> Any:
    """Exchange an authorization code (RFC 6749 section 4.1.3). Returns the parsed JSON response.

    :raises TokenEndpointError: no 2xx JSON response.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": client_id or defaults.oauth_client_id(),
        "code_verifier": verifier,
    }
    return request_tokens(_base(region, base_url), form)


def refresh(
    refresh_token: str,
    region: Optional[str] = None,
    base_url: Optional[str] = None,
    before_send: Callable[[], None] = lambda: None,
) -> Any:
    """Send a refresh token once (RFC 6749 section 6). Returns the parsed JSON response.

    :param before_send: called when the connection is established, right before the token is sent.
    :raises TokenEndpointError: no 2xx JSON response.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": defaults.oauth_client_id(),
    }
    return request_tokens(_base(region, base_url), form, partial(token_http.send, before_send=before_send))


def revoke(
    token: str,
    region: Optional[str] = None,
    token_type_hint: str = "refresh_token",
    base_url: Optional[str] = None,
    client_id: Optional[str] = None,
) -> None:
    """Revoke a token (RFC 7009 section 2.1). A token that the server does not know is not an error (2.2).

    :raises TokenEndpointError: no 2xx response, so the token may still be valid.
    """
    client_id = client_id or defaults.oauth_client_id()
    form = {"token": token, "token_type_hint": token_type_hint, "client_id": client_id}
    response = token_http.send("POST", f"{_base(region, base_url)}/oauth2/revoke", form)
    if not 200 <= response.status < 300:
        raise refusal(response, "/oauth2/revoke", form)


def advertises_issuer_parameter(base_url: str) -> bool:
    """True when the server's metadata announces `iss` in authorization responses (RFC 9207 section 3)."""
    return fetch_metadata(base_url).get("authorization_response_iss_parameter_supported") is True


def fetch_metadata(base_url: str, send: Send = token_http.send) -> Dict[str, Any]:
    """The authorization server's metadata (RFC 8414); empty when it is missing or cannot be trusted.

    Metadata with an `issuer` other than the requested server is ignored (section 3.3).
    """
    try:
        return require_metadata(base_url, send)
    except TokenEndpointError:
        return {}


def require_metadata(base_url: str, send: Send = token_http.send) -> Dict[str, Any]:
    """As fetch_metadata(), for a caller that cannot continue without the server.

    :raises TokenEndpointError: no HTTP response.
    """
    response = send("GET", f"{base_url}/.well-known/oauth-authorization-server", timeout=_METADATA_TIMEOUT_SECONDS)
    try:
        metadata = json.loads(response.body) if response.status == 200 else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(metadata, dict) or metadata.get("issuer") not in expected_issuers(base_url):
        return {}
    return metadata


def request_tokens(base_url: str, form: Mapping[str, str], send: Send = token_http.send) -> Any:
    """Send the form of a grant to the token endpoint; as post()."""
    return post(f"{base_url}/oauth2/token", form, send)


def post(url: str, form: Mapping[str, str], send: Send) -> Any:
    """Send a form, and return the parsed JSON response.

    :raises TokenEndpointError: no 2xx JSON response.
    """
    path = urlsplit(url).path
    response = send("POST", url, form)
    if not 200 <= response.status < 300:
        raise refusal(response, path, form)
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        # A captive portal's or a proxy's page: the server may not have received the token, so it is not known to be
        # used or refused.
        raise TokenEndpointError(
            f"HTTP {response.status} from {path} is not JSON; is a proxy responding?",
            Delivery.RESPONDED,
            response.status,
        ) from None


def refusal(response: TokenHttpResponse, endpoint: str, form: Mapping[str, str]) -> TokenEndpointError:
    """The error for a response other than 2xx, with the members of its body (RFC 6749 section 5.2).

    :param form: the form that was sent. A server may repeat its tokens and codes, so they are masked in the error.
    """
    error = TokenEndpointError("", Delivery.RESPONDED, response.status, "", response.retry_after)
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        body = None
    # The body is decoded and encoded again, so that an escape such as \u0072 cannot hide a token from the masking.
    error.body = masked(response.body if body is None else json.dumps(body, ensure_ascii=False), form, _MAX_BODY)
    if isinstance(body, dict):
        error.error, error.description = (
            masked(body[name], form) if isinstance(body.get(name), str) and body[name] else None
            for name in ("error", "error_description")
        )
    detail = oauth_error_detail(error)
    if not detail and 300 <= response.status < 400:
        detail = "a redirect, which is not followed"
    error.args = (f"HTTP {response.status} from {endpoint}" + (f": {detail}" if detail else "") + ".",)
    return error


def conceal(error: TokenEndpointError, secrets_known: Iterable[str]) -> None:
    """Mask secrets that the server may repeat although they were not sent, such as the session's access token."""
    known = list(secrets_known)
    error.args = (without_secrets(str(error), known),)
    error.body = without_secrets(error.body, known)
    error.error, error.description = (
        text and without_secrets(text, known) for text in (error.error, error.description)
    )


def oauth_error_detail(exc: BaseException) -> Optional[str]:
    """`code`, or `code: description` with a description of at most 80 characters; None without an error code."""
    code = getattr(exc, "error", None)
    description = getattr(exc, "description", None)
    if not code:
        return None
    return f"{code}: {description}" if description and len(description) <= _MAX_DESCRIPTION else str(code)


def oauth_error_body(exc: BaseException) -> Optional[str]:
    """The first 1000 characters of an error response, with secrets masked, for a debug log; None without a body."""
    return getattr(exc, "body", None) or None
