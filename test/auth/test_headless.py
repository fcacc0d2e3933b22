"""`cld login` without a browser: pasted responses, tunnels, busy ports, containers, Ctrl-C. Real processes and sockets."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.conftest import Result
from test.support.commands import Cld
from test.support.ports import free_port
from test.support.sandbox_client import SandboxClient, redirect_of
from test.support.terminal import Terminal

posix = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")


@pytest.fixture
def env(login_env: Dict[str, str]) -> Dict[str, str]:
    """The variables of a login against the sandbox, without a browser."""
    return {**login_env, "BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}


class Login:
    """`cld login` with pipes: its stderr is read line by line, lines are written to its stdin."""

    def __init__(self, *args: str, env: Dict[str, str]) -> None:
        self.lines: List[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "login", *args],
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read_until(self, wanted: str) -> str:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if wanted in line:
                return line.strip()
        raise AssertionError(f"never said {wanted!r}: {self.lines}")

    def paste(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self) -> Result:
        out, err = self.process.communicate(timeout=60)
        return Result(self.process.returncode, out, "\n".join(self.lines) + "\n" + err)


@pytest.fixture
def start() -> Iterator[Callable[..., Login]]:
    started: List[Login] = []

    def make(*args: str, env: Dict[str, str]) -> Login:
        started.append(Login(*args, env=env))
        return started[-1]

    yield make
    for login in started:
        login.process.kill()
        login.process.communicate()


def test_login_by_paste(start: Callable[..., Login], env: Dict[str, str], store: ConfigStore) -> None:
    login = start("--no-browser", "--json", env=env)
    url = login.read_until("/oauth2/auth?")
    assert login.lines[-1] == url, "the URL stands alone on its line"
    login.paste("")
    login.paste("nonsense")
    login.read_until("not the response")
    login.paste(url)
    login.read_until("address to open")
    address = redirect_of(url)
    login.paste(address.replace("state=", "state=x"))
    login.read_until("does not belong to this login")
    login.paste(address)
    done = login.end()
    assert done.code == 0, done.err
    scopes = "openid offline_access asset_management upload"
    assert json.loads(done.out) == {"name": "sandbox", "cloud_name": "sandbox", "default": "made", "scopes": scopes}
    assert "sandbox" in store.load_fresh()


def test_the_query_alone_is_enough(start: Callable[..., Login], env: Dict[str, str], store: ConfigStore) -> None:
    login = start("--no-browser", env=env)
    login.paste(urlsplit(redirect_of(login.read_until("/oauth2/auth?"))).query)
    done = login.end()
    assert done.code == 0 and done.out == "" and "sandbox" in store.load_fresh(), done.err


def test_a_redirect_ends_the_wait_for_a_pasted_response(
    start: Callable[..., Login], env: Dict[str, str], store: ConfigStore
) -> None:
    login = start("--no-browser", env=env)
    address = redirect_of(login.read_until("/oauth2/auth?"))
    with urllib.request.urlopen(address) as page:  # as through a tunnel
        assert page.status == 200 and "Logged in" in page.read().decode()
    assert login.end().code == 0 and "sandbox" in store.load_fresh()


def test_a_pasted_response_of_another_issuer_or_without_one_is_not_exchanged(
    start: Callable[..., Login], env: Dict[str, str], box: SandboxClient
) -> None:
    login = start("--no-browser", env=env)
    address = redirect_of(login.read_until("/oauth2/auth?"))
    query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    login.paste(f"code={query['code']}&state={query['state']}&iss=https://evil.example/")
    login.read_until("another authorization server")
    login.paste(f"code={query['code']}&state={query['state']}")
    done = login.end()
    assert done.code == 1 and "no 'iss'" in done.err and box.stats["code_exchanges"] == 0


def test_a_pasted_error_response_ends_the_login(start: Callable[..., Login], env: Dict[str, str]) -> None:
    login = start("--no-browser", env=env)
    state = parse_qs(urlsplit(login.read_until("/oauth2/auth?")).query)["state"][0]
    login.paste(f"error=access_denied&state={state}")
    done = login.end()
    assert done.code == 1 and done.err.count("error: ") == 1
    assert (
        "Login failed: You denied the login in the browser. Run the command again to retry (access_denied)." in done.err
    )


@pytest.fixture
def taken_port(env: Dict[str, str]) -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env["CLOUDINARY_OAUTH_REDIRECT_PORT"] = str(taken.getsockname()[1])
        yield env["CLOUDINARY_OAUTH_REDIRECT_PORT"]


def test_a_busy_port_does_not_stop_a_login_by_paste(
    start: Callable[..., Login], env: Dict[str, str], store: ConfigStore, taken_port: str
) -> None:
    login = start("--no-browser", env=env)
    login.read_until(f"Port {taken_port} is in use")
    login.paste(redirect_of(login.read_until("/oauth2/auth?")))
    assert login.end().code == 0 and "sandbox" in store.load_fresh()


def test_a_busy_port_without_input_fails_at_once(cld: Cld, env: Dict[str, str], taken_port: str) -> None:
    done = cld("login", "--no-browser", env=env)
    assert done.code == 1 and "input ended" in done.err


def test_a_busy_port_is_named_with_what_to_type(cld: Cld, env: Dict[str, str], taken_port: str) -> None:
    done = cld("login", "--browser", env=env)
    assert done.code == 1 and taken_port in done.err and "--port" in done.err and "cld login --no-browser" in done.err


def test_another_port_can_be_given(cld: Cld, env: Dict[str, str], box: SandboxClient, taken_port: str) -> None:
    port = str(free_port())
    done = cld("login", "--port", port, env={**env, "BROWSER": box.server.environment(Path("x"))["BROWSER"]})
    assert done.code == 0, done.err
    assert f"127.0.0.1%3A{port}%2Fcallback" in done.err
    for bad in ("0", "65536", "x"):
        assert cld("login", "--port", bad, env=env).code == 1


def test_the_user_can_set_the_timeout(cld: Cld, env: Dict[str, str]) -> None:
    done = cld("login", "--no-browser", "--timeout", "1", env=env)
    assert done.code == 1 and "within 1 s" in done.err
    assert cld("login", "--timeout", "0", env=env).code == 1


@pytest.mark.parametrize(
    "variables, reason",
    [
        ({"SSH_CONNECTION": "10.0.0.1 5000 10.0.0.2 22"}, "This is an SSH session"),
        ({"container": "podman"}, "This is a container"),
        ({"CLOUDINARY_NO_BROWSER": "1"}, "CLOUDINARY_NO_BROWSER is set"),
    ],
)
def test_without_a_browser_and_a_terminal_a_login_fails_at_once(
    cld: Cld, env: Dict[str, str], box: SandboxClient, variables: Dict[str, str], reason: str
) -> None:
    done = cld("login", env={**env, **variables})
    assert done.code == 1 and reason in done.err and "cld login --no-browser" in done.err and "-c cloud" in done.err
    assert box.stats["authorization_requests"] == 0


def test_the_variable_disables_the_browser_for_every_login(
    start: Callable[..., Login], env: Dict[str, str], store: ConfigStore, tmp_path: Path
) -> None:
    trap = f"touch {tmp_path}/opened"
    login = start(env={**env, "CLOUDINARY_NO_BROWSER": "1", "BROWSER": trap})
    login.paste(redirect_of(login.read_until("/oauth2/auth?")))
    assert login.end().code == 0 and not (tmp_path / "opened").exists()


def test_a_chosen_browser_is_opened_over_ssh_and_in_a_container(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    chosen = box.server.environment(Path("x"))["BROWSER"]
    variables = {"BROWSER": chosen, "SSH_CONNECTION": "a 1 b 2", "container": "docker"}
    assert cld("login", env={**env, **variables}).code == 0 and "sandbox" in store.load_fresh()


@posix
def test_a_login_over_ssh_prints_the_command_for_a_tunnel(env: Dict[str, str], store: ConfigStore) -> None:
    ssh = {"SSH_CONNECTION": "10.0.0.1 5000 10.0.0.2 22", "USER": "ann"}
    with Terminal.cld("login", env={**env, **ssh}) as terminal:
        url = next(line for line in terminal.expect("code_challenge_method=S256\r\n").splitlines() if "://" in line)
        port = env["CLOUDINARY_OAUTH_REDIRECT_PORT"]
        terminal.expect(f"\nssh -L {port}:127.0.0.1:{port} ann@10.0.0.2\r\n")
        terminal.expect("paste that address here")
        terminal.type(redirect_of(url))
        assert terminal.wait() == 0 and "This is an SSH session" in terminal.text, terminal.text
    assert "sandbox" in store.load_fresh()


@posix
def test_a_response_can_be_pasted_after_the_browser_failed(env: Dict[str, str], store: ConfigStore) -> None:
    with Terminal.cld("login", env={**env, "BROWSER": "false"}) as terminal:
        url = next(line for line in terminal.expect("code_challenge_method=S256\r\n").splitlines() if "://" in line)
        terminal.expect("No browser could be opened here")
        terminal.expect("paste that address here")
        terminal.type(redirect_of(url))
        assert terminal.wait() == 0
    assert "sandbox" in store.load_fresh()


@posix
def test_a_code_for_another_device_is_offered_instead(env: Dict[str, str], store: ConfigStore) -> None:
    with Terminal.cld("login", env={**env, "container": "podman"}) as terminal:
        terminal.expect("Or type 'device'")
        terminal.type("device")
        terminal.expect("enter the code")
        assert terminal.wait() == 0  # the sandbox approves by itself
    assert "sandbox" in store.load_fresh()


@posix
@pytest.mark.parametrize("args", [["--no-browser"], ["--browser"], ["--device"]])
def test_ctrl_c_ends_the_wait_and_frees_the_port(env: Dict[str, str], box: SandboxClient, args: List[str]) -> None:
    box.fault("/oauth2/token", times=None, status=400, body={"error": "authorization_pending"})
    with Terminal.cld("login", *args, env={**env, "BROWSER": "true"}) as terminal:
        terminal.expect("Waiting;" if args == ["--device"] else "code_challenge_method=S256\r\n")
        terminal.press("\x03")
        assert terminal.wait() == 130 and terminal.text.endswith("Interrupted.\n")
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", int(env["CLOUDINARY_OAUTH_REDIRECT_PORT"])))


@posix
def test_a_redirect_is_accepted_after_the_end_of_input(env: Dict[str, str]) -> None:
    with Terminal.cld("login", "--no-browser", env=env) as terminal:
        url = next(line for line in terminal.expect("code_challenge_method=S256\r\n").splitlines() if "://" in line)
        terminal.expect("paste that address here")
        terminal.press("\x04")
        terminal.expect("still waiting")
        urllib.request.urlopen(redirect_of(url)).close()
        assert terminal.wait() == 0


def test_a_failed_login_prints_no_json(cld: Cld, env: Dict[str, str]) -> None:
    done = cld("login", "--json", "--device", "--no-browser", env=env)
    assert done.code == 1 and done.out == "" and "--device needs no browser" in done.err


def test_public_login_function_opens_and_waits(box: SandboxClient, env: Dict[str, str], monkeypatch: Any) -> None:
    """auth.login() returns (name, default status)."""
    from cloudinary_cli import auth

    for name, value in {**env, "BROWSER": box.server.environment(Path("x"))["BROWSER"]}.items():
        monkeypatch.setenv(name, value)
    assert auth.login(name="called") == ("called", "made")
