"""The device authorization grant (RFC 8628), with a scripted server and with the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudinary_cli import defaults
from cloudinary_cli.auth import device, flow
from cloudinary_cli.auth.device import DeviceCode
from cloudinary_cli.auth.token_http import TokenHttpResponse
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import (
    AuthorizationDenied,
    Delivery,
    InvalidTokenResponse,
    LoginError,
    LoginTimeout,
    TokenEndpointError,
)
from cloudinary_cli.sandbox.consent_client import visit
from test.support.commands import Cld
from test.support.sandbox_client import SandboxClient

BASE = "https://oauth.example"
CODE = DeviceCode("secret-device-code", "ABCD-EFGH", f"{BASE}/device", None, 60.0, 5.0)
TOKENS = {"access_token": "t"}
Step = Union[str, TokenEndpointError, Dict[str, Any]]


class Server:
    """Responds to polls from a list. Time passes only while the client sleeps."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.pauses: List[float] = []
        self.forms: List[Dict[str, str]] = []

    def send(self, method: str, url: str, form: Dict[str, str]) -> TokenHttpResponse:
        assert (method, url) == ("POST", f"{BASE}/oauth2/token")
        self.forms.append(form)
        step = self.steps.pop(0) if self.steps else "authorization_pending"
        if isinstance(step, TokenEndpointError):
            raise step
        body = {"error": step} if isinstance(step, str) else step
        return TokenHttpResponse(400 if isinstance(step, str) else 200, json.dumps(body))

    def poll(self, code: DeviceCode = CODE, timeout: Optional[float] = None) -> Any:
        kept: List[Any] = []

        def request_tokens() -> None:
            kept.append(flow.request_tokens(BASE, {"device_code": code.device_code}, self.send))

        device.poll(code, request_tokens, timeout, self.pauses.append, lambda: sum(self.pauses))
        return kept[0]


def test_polling_continues_until_the_tokens_arrive() -> None:
    server = Server("authorization_pending", TOKENS)
    assert server.poll() == TOKENS and server.pauses == [5, 5]
    assert "secret" not in repr(CODE)


def test_slow_down_adds_five_seconds_to_all_later_pauses() -> None:
    server = Server("authorization_pending", "slow_down", "authorization_pending", "slow_down", TOKENS)
    assert server.poll() == TOKENS and server.pauses == [5, 5, 10, 10, 15]


def test_timeouts_lead_to_longer_pauses() -> None:
    lost = TokenEndpointError("lost", Delivery.UNKNOWN)
    busy = TokenEndpointError("busy", Delivery.RESPONDED, 503, retry_after=30.0)
    server = Server(lost, busy, "authorization_pending", TOKENS)
    assert server.poll(replace(CODE, expires_in=600.0)) == TOKENS
    assert server.pauses == [5, 10, 30, 30]


@pytest.mark.parametrize("timeout, until", [(None, 60), (12.0, 12), (600.0, 60)])
def test_polling_stops_when_the_code_expires(timeout: Optional[float], until: int) -> None:
    server = Server()
    with pytest.raises(LoginTimeout):
        server.poll(timeout=timeout)
    assert sum(server.pauses) == until


@pytest.mark.parametrize(
    "step, kind",
    [
        ("access_denied", AuthorizationDenied),
        ("expired_token", LoginTimeout),
        ("invalid_grant", TokenEndpointError),
        ("invalid_client", TokenEndpointError),
    ],
)
def test_errors_that_end_the_polling(step: str, kind: type) -> None:
    server = Server("authorization_pending", step, TOKENS)
    with pytest.raises(kind):
        server.poll()
    assert len(server.forms) == 2


def request_code(response: Any, metadata: Optional[Dict[str, Any]] = None) -> Tuple[DeviceCode, List[Tuple[str, Any]]]:
    seen: List[Tuple[str, Any]] = []
    described = {"issuer": BASE, "device_authorization_endpoint": f"{BASE}/oauth2/device/auth", **(metadata or {})}

    def send(method: str, url: str, form: Any = None, timeout: float = 0) -> TokenHttpResponse:
        seen.append((url, form))
        return TokenHttpResponse(200, json.dumps(described if method == "GET" else response))

    return device.request_code(BASE, defaults.oauth_settings({}), send), seen


