"""The sandbox's device authorization grant (RFC 8628): codes, the page, polling, single use."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pytest

from cloudinary_cli.sandbox.consent_client import ConsentForm
from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import SCOPE, Control, claims_of, session

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Device:
    """A client of the device grant, one step per method."""

    def __init__(self, server: SandboxServer) -> None:
        self.server, self.http = server, session()

    def request(self, **changes: str) -> Dict[str, Any]:
        data = {"client_id": self.server.settings.client_id, "scope": SCOPE, **changes}
        response: Dict[str, Any] = self.http.post(self.server.base_url + "/oauth2/device/auth", data=data).json()
        return response

    def poll(self, device_code: str) -> Dict[str, Any]:
        data = {"grant_type": GRANT, "device_code": device_code, "client_id": self.server.settings.client_id}
        response: Dict[str, Any] = self.http.post(self.server.base_url + "/oauth2/token", data=data).json()
        return response

    def decide(self, user_code: str, decision: str = "approve", **changes: str) -> int:
        page = self.http.get(self.server.base_url + "/device", params={"user_code": user_code})
        form = ConsentForm()
        form.feed(page.text)
        data = {**form.fields, "decision": decision, **changes}
        return self.http.post(self.server.base_url + "/device", data=data).status_code


@pytest.fixture
def device(make_sandbox: Callable[..., SandboxServer]) -> Device:
    return Device(make_sandbox(device_interval=0.3))


def test_the_metadata_names_the_device_grant(device: Device) -> None:
    data = device.http.get(device.server.base_url + "/.well-known/oauth-authorization-server").json()
    assert data["device_authorization_endpoint"] == device.server.base_url + "/oauth2/device/auth"
    assert GRANT in data["grant_types_supported"]


def test_a_device_logs_in(device: Device) -> None:
    code = device.request()
    assert code["verification_uri"] == device.server.base_url + "/device" and code["interval"] == 0.3
    assert code["verification_uri_complete"].endswith(f"?user_code={code['user_code']}") and code["expires_in"] == 900
    assert device.poll(code["device_code"])["error"] == "authorization_pending"
    assert device.decide(code["user_code"].lower().replace("-", " ")) == 200
    tokens = device.poll(code["device_code"])
    assert claims_of(tokens["access_token"])["ext"] == {"cloud_name": "sandbox"} and tokens["refresh_token"]
    assert device.poll(code["device_code"])["error"] in ("expired_token", "invalid_grant"), "a code works once"
    assert Control(device.server).stats()["device_exchanges"] == 1


def test_polling_too_fast_is_slowed_down_for_good(make_sandbox: Callable[..., SandboxServer]) -> None:
    device = Device(make_sandbox(device_interval=5.0))
    code = device.request()["device_code"]
    responses = [device.poll(code)["error"] for _ in range(3)]
    assert responses == ["authorization_pending", "slow_down", "slow_down"]
    Control(device.server).clock(11)  # five seconds, and five more for each slow_down
    assert device.poll(code)["error"] == "slow_down"
    Control(device.server).clock(40)
    assert device.poll(code)["error"] == "authorization_pending"


def test_denied_and_expired_codes_give_no_tokens(device: Device) -> None:
    code = device.request()
    assert device.decide(code["user_code"], "deny") == 200
    assert device.poll(code["device_code"])["error"] == "access_denied"
    late = device.request()
    Control(device.server).clock(901)
    assert device.poll(late["device_code"])["error"] == "expired_token"
    page = device.http.get(device.server.base_url + "/device", params={"user_code": late["user_code"]})
    assert page.status_code == 404 and "expired" in page.text


def test_opening_the_page_approves_nothing_and_another_page_cannot(device: Device) -> None:
    code = device.request()
    device.http.get(code["verification_uri_complete"])
    assert device.decide(code["user_code"], ticket="forged") == 400
    assert device.poll(code["device_code"])["error"] == "authorization_pending"
    assert device.decide(code["user_code"], cloud="no-such-cloud") == 200
    assert device.poll(code["device_code"])["error"] == "access_denied"
    assert device.decide(code["user_code"]) == 409, "decided once"


def test_the_page_is_escaped_and_self_contained(device: Device) -> None:
    for query in ({}, {"user_code": "<script>alert(1)</script>"}, {"user_code": device.request()["user_code"]}):
        page = device.http.get(device.server.base_url + "/device", params=query)
        assert "<script" not in page.text and "src=" not in page.text and "https://" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_unknown_clients_and_codes_are_refused(device: Device) -> None:
    assert device.request(client_id="other")["error"] == "invalid_client"
    assert device.poll("unknown")["error"] in ("invalid_request", "invalid_grant")
