"""The OAuth routes: authorize with a consent page, token, revoke, metadata (RFC 6749, 7009, 8414, 9207)."""

from __future__ import annotations

import secrets
import threading
from typing import Any, Dict, Optional
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Flask, Response, current_app, jsonify, request

from .consent import ConsentRequest, consent_page, security_headers
from .device_grant import ENDPOINT_PATH, GRANT_TYPE
from .gate import is_foreign
from .oauth_grants import Server, build_server
from .settings import SCOPES
from .state import state

SERVER = "cloudinary_sandbox_oauth"
blueprint = Blueprint("oauth", __name__)


class Tickets:
    """One-time tokens that tie a consent form to its page, so that another web page cannot approve a login."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queries: Dict[str, bytes] = {}

    def issue(self, query: bytes) -> str:
        """A ticket for one authorization request."""
        ticket = secrets.token_urlsafe(16)
        with self._lock:
            self._queries[ticket] = query
        return ticket

    def redeem(self, ticket: str, query: bytes) -> bool:
        """Whether the ticket was issued for this request; it works once."""
        with self._lock:
            return self._queries.pop(ticket, None) == query


def init_app(app: Flask) -> None:
    """Add the authorization server to an application."""
    app.extensions[SERVER] = (build_server(app), Tickets())
    app.register_blueprint(blueprint)


def server() -> Server:
    """The authorization server of the application."""
    found: Server = current_app.extensions[SERVER][0]
    return found


def tickets() -> Tickets:
    """The tickets of the application's consent forms."""
    found: Tickets = current_app.extensions[SERVER][1]
    return found


@blueprint.get("/oauth2/auth")
def authorize() -> Response:
    """Show the consent page. With automatic approval, redirect at once unless a foreign page sent the request."""
    try:
        grant = server().get_consent_grant(end_user=None)
    except OAuth2Error as error:
        return _refuse(error)
    state().counters.add("authorization_requests")
    settings = state().settings
    if settings.auto_approve and not is_foreign(request.environ):
        return _decide(grant, settings.cloud_name)
    consent_request = ConsentRequest(
        client=settings.client_name,
        scope=grant.request.client.get_allowed_scope(request.args.get("scope")),
        action="/oauth2/auth?" + request.query_string.decode("latin-1"),
        ticket=tickets().issue(request.query_string),
        clouds=state().clouds.names(),
    )
    page = consent_page(consent_request, grant.redirect_uri)
    return Response(page, mimetype="text/html", headers=security_headers(grant.redirect_uri))


@blueprint.post("/oauth2/auth")
def consent() -> Response:
    """Process the user's decision."""
    if not tickets().redeem(request.form.get("ticket", ""), request.query_string):
        return _json({"error": "invalid_request", "error_description": "Unknown or used consent form."}, 400)
    cloud = request.form.get("cloud") or state().settings.cloud_name
    approved = request.form.get("decision") == "approve" and state().clouds.exists(cloud)
    try:
        grant = server().get_consent_grant(end_user=None)
    except OAuth2Error as error:
        return _refuse(error)
    return _decide(grant, cloud if approved else None)


def _decide(grant: Any, cloud: Optional[str]) -> Response:
    """Redirect back with a code for this cloud, or with access_denied."""
    state().counters.add("approvals" if cloud else "denials")
    try:
        response = grant.create_authorization_response(grant.redirect_uri, cloud)
    except OAuth2Error as error:
        return _refuse(error)
    return _identified(server().handle_response(*response))


def _refuse(error: OAuth2Error) -> Response:
    state().counters.add("refused_authorizations")
    return _identified(server().handle_error_response(None, error))


def _identified(response: Response) -> Response:
    """Add `iss` (RFC 9207 section 2) to a redirect and, where Authlib omits it, `state`."""
    if response.location:
        parts = urlsplit(response.location)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if request.args.get("state"):
            query.setdefault("state", request.args["state"])
        query["iss"] = state().issuer
        response.location = urlunsplit(parts._replace(query=urlencode(query)))
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.post("/oauth2/token")
def token() -> Response:
    """Exchange a code or a refresh token."""
    response: Response = server().create_token_response()
    if response.status_code >= 400:
        state().counters.add("refused_grants")
    return response


@blueprint.post("/oauth2/revoke")
def revoke() -> Response:
    """Revoke a token; an unknown one is not an error (RFC 7009 section 2.2)."""
    response: Response = server().create_endpoint_response("revocation")
    return response


@blueprint.get("/.well-known/oauth-authorization-server")
def metadata() -> Response:
    """RFC 8414 metadata."""
    base = state().base_url
    return _json(
        {
            "issuer": state().issuer,
            "authorization_endpoint": f"{base}/oauth2/auth",
            "token_endpoint": f"{base}/oauth2/token",
            "revocation_endpoint": f"{base}/oauth2/revoke",
            "device_authorization_endpoint": base + ENDPOINT_PATH,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", GRANT_TYPE],
            "scopes_supported": list(SCOPES),
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


def _json(body: Dict[str, Any], status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response
