"""`cld sandbox demo`: logs in, works, lets the token expire, renews it, logs out, and shows what the server saw."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from cloudinary_cli.console import Console

from .runner import SandboxOptions, running_server, sandbox_environment
from .server import HOST, SandboxServer
from .text import PIXEL

NAME = "demo"
TIMEOUT = 60
NEXT = """Type this to try it yourself:
  $ cld sandbox shell --oauth
  $ cld login demo --set-default
  $ cld admin ping
  $ exit"""


class StepFailed(Exception):
    """A step did not do what it should."""


@dataclass
class Stage:
    """The server, the environment and the two streams of one demonstration."""

    server: SandboxServer
    environment: Dict[str, str]
    home: Path
    console: Console
    number: int = 0
    facts: Dict[str, Any] = field(default_factory=dict)

    def cld(self, *arguments: str) -> str:
        """Run one command as its own process and show it; its standard output.

        :raises StepFailed: when it exits with another status than 0.
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

    def ask(self, method: str, path: str, body: Optional[Dict[str, Any]] = None, form: bool = False) -> Tuple[int, Any]:
        """One request to the sandbox itself."""
        data, kind = None, "application/json"
        if body is not None:
            data = (urlencode(body) if form else json.dumps(body)).encode("utf-8")
            kind = "application/x-www-form-urlencoded" if form else kind
        request = Request(self.server.base_url + path, data=data, method=method, headers={"Content-Type": kind})
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT) as answer:
                return int(answer.status), json.load(answer)
        except HTTPError as error:
            with error:
                return int(error.code), json.load(error)

    def count(self, name: str) -> int:
        """A counter of the server."""
        return int(self.ask("GET", "/sandbox/stats")[1][name])

    def saved_url(self) -> str:
        """The saved login."""
        saved = json.loads((self.home / "config.json").read_text(encoding="utf-8"))
        return str(saved[NAME])


def require(fact: bool, problem: str) -> None:
    """Check one fact.

    :raises StepFailed: when it is not so.
    """
    if not fact:
        raise StepFailed(problem)


def login(stage: Stage) -> str:
    """Log in through the browser"""
    stage.cld("login", NAME, "--set-default")
    require(stage.count("code_exchanges") == 1, "the server exchanged no code")
    return "the browser approved, one code was exchanged"


def list_configs(stage: Stage) -> str:
    """List the saved configurations"""
    require(NAME in stage.cld("config", "-ls"), f"{NAME} is not listed")
    return f"{NAME} is saved"


def ping(stage: Stage) -> str:
    """Call the Admin API"""
    require("ok" in stage.cld("admin", "ping"), "no ok")
    return "answered with the access token"


def upload(stage: Stage) -> str:
    """Upload a picture"""
    picture = stage.home / "demo.png"
    picture.write_bytes(PIXEL)
    answer = json.loads(stage.cld("uploader", "upload", str(picture), "public_id=demo"))
    require(answer.get("public_id") == "demo", "the public ID is not demo")
    return f"{answer['bytes']} bytes, {answer['secure_url']}"


def search(stage: Stage) -> str:
    """Find it again"""
    answer = json.loads(stage.cld("search", "public_id=demo AND format=png"))
    require(answer.get("total_count") == 1, "not exactly one asset was found")
    return "one asset found"


def expire(stage: Stage) -> str:
    """Let the access token expire, then call the API again"""
    before = stage.count("refresh_exchanges")
    stage.ask("POST", "/sandbox/clock", {"offset": stage.server.settings.ttl + 60})
    require("ok" in stage.cld("admin", "ping"), "no ok")
    refreshed = stage.count("refresh_exchanges") - before
    require(refreshed == 1, f"{refreshed} refresh exchanges instead of 1")
    return "the server saw exactly one refresh exchange"


def refresh(stage: Stage) -> str:
    """Refresh by hand"""
    before = stage.count("refresh_exchanges")
    stage.cld("config", "--refresh", NAME, "--force")
    require(stage.count("refresh_exchanges") == before + 1, "the server saw no refresh")
    require(stage.count("refresh_replays") == 0, "a used refresh token was presented again")
    return "renewed, and no refresh token was ever used twice"


def logout(stage: Stage) -> str:
    """Log out"""
    tokens = parse_qs(urlsplit(stage.saved_url()).query).get("refresh_token", [])
    require(len(tokens) == 1, "the saved login has no refresh token")
    stage.facts["refresh_token"] = tokens[0]
    stage.cld("logout", NAME)
    require(stage.count("revocations") == 1, "the server saw no revocation")
    return "revoked at the server, removed here"


def dead_token(stage: Stage) -> str:
    """Try the old refresh token"""
    body = {
        "grant_type": "refresh_token",
        "refresh_token": stage.facts["refresh_token"],
        "client_id": stage.server.settings.client_id,
    }
    status, answer = stage.ask("POST", "/oauth2/token", body, form=True)
    require((status, answer.get("error")) == (400, "invalid_grant"), f"the server answered {status} {answer}")
    return "the server refuses it: invalid_grant"


STEPS: List[Callable[[Stage], str]] = [
    login,
    list_configs,
    ping,
    upload,
    search,
    expire,
    refresh,
    logout,
    dead_token,
]


def run_demo(console: Console) -> bool:
    """Run all steps against a fresh sandbox; False when one failed."""
    with running_server(SandboxOptions()) as server, tempfile.TemporaryDirectory(prefix="cld-demo-") as directory:
        home = Path(directory)
        environment = sandbox_environment(server, home, oauth_only=True)
        environment["CLOUDINARY_OAUTH_REDIRECT_PORT"] = str(free_port())
        environment.setdefault("PYTHONIOENCODING", "utf-8")
        stage = Stage(server, environment, home, console)
        console.data(f"Sandbox on {server.base_url}, CLOUDINARY_HOME={home}")
        if not all(_run_step(stage, step) for step in STEPS):
            return False
    console.data(NEXT)
    return True


def _run_step(stage: Stage, step: Callable[[Stage], str]) -> bool:
    stage.number += 1
    stage.console.data(f"{stage.number}. {step.__doc__}")
    try:
        stage.console.data(f"  -> {step(stage)}")
    except (StepFailed, ValueError, KeyError, OSError, subprocess.TimeoutExpired) as error:
        stage.console.error(f"Step {stage.number} failed: {error}")
        return False
    return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
