"""The routes of the device authorization grant (RFC 8628): the endpoint, and the page on which the user decides."""

from __future__ import annotations

from flask import Blueprint, Response, request

from .consent import ConsentRequest, code_page, device_page, outcome_page, security_headers
from .device_grant import ENDPOINT_PATH, PAGE_PATH
from .oauth import server, tickets
from .state import state

blueprint = Blueprint("device", __name__)


@blueprint.post(ENDPOINT_PATH)
def device_authorization() -> Response:
    """Issue a device code and a user code."""
    response: Response = server().create_endpoint_response("device_authorization")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get(PAGE_PATH)
def show() -> Response:
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
        ticket=tickets().issue(found.user_code.encode("ascii")),
        clouds=state().clouds.names(),
    )
    return _page(device_page(consent_request, found.user_code))


@blueprint.post(PAGE_PATH)
def decide() -> Response:
    """Process the user's decision."""
    form = request.form
    found = state().devices.find_by_user_code(form.get("user_code", ""))
    if found is None or not tickets().redeem(form.get("ticket", ""), found.user_code.encode("ascii")):
        return _page(outcome_page("Not accepted", "This form is unknown or was used before. Open the page again."), 400)
    cloud = form.get("cloud") or state().settings.cloud_name
    approved = form.get("decision") == "approve" and state().clouds.exists(cloud)
    if not state().devices.decide(found, cloud if approved else None):
        return _page(outcome_page("Not accepted", "This code was approved or denied before, or it has expired."), 409)
    state().counters.add("approvals" if approved else "denials")
    if approved:
        return _page(outcome_page("Approved", "You can close this tab and return to the terminal."))
    return _page(outcome_page("Denied", "The device was not logged in. You can close this tab."))


def _page(html: str, status: int = 200) -> Response:
    return Response(html, status, mimetype="text/html", headers=security_headers(state().base_url))
