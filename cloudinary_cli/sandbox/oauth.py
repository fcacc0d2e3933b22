"""The OAuth routes: authorization with a consent page, device grant, token, revocation, metadata.

RFC 6749, 7009, 8414, 8628 and 9207.
"""

from __future__ import annotations

from typing import Any, Optional
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Flask, Response, current_app, jsonify, request

from .consent import ConsentRequest, code_page, consent_page, device_page, outcome_page, security_headers
from .device_grant import ENDPOINT_PATH, GRANT_TYPE, PAGE_PATH
from .gate import is_foreign
from .oauth_grants import Server, build_server
from .settings import SCOPES
from .state import state

SERVER = "cloudinary_sandbox_oauth"
blueprint = Blueprint("oauth", __name__)


def init_app(app: Flask) -> None:
    """Add the authorization server to an application."""
    app.extensions[SERVER] = build_server(app)
    app.register_blueprint(blueprint)


def _server() -> Server:
    found: Server = current_app.extensions[SERVER]
    return found


@blueprint.get("/oauth2/auth")
def authorize() -> Response:
    """Show the consent page. With automatic approval, redirect at once unless a foreign page sent the request."""
    try:
        grant = _server().get_consent_grant(end_user=None)
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
        ticket=state().tickets.issue(request.query_string),
        clouds=state().clouds.names(),
    )
    page = consent_page(consent_request, grant.redirect_uri)
    return Response(page, mimetype="text/html", headers=security_headers(grant.redirect_uri))


@blueprint.post("/oauth2/auth")
def consent() -> Response:
    """Process the user's decision."""
    if not state().tickets.redeem(request.form.get("ticket", ""), request.query_string):
        response = jsonify({"error": "invalid_request", "error_description": "Unknown or used consent form."})
        response.status_code = 400
        return response
    cloud = request.form.get("cloud") or state().settings.cloud_name
    approved = request.form.get("decision") == "approve" and state().clouds.find(cloud) is not None
    try:
        grant = _server().get_consent_grant(end_user=None)
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
    return _identified(_server().handle_response(*response))


def _refuse(error: OAuth2Error) -> Response:
    state().counters.add("refused_authorizations")
    return _identified(_server().handle_error_response(None, error))


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
    response: Response = _server().create_token_response()
    if response.status_code >= 400:
        state().counters.add("refused_grants")
    return response


@blueprint.post("/oauth2/revoke")
def revoke() -> Response:
    """Revoke a token; an unknown one is not an error (RFC 7009 section 2.2)."""
    response: Response = _server().create_endpoint_response("revocation")
    return response


@blueprint.get("/.well-known/oauth-authorization-server")
def metadata() -> Response:
    """RFC 8414 metadata."""
    base = state().base_url
    return jsonify(
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


@blueprint.post(ENDPOINT_PATH)
def device_authorization() -> Response:
    """Issue a device code and a user code."""
    response: Response = _server().create_endpoint_response("device_authorization")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get(PAGE_PATH)
def show_code() -> Response:
    """Ask for a code, or ask whether to approve the one in the address; opening the page approves nothing."""
    typed = request.args.get("user_code", "")
    if not typed:
        return _page(code_page(PAGE_PATH))
    found = state().devices.find_by_user_code(typed)
    if found is None or found.is_expired():
        return _page(
            code_page(
                PAGE_PATH, "This code does not exist, or it has expired. Enter the code that your terminal shows."
            ),
            404,
        )
    consent_request = ConsentRequest(
        client=state().settings.client_name,
        scope=found.scope,
        action=PAGE_PATH,
        ticket=state().tickets.issue(found.user_code.encode("ascii")),
        clouds=state().clouds.names(),
    )
    return _page(device_page(consent_request, found.user_code))


@blueprint.post(PAGE_PATH)
def decide_code() -> Response:
    """Process the user's decision."""
    form = request.form
    found = state().devices.find_by_user_code(form.get("user_code", ""))
    if found is None or not state().tickets.redeem(form.get("ticket", ""), found.user_code.encode("ascii")):
        return _page(outcome_page("Not accepted", "This form is unknown or was used before. Open the page again."), 400)
    cloud = form.get("cloud") or state().settings.cloud_name
    approved = form.get("decision") == "approve" and state().clouds.find(cloud) is not None
    if not state().devices.decide(found, cloud if approved else None):
        return _page(outcome_page("Not accepted", "This code was approved or denied before, or it has expired."), 409)
    state().counters.add("approvals" if approved else "denials")
    if approved:
        return _page(outcome_page("Approved", "You can close this tab and return to the terminal."))
    return _page(outcome_page("Denied", "The device was not logged in. You can close this tab."))


def _page(html: str, status: int = 200) -> Response:
    return Response(html, status, mimetype="text/html", headers=security_headers(state().base_url))
