"""Clients of a running sandbox: an OAuth client, the SDK's options, and small files to upload."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
import zlib
from typing import Any, Dict, List, Optional
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from cloudinary_cli.sandbox.consent_client import ConsentForm
from cloudinary_cli.sandbox.sandbox_server import SandboxServer

REDIRECT_URI = "http://127.0.0.1:45454/callback"
SCOPE = "openid offline_access asset_management upload"


def session() -> requests.Session:
    """A session that ignores proxies and .netrc."""
    found = requests.Session()
    found.trust_env = False
    return found


def location_query(response: requests.Response) -> Dict[str, str]:
    """The parameters of a redirect."""
    return {key: group[0] for key, group in parse_qs(urlsplit(response.headers["Location"]).query).items()}


class OAuthClient:
    """A public client with PKCE, one step per method, so that a test can change each step."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.http = session()
        self.verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        self.challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def query(self, **changes: Optional[str]) -> Dict[str, str]:
        """The authorization request; None omits a parameter."""
        query: Dict[str, Optional[str]] = {
            "client_id": self.server.settings.client_id,
            "response_type": "code",
            "scope": SCOPE,
            "redirect_uri": REDIRECT_URI,
            "state": "the state",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {key: value for key, value in query.items() if value is not None}

    def authorize(self, **changes: Optional[str]) -> requests.Response:
        """Open the authorize URL without following redirects."""
        url = self.server.base_url + "/oauth2/auth"
        return self.http.get(url, params=self.query(**changes), allow_redirects=False)

    def decide(self, page: requests.Response, decision: str = "approve", **fields: str) -> requests.Response:
        """Press a button of the consent page."""
        form = ConsentForm()
        form.feed(page.text)
        assert form.action is not None
        data = {**form.fields, "decision": decision, **fields}
        return self.http.post(urljoin(page.url, form.action), data=data, allow_redirects=False)

    def code(self, **changes: Optional[str]) -> str:
        """A fresh authorization code."""
        return location_query(self.decide(self.authorize(**changes)))["code"]

    def exchange(self, code: str, **changes: Optional[str]) -> requests.Response:
        """Exchange a code."""
        return self._token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT_URI,
                "client_id": self.server.settings.client_id,
                "code_verifier": self.verifier,
                **changes,
            }
        )

    def refresh(self, token: str, **changes: Optional[str]) -> requests.Response:
        """Exchange a refresh token."""
        client_id = self.server.settings.client_id
        return self._token({"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id, **changes})

    def revoke(self, token: str, **fields: str) -> requests.Response:
        """Revoke a token."""
        data = {"token": token, "client_id": self.server.settings.client_id, **fields}
        return self.http.post(self.server.base_url + "/oauth2/revoke", data=data)

    def login(self) -> Dict[str, Any]:
        """The token response of a complete login."""
        tokens: Dict[str, Any] = self.exchange(self.code()).json()
        return tokens

    def ping(self, access_token: str, cloud: str = "sandbox") -> requests.Response:
        """Call the Admin API with an access token."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.http.get(f"{self.server.base_url}/v1_1/{cloud}/ping", headers=headers)

    def _token(self, data: Dict[str, Optional[str]]) -> requests.Response:
        sent = {key: value for key, value in data.items() if value is not None}
        return self.http.post(self.server.base_url + "/oauth2/token", data=sent)


class Control:
    """The endpoints under /sandbox/."""

    def __init__(self, server: SandboxServer) -> None:
        self.base = server.base_url + "/sandbox"
        self.http = session()

    def stats(self) -> Dict[str, Any]:
        """All counters."""
        counts: Dict[str, Any] = self.http.get(self.base + "/stats").json()
        return counts

    def requests(self, path: str = "") -> List[Dict[str, Any]]:
        """The request log."""
        found: List[Dict[str, Any]] = self.http.get(self.base + "/requests", params={"path": path}).json()["requests"]
        return found

    def fault(self, path: str, **fields: Any) -> None:
        """Plan a failure."""
        self.http.post(self.base + "/faults", json={"path": path, **fields}).raise_for_status()

    def clock(self, offset: float) -> None:
        """Shift the server's time."""
        self.http.post(self.base + "/clock", json={"offset": offset}).raise_for_status()


def png(width: int = 3, height: int = 2, shade: int = 0) -> bytes:
    """A valid PNG."""
    rows = b"".join(b"\x00" + bytes([shade] * 3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def claims_of(token: str) -> Dict[str, Any]:
    """The payload of a JWT."""
    payload = token.split(".")[1]
    claims: Dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
