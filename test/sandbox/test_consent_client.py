"""The stand-in browser with a sandbox and a callback server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from cloudinary_cli.sandbox import consent_client
from cloudinary_cli.sandbox.sandbox_server import SandboxServer, browser_command
from test.support.tls import TinyServer, reply
from test.support.waiting import wait_until

from .helpers import Control, OAuthClient


@pytest.fixture
def callback() -> Iterator[TinyServer]:
    """A server for the redirect."""
    with TinyServer(reply) as server:
        yield server


def redirect_uri(callback: TinyServer) -> str:
    return f"{callback.url}/callback"


def authorize_url(client: OAuthClient, callback: TinyServer) -> str:
    return f"{client.server.base_url}/oauth2/auth?{urlencode(client.query(redirect_uri=redirect_uri(callback)))}"


def redirect(callback: TinyServer) -> Dict[str, List[str]]:
    """The parameters of the only redirect that has arrived."""
    assert len(callback.seen) == 1
    return parse_qs(urlsplit(callback.seen[0].path).query)


def test_the_browser_approves(oauth: OAuthClient, callback: TinyServer) -> None:
    assert consent_client.main([authorize_url(oauth, callback)]) == 0
    assert oauth.exchange(redirect(callback)["code"][0], redirect_uri=redirect_uri(callback)).status_code == 200


def test_the_browser_denies(oauth: OAuthClient, callback: TinyServer) -> None:
    assert consent_client.main([authorize_url(oauth, callback), "--deny"]) == 0
    assert redirect(callback)["error"] == ["access_denied"]


def test_the_browser_chooses_a_cloud(oauth: OAuthClient, control: Control, callback: TinyServer) -> None:
    control.http.post(control.base + "/clouds", json={"cloud_name": "other"}).raise_for_status()
    assert consent_client.main([authorize_url(oauth, callback), "--cloud", "other"]) == 0
    token = oauth.exchange(redirect(callback)["code"][0], redirect_uri=redirect_uri(callback)).json()["access_token"]
    assert oauth.ping(token, "other").status_code == 200


def test_the_browser_visits_loopback_addresses_only(capsys: pytest.CaptureFixture[str]) -> None:
    for url in ("http://example.com/", "https://127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1.nip.io/"):
        assert consent_client.main([url]) == 1
    assert "not a loopback URL" in capsys.readouterr().err


def test_the_browser_works_as_the_browser_variable(
    oauth: OAuthClient, callback: TinyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", browser_command())
    program = "import sys, webbrowser; sys.exit(0 if webbrowser.open(sys.argv[1]) else 1)"
    assert subprocess.call([sys.executable, "-c", program, authorize_url(oauth, callback)]) == 0
    wait_until(lambda: callback.seen)
    assert redirect(callback)["state"] == ["the state"]


def test_environment_points_everything_at_the_sandbox(sandbox: SandboxServer, home: Path) -> None:
    environment = sandbox.environment(home)
    assert environment["CLOUDINARY_OAUTH_BASE_URL"] == environment["CLOUDINARY_UPLOAD_PREFIX"] == sandbox.base_url
    assert environment["CLOUDINARY_URL"].startswith("cloudinary://") and "127.0.0.1" in environment["NO_PROXY"]
    assert environment["BROWSER"].endswith(" %s &")
