"""The saved login of a test, and the token requests that the sandbox received."""

from __future__ import annotations

from cloudinary_cli.auth.session import Session
from cloudinary_cli.config.store import ConfigStore
from test.support.sandbox_client import SandboxClient

# A login without a server, for tests of rules that send no request.
LOGIN = Session("acme", "token", "rt_1", 1, 2, issuer="https://oauth.example/")


def entry(store: ConfigStore, name: str = "box") -> str:
    return str(store.load_fresh()[name])


def exchanges(box: SandboxClient) -> int:
    return box.stats["refresh_exchanges"]


def posts(box: SandboxClient) -> int:
    return len(box.requests("/oauth2/token")) - box.stats["code_exchanges"]