RESPONSE = {"device_code": "d", "user_code": "AB-CD", "verification_uri": f"{BASE}/device", "expires_in": 900}


def test_the_request_and_its_defaults() -> None:
    code, seen = request_code(RESPONSE)
    assert (code.user_code, code.interval, code.expires_in, code.lifetime) == ("AB-CD", 5.0, 900.0, "15 minutes")
    assert seen[1][0] == f"{BASE}/oauth2/device/auth" and sorted(seen[1][1]) == ["client_id", "scope"]


@pytest.mark.parametrize(
    "change",
    [
        {"device_code": None},
        {"user_code": ""},
        {"verification_uri": "http://evil.example/"},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://oauth.example@evil.example/"},
        {"verification_uri": "https://x/\x1b[31m"},
        {"verification_uri_complete": "file:///etc/passwd"},
    ],
)
def test_unusable_device_responses_are_refused(change: Dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenResponse):
        request_code({**RESPONSE, **change})


def test_a_user_code_cannot_forge_a_line() -> None:
    code, _ = request_code({**RESPONSE, "user_code": "A\x1b[31m\nLogged in."})
    assert "\x1b" not in code.user_code and "\n" not in code.user_code


@pytest.mark.parametrize(
    "metadata",
    [
        {"device_authorization_endpoint": None},
        {"device_authorization_endpoint": "https://evil.example/device"},
        {"device_authorization_endpoint": BASE + ".evil.example/device"},
        {"issuer": "https://other.example"},
    ],
)
def test_an_endpoint_on_another_host_is_ignored(metadata: Dict[str, Any]) -> None:
    with pytest.raises(LoginError, match="does not offer"):
        request_code(RESPONSE, metadata)


# -- against the sandbox


@pytest.fixture
def env(login_env: Dict[str, str]) -> Dict[str, str]:
    return login_env


def test_a_device_login_with_automatic_approval(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    done = cld("login", "tv", "--device", "--json", env={**env, "BROWSER": "false"})
    assert done.code == 0 and json.loads(done.out)["name"] == "tv", done.err
    (complete,) = [line for line in done.err.splitlines() if line.startswith(f"{box.url}/device?user_code=")]
    code = parse_qs(urlsplit(complete).query)["user_code"][0]
    assert f"enter the code {code}\n" in done.err and f"\n{box.url}/device\n" in done.err
    form = box.requests("/oauth2/token")[-1]["form"]
    assert form["device_code"] not in done.text
    assert "tv" in store.load_fresh() and box.stats["device_exchanges"] == 1
    assert json.loads(cld("-C", "tv", "admin", "ping").out) == {"status": "ok"}


def test_slow_down_from_the_sandbox(cld: Cld, env: Dict[str, str], box: SandboxClient) -> None:
    box.fault(status=400, body={"error": "slow_down"})
    done = cld("login", "--device", env=env)
    assert done.code == 0 and len(box.requests("/oauth2/token")) == 2, done.err


@pytest.mark.parametrize("deny, code", [(False, 0), (True, 1)])
def test_the_user_approves_or_denies_on_the_page(
    sandbox_by_hand: SandboxClient, home: Path, store: ConfigStore, deny: bool, code: int
) -> None:
    variables = {**os.environ, **sandbox_by_hand.server.environment(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "login", "--device"], env=variables, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    address = next(line.strip() for line in process.stderr if "user_code=" in line)
    assert visit(address, deny=deny) == 200
    err = process.stderr.read()
    assert process.wait(60) == code and ("sandbox" in store.load_fresh()) is not deny
    assert ("access_denied" in err) is deny


@pytest.fixture
def sandbox_by_hand(tmp_path: Path) -> Any:
    from cloudinary_cli.sandbox.sandbox_server import SandboxServer
    from cloudinary_cli.sandbox.settings import SandboxSettings

    with SandboxServer(SandboxSettings(data_dir=tmp_path / "by-hand")) as server:
        yield SandboxClient(server)
