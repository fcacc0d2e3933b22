"""The Authlib classes of the authorization server: client, grants, PKCE and revocation."""

from __future__ import annotations

import secrets
from types import SimpleNamespace
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Request
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import request as flask_request

from cloudinary_cli.defaults import is_loopback_host

from . import tokens
from .device_grant import GRANT_TYPE, DeviceEndpoint, DeviceGrant
from .device_store import DeviceCredential
from .grants import Credential
from .settings import allowed_scope
from .state import state

SUBJECT = "sandbox-user"


class PublicClient:
    """The one client: the CLI, public, without a secret (RFC 8252 section 8.5)."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None, so that a request must name its redirect URI."""

    def get_allowed_scope(self, scope: Optional[str]) -> str:
        """The requested scopes that are granted."""
        return allowed_scope(scope)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Any loopback IP literal, any port, path /callback (RFC 8252 section 7.3)."""
        try:
            parts = urlsplit(redirect_uri)
            loopback = is_loopback_host(parts.hostname) and parts.port != 0
        except ValueError:
            return False
        plain = not (parts.query or parts.fragment or parts.username)
        return parts.scheme == "http" and loopback and plain and parts.path == "/callback"

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """A public client authenticates with its identifier alone."""
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        """Authorization code only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Authorization code, refresh token and device code only."""
        return grant_type in ("authorization_code", "refresh_token", GRANT_TYPE)


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for plain http on loopback (RFC 8252 section 8.3 needs no TLS there)."""

    def create_oauth2_request(self, request: Any) -> Any:
        """The Flask request, presented as https.

        Authlib accepts http only if an environment variable is set, which every program that the sandbox starts would
        inherit.
        """
        secure = SimpleNamespace(
            method=flask_request.method,
            url=flask_request.url.replace("http://", "https://", 1),
            headers=flask_request.headers,
            args=flask_request.args,
            form=flask_request.form,
            values=flask_request.values,
        )
        return FlaskOAuth2Request(secure)


class S256Only(CodeChallenge):  # type: ignore[misc]
    """Requires PKCE with S256 (RFC 9700 section 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, *args: Any) -> None:
        """Refuse a request without a challenge, which Authlib accepts."""
        values = flask_request.values
        if not values.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        if values.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Unsupported 'code_challenge_method', use S256")
        super().validate_code_challenge(grant, *args)


def _usable(found: Optional[Credential], client: Any, kind: str) -> Optional[Credential]:
    """A live credential of this client; a used one revokes its family."""
    if found is None or not found.check_client(client):
        return None
    if found.used:
        state().counters.add(f"{kind}_replays")
        state().grants.revoke_family(found.family_id, f"{kind} replay")
        return None
    return found if found.live else None


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """Authorization code grant on the sandbox's store."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    def generate_authorization_code(self) -> str:
        """A code of the store, which records only its hash."""
        values = flask_request.values
        return state().grants.approve(
            client_id=self.request.client.client_id,
            cloud_name=self.request.user,
            scope=self.request.client.get_allowed_scope(values.get("scope")),
            redirect_uri=values["redirect_uri"],
            challenge=values["code_challenge"],
        )

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Nothing to do: generate_authorization_code() has saved it."""

    def query_authorization_code(self, code: str, client: Any) -> Optional[Credential]:
        """A live code of this client; a used one revokes its grant (RFC 6749 section 4.1.2)."""
        return _usable(state().grants.find_code(code), client, "code")

    def delete_authorization_code(self, authorization_code: Credential) -> None:
        """Nothing to do: save_token() has redeemed it."""

    def authenticate_user(self, authorization_code: Credential) -> Credential:
        """The grant, which identifies the user."""
        return authorization_code


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    """Refresh token grant with rotation and replay detection (RFC 9700 section 4.14)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Optional[Credential]:
        """A live token of this client; a used one revokes its family."""
        return _usable(state().grants.find_refresh(refresh_token), self.request.client, "refresh")

    def authenticate_user(self, refresh_token: Credential) -> Credential:
        """The grant, which identifies the user."""
        return refresh_token

    def revoke_old_credential(self, refresh_token: Credential) -> None:
        """Nothing to do: save_token() has replaced it."""


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009: a refresh token is revoked with its family, an access token alone."""

    CLIENT_AUTH_METHODS = ["none"]

    def query_token(self, token_string: str, token_type_hint: Optional[str]) -> Optional[Credential]:
        """The credential behind either kind of token."""
        found = state().grants.find_refresh(token_string)
        claims = None if found else tokens.decode(token_string, state().jwt_key)
        if claims is None:
            return found
        client_id = state().settings.client_id
        return Credential("", str(claims.get("jti")), client_id, "", str(claims.get("scope")), used=False, live=True)

    def revoke_token(self, token: Credential, request: Any) -> None:
        """Revoke the token."""
        if token.secret_hash:
            state().grants.revoke_family(token.family_id, "revoked")
        else:
            state().grants.revoke_access(token.family_id)
        state().counters.add("revocations")


def make_token(
    grant_type: str,
    client: PublicClient,
    user: Optional[Credential] = None,
    scope: Optional[str] = None,
    expires_in: Optional[int] = None,
    include_refresh_token: bool = True,
) -> Dict[str, Any]:
    """A token response (Authlib's token generator hook)."""
    if user is None:
        raise InvalidGrantError(description="There is no grant.")
    current, now, scope = state(), int(state().clock.now()), client.get_allowed_scope(scope)
    claims = {
        "iss": current.issuer,
        "sub": SUBJECT,
        "iat": now,
        "exp": now + current.settings.ttl,
        "jti": f"{user.family_id}.{secrets.token_hex(8)}",
        "scope": scope,
        "ext": {"cloud_name": user.cloud_name},
    }
    token = {
        "token_type": "Bearer",
        "access_token": tokens.encode(claims, current.jwt_key),
        "expires_in": current.settings.ttl,
        "scope": scope,
    }
    if include_refresh_token and "offline_access" in scope.split():
        token["refresh_token"] = secrets.token_urlsafe(32)
    return token


def save_token(token: Dict[str, Any], request: Any) -> None:
    """Redeem the credential and store the new refresh token in one transaction (Authlib's `save_token` hook)."""
    store, counters, successor = state().grants, state().counters, token.get("refresh_token")
    if getattr(request, "refresh_token", None) is not None:
        won, kind = store.rotate(request.refresh_token, successor), "refresh"
    elif isinstance(getattr(request, "credential", None), DeviceCredential):
        won, kind = state().devices.redeem(request.credential, successor), "device"
    else:
        won, kind = store.redeem_code(request.authorization_code, successor), "code"
    counters.add(f"{kind}_exchanges" if won else f"{kind}_replays")
    if not won:
        raise InvalidGrantError(description="The credential was used before; its grant is revoked.")


def build_server(app: Any) -> Server:
    """The authorization server of one Flask application."""
    server = Server(app, query_client=find_client, save_token=save_token)
    server.register_token_generator("default", make_token)
    server.register_grant(CodeGrant, [S256Only(required=True)])
    server.register_grant(RefreshGrant)
    server.register_grant(DeviceGrant)
    server.register_endpoint(Revocation)
    server.register_endpoint(DeviceEndpoint)
    return server


def find_client(client_id: str) -> Optional[PublicClient]:
    """The client with this identifier."""
    return PublicClient(client_id) if client_id == state().settings.client_id else None
