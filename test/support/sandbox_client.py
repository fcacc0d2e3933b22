"""A client for tests that use a running sandbox: logins without a browser, assets, counters, clock and faults."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any, Dict, Optional
from urllib.parse import parse_qs, urlsplit

from cloudinary_cli.auth import flow
from cloudinary_cli.auth.session import Session, to_cloudinary_url
from cloudinary_cli.config.store import ConfigStore


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def redirect_of(url: str) -> str:
    """The redirect of the authorization server for `url`; it is not followed."""
    try:
        urllib.request.build_opener(_NoRedirect).open(url)
    except urllib.error.HTTPError as error:
        return str(error.headers["Location"])
    raise AssertionError("the sandbox did not redirect")


class SandboxClient:
    """A client of a running sandbox."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.url: str = server.base_url

    # -- OAuth

    def new_session(self) -> Session:
        """A session from a real code exchange; the sandbox approves automatically."""
        verifier, challenge = flow.generate_pkce_pair()
        redirect = "http://127.0.0.1:9/callback"
        url = flow.build_authorize_url(challenge, flow.generate_state(), redirect, base_url=self.url)
        code = parse_qs(urlsplit(redirect_of(url)).query)["code"][0]
        response = flow.exchange_code(code, verifier, redirect, base_url=self.url)
        session = Session.from_token_response(response, region="api")
        return replace(session, oauth_base_url=self.url, upload_prefix=self.url)

    def save_login(self, store: ConfigStore, name: str = "box", stale: bool = True, **changes: Any) -> Session:
        """Log in and save the session; `stale` makes the client think that the token has expired."""
        session = self.new_session()
        if stale:
            session = replace(session, issued_at=int(time.time()) - 400, expires_at=int(time.time()) - 100)
        session = replace(session, **changes)
        with store.transaction() as cfg:
            cfg[name] = to_cloudinary_url(session)
        return session

    def is_refresh_token_alive(self, token: Optional[str]) -> bool:
        """True if the server accepts the token. The call uses the token up, so it belongs at the end of a test."""
        from cloudinary_cli.errors import TokenEndpointError

        try:
            flow.refresh(token or "", base_url=self.url)
        except TokenEndpointError as error:
            assert error.is_refused_grant, error
            return False
        return True

    # -- assets

    def put(self, public_id: str, content: bytes = b"\xff\xd8\xff\xe0\xff\xd9", **values: Any) -> None:
        """Store a JPEG in the server's cloud without a request; `values` are upload parameters."""
        from cloudinary_cli.sandbox.fetch import describe
        from cloudinary_cli.sandbox.ingest import store_upload

        with self.server.app.app_context():
            path = self.server.state.temp_file()
            path.write_bytes(content)
            received = describe(path, f"{public_id}.jpg")
            store_upload(self.server.settings.cloud_name, "image", {"public_id": public_id, **values}, received)

    # -- control

    def call(self, method: str, path: str, body: Optional[Dict[str, Any]] = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/sandbox/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    @property
    def stats(self) -> Dict[str, int]:
        result: Dict[str, int] = self.call("GET", "stats")
        return result

    def fault(self, path: str = "/oauth2/token", times: Optional[int] = 1, **fault: Any) -> None:
        self.call("POST", "faults", {"path": path, "times": times, **fault})

    def clear_faults(self) -> None:
        """Delete the planned failures, and send the responses that they delay."""
        self.call("DELETE", "faults")

    def requests(self, path: str = "/oauth2/token") -> Any:
        return self.call("GET", f"requests?path={path}")["requests"]

    def reset(self) -> None:
        for what in ("faults", "requests", "stats"):
            self.call("DELETE", what)
        self.call("POST", "clock", {"offset": 0})
