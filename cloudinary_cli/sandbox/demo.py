"""`cld sandbox demo`: login, upload, search, token renewal and logout, each checked against the server."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

from cloudinary_cli.console import Console

from .media import PIXEL
from .runner import SandboxOptions, running_server, sandbox_environment
from .sandbox_server import HOST, SandboxServer

NAME = "demo"
TIMEOUT = 60  # seconds
NEXT = """Type this to try it yourself:
  $ cld sandbox shell --oauth
  $ cld login demo --set-default
  $ cld admin ping
  $ exit"""


class StepFailed(Exception):
    """A step did not have the expected result."""


@dataclass
class Demo:
    """The server, the environment and the console of one demonstration."""

    server: SandboxServer
    environment: Dict[str, str]
    home: Path
    console: Console
    number: int = 0
    refresh_token: str = ""

    def cld(self, *arguments: str) -> str:
        """Show a `cld` command and run it. Returns its stdout.

        :raises StepFailed: when its exit status is not 0.
        """
        self.console.data("  $ cld " + " ".join(shlex.quote(argument) for argument in arguments))
        done = subprocess.run(
            [sys.executable, "-m", "cloudinary_cli", *arguments],
            env=self.environment,
            cwd=str(self.home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if done.returncode:
            raise StepFailed(f"exit status {done.returncode}: {(err or out).strip()[-500:]}")
        return out

    def count(self, name: str) -> int:
        """A counter of the server."""
        return self.server.state.counters.get(name)

    def saved_url(self) -> str:
        """The saved URL of the login."""
        saved = json.loads((self.home / "config.json").read_text(encoding="utf-8"))
        return str(saved[NAME])


def require(condition: bool, problem: str) -> None:
    """Check a condition.

    :raises StepFailed: when it is false.
    """
    if not condition:
        raise StepFailed(problem)


def login(demo: Demo) -> str:
    """Log in through the browser"""
    demo.cld("login", NAME, "--set-default")
    require(demo.count("code_exchanges") == 1, "the server exchanged no code")
    return "the browser approved, one code was exchanged"


def list_configs(demo: Demo) -> str:
    """List the saved configurations"""
    require(NAME in demo.cld("config", "-ls"), f"{NAME} is not listed")
    return f"{NAME} is saved"


def ping(demo: Demo) -> str:
    """Call the Admin API"""
    require("ok" in demo.cld("admin", "ping"), "no ok")
    return "accepted with the access token"


def upload(demo: Demo) -> str:
    """Upload a picture"""
    picture = demo.home / "demo.png"
    picture.write_bytes(PIXEL)
    found = json.loads(demo.cld("uploader", "upload", str(picture), "public_id=demo"))
    require(found.get("public_id") == "demo", "the public ID is not demo")
    return f"{found['bytes']} bytes, {found['secure_url']}"


def search(demo: Demo) -> str:
    """Search for it"""
    found = json.loads(demo.cld("search", "public_id=demo AND format=png"))
    require(found.get("total_count") == 1, "not exactly one asset was found")
    return "one asset found"


def expire(demo: Demo) -> str:
    """Let the access token expire, then call the API again"""
    before = demo.count("refresh_exchanges")
    demo.server.state.clock.offset = demo.server.settings.ttl + 60
    require("ok" in demo.cld("admin", "ping"), "no ok")
    refreshed = demo.count("refresh_exchanges") - before
    require(refreshed == 1, f"{refreshed} refresh exchanges instead of 1")
    return "the server saw exactly one refresh exchange"


def refresh(demo: Demo) -> str:
    """Renew the token by hand"""
    before = demo.count("refresh_exchanges")
    demo.cld("config", "--refresh", NAME, "--force")
    require(demo.count("refresh_exchanges") == before + 1, "the server saw no refresh")
    require(demo.count("refresh_replays") == 0, "a used refresh token was presented again")
    return "renewed, and no refresh token was ever used twice"


def logout(demo: Demo) -> str:
    """Log out"""
    tokens = parse_qs(urlsplit(demo.saved_url()).query).get("refresh_token", [])
    require(len(tokens) == 1, "the saved login has no refresh token")
    demo.refresh_token = tokens[0]
    demo.cld("logout", NAME)
    require(demo.count("revocations") == 1, "the server saw no revocation")
    return "revoked at the server, removed here"


def dead_token(demo: Demo) -> str:
    """Use the old refresh token"""
    body = {
        "grant_type": "refresh_token",
        "refresh_token": demo.refresh_token,
        "client_id": demo.server.settings.client_id,
    }
    try:
        url = f"{demo.server.base_url}/oauth2/token"
        build_opener(ProxyHandler({})).open(url, urlencode(body).encode("ascii"), timeout=TIMEOUT).close()
    except HTTPError as error:
        with error:
            found = json.load(error)
        require((error.code, found.get("error")) == (400, "invalid_grant"), f"the server responded with {found}")
        return "the server refuses it: invalid_grant"
    raise StepFailed("the server accepted it")


STEPS = (login, list_configs, ping, upload, search, expire, refresh, logout, dead_token)


def run_demo(console: Console) -> bool:
    """Run all steps against a fresh sandbox; False when one failed."""
    with running_server(SandboxOptions()) as server, tempfile.TemporaryDirectory(prefix="cld-demo-") as directory:
        home = Path(directory)
        environment = sandbox_environment(server, home, oauth_only=True)
        environment["CLOUDINARY_OAUTH_REDIRECT_PORT"] = str(free_port())
        environment.setdefault("PYTHONIOENCODING", "utf-8")
        demo = Demo(server, environment, home, console)
        console.data(f"Sandbox on {server.base_url}, CLOUDINARY_HOME={home}")
        if not all(_run_step(demo, step) for step in STEPS):
            return False
    console.data(NEXT)
    return True


def _run_step(demo: Demo, step: Callable[[Demo], str]) -> bool:
    demo.number += 1
    demo.console.data(f"{demo.number}. {step.__doc__}")
    try:
        demo.console.data(f"  -> {step(demo)}")
    except (StepFailed, ValueError, KeyError, OSError, subprocess.TimeoutExpired) as error:
        demo.console.error(f"Step {demo.number} failed: {error}")
        return False
    return True


def free_port() -> int:
    """A free port of this machine."""
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])
