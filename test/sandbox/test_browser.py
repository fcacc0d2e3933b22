"""The stand-in browser, against a real sandbox and a real callback server."""

from __future__ import annotations

import subprocess
import sys
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Iterator, List, Tuple
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from cloudinary_cli.sandbox import browser
from cloudinary_cli.sandbox.server import SandboxServer, browser_command

from .helpers import Control, OAuthClient


@pytest.fixture
def callback() -> Iterator[Tuple[str, List[str]]]:
    """A redirect URI and the paths that were asked for there."""
    seen: List[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/callback", seen
        server.shutdown()
        thread.join()


def authorize_url(client: OAuthClient, redirect_uri: str) -> str:
    return f"{client.server.base_url}/oauth2/auth?{urlencode(client.query(redirect_uri=redirect_uri))}"


def seen_query(seen: List[str]) -> "dict[str, List[str]]":
    assert len(seen) == 1
    return parse_qs(urlsplit(seen[0]).query)


def test_approves(oauth: OAuthClient, callback: Tuple[str, List[str]]) -> None:
    uri, seen = callback
    assert browser.main([authorize_url(oauth, uri)]) == 0
    assert oauth.exchange(seen_query(seen)["code"][0], redirect_uri=uri).status_code == 200


def test_denies(oauth: OAuthClient, callback: Tuple[str, List[str]]) -> None:
    uri, seen = callback
    assert browser.main([authorize_url(oauth, uri), "--deny"]) == 0
    assert seen_query(seen)["error"] == ["access_denied"]


def test_chooses_a_cloud(oauth: OAuthClient, control: Control, callback: Tuple[str, List[str]]) -> None:
    uri, seen = callback
    control.http.post(control.base + "/clouds", json={"cloud_name": "other"}).raise_for_status()
    assert browser.main([authorize_url(oauth, uri), "--cloud", "other"]) == 0
    token = oauth.exchange(seen_query(seen)["code"][0], redirect_uri=uri).json()["access_token"]
    assert oauth.ping(token, "other").status_code == 200


def test_visits_loopback_only(capsys: pytest.CaptureFixture[str]) -> None:
    for url in ("http://example.com/", "https://127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1.nip.io/"):
        assert browser.main([url]) == 1
    assert "not a loopback URL" in capsys.readouterr().err


def test_works_as_the_browser_variable(
    oauth: OAuthClient, callback: Tuple[str, List[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, seen = callback
    monkeypatch.setenv("BROWSER", browser_command())
    program = "import sys, webbrowser; sys.exit(0 if webbrowser.open(sys.argv[1]) else 1)"
    assert subprocess.call([sys.executable, "-c", program, authorize_url(oauth, uri)]) == 0
    for _ in range(200):
        if seen:
            break
        threading.Event().wait(0.05)
    assert seen_query(seen)["state"] == ["the state"]
    assert webbrowser.Error  # the module is the standard one


def test_environment_points_everything_at_the_sandbox(sandbox: SandboxServer, home: "object") -> None:
    environment = sandbox.environment(home)  # type: ignore[arg-type]
    assert environment["CLOUDINARY_OAUTH_BASE_URL"] == environment["CLOUDINARY_UPLOAD_PREFIX"] == sandbox.base_url
    assert environment["CLOUDINARY_URL"].startswith("cloudinary://") and "127.0.0.1" in environment["NO_PROXY"]
    assert environment["BROWSER"].endswith(" %s &")
