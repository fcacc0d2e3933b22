"""The routes of the device authorization grant (RFC 8628): its endpoint, and the page where a person decides."""

from __future__ import annotations

from flask import Blueprint, Response, request

from .consent import code_page, device_page, outcome_page, security_headers
from .device_grant import ENDPOINT_PATH, PAGE_PATH
from .oauth import server, tickets
from .state import state

blueprint = Blueprint("device", __name__)


@blueprint.post(ENDPOINT_PATH)
def device_authorization() -> Response:
    """Give out a device code and a user code."""
    response: Response = server().create_endpoint_response("device_authorization")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get(PAGE_PATH)
def show() -> Response:
    """Ask for the code, or show what it stands for: a code in the address is not approved by opening it."""
    typed = request.args.get("user_code", "")
    if not typed:
        return _page(code_page(PAGE_PATH))
    found = state().devices.find_by_user_code(typed)
    if found is None or found.is_expired():
        return _page(code_page(PAGE_PATH, "There is no such code, or it has expired."), 404)
    page = device_page(
        client=found.client_id,
        scope=found.scope,
        user_code=found.user_code,
        action=PAGE_PATH,
        ticket=tickets().issue(found.user_code.encode("ascii")),
        clouds=state().clouds.names(),
    )
    return _page(page)


@blueprint.post(PAGE_PATH)
def decide() -> Response:
    """The person's decision."""
    form = request.form
    found = state().devices.find_by_user_code(form.get("user_code", ""))
    if found is None or not tickets().redeem(form.get("ticket", ""), found.user_code.encode("ascii")):
        return _page(outcome_page("Unknown or used form."), 400)
    cloud = form.get("cloud") or state().settings.cloud_name
    approved = form.get("decision") == "approve" and state().clouds.exists(cloud)
    if not state().devices.decide(found, cloud if approved else None):
        return _page(outcome_page("This code was decided before, or it has expired."), 409)
    state().counters.add("approvals" if approved else "denials")
    return _page(outcome_page("Approved. Go back to the terminal." if approved else "Denied."))


def _page(html: str, status: int = 200) -> Response:
    return Response(html, status, mimetype="text/html", headers=security_headers(state().base_url))
