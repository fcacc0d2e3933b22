"""The loopback port of a login: from where it is reachable, when it is open, Ctrl-C, and the public functions."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest

from cloudinary_cli.auth.loopback_server import CallbackServer, start_callback_server, wait_for_callback
from cloudinary_cli.errors import AuthorizationDenied, ConfigError, LoginError, LoginTimeout, PortInUse
from test.support import ports
from test.support.redirect_client import GENUINE, RESPONSE, STATE, Tab, address, get, new_server, still_waiting
from test.support.waiting import wait_until


@pytest.fixture
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A free port, set as the redirect port."""
    port = ports.free_port()
    monkeypatch.setenv("CLOUDINARY_OAUTH_REDIRECT_PORT", str(port))
    return port


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


# -- the port


def test_the_redirect_uri_is_an_ip_literal() -> None:
    assert CallbackServer("127.0.0.1", 49421, STATE).redirect_uri == "http://127.0.0.1:49421/callback"
    assert CallbackServer("::1", 49421, STATE).redirect_uri == "http://[::1]:49421/callback"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "localhost", "192.168.1.1", "example.com"])
def test_no_other_host_is_accepted(host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        CallbackServer(host, 49421, STATE)


def test_not_reachable_on_another_address() -> None:
    others = {"127.0.0.2"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; only asks which address would be used
            others.add(probe.getsockname()[0])
        except OSError:
            pass
    with new_server() as server:
        port = address(server)[1]
        assert is_open(port)
        assert [host for host in others if is_open(port, host)] == []


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    for host in ("::1", "0:0:0:0:0:0:0:1"):
        with new_server(host) as server:
            # A browser writes the short form, whatever the redirect URI looked like.
            tab = Tab(server, GENUINE, host=f"[::1]:{address(server)[1]}")
            assert server.wait(5) == RESPONSE
            server.reply(True)
            assert tab.response().status == 200
            assert not is_open(address(server)[1])


def test_the_error_for_a_busy_port_says_what_to_do() -> None:
    with new_server() as server:
        port = address(server)[1]
        with pytest.raises(PortInUse) as caught:
            new_server(port=port).__enter__()
        text = str(caught.value)
        assert f"127.0.0.1:{port}" in text and "`cld login`" in text and "again" in text and "\n" not in text
        assert isinstance(caught.value.__cause__, OSError)
        assert isinstance(caught.value, RuntimeError) and isinstance(caught.value, LoginError)
        still_waiting(server)


def test_open_only_while_entered(free_port: int) -> None:
    server = new_server(port=free_port)
    assert not is_open(free_port)
    with server:
        assert is_open(free_port)
    assert not is_open(free_port)


@pytest.mark.parametrize("error", [LoginTimeout("x"), KeyboardInterrupt(), RuntimeError("x")])
def test_closed_after_any_error(free_port: int, error: BaseException) -> None:
    with pytest.raises(type(error)), new_server(port=free_port):
        raise error
    assert not is_open(free_port)


def test_the_port_can_be_bound_again_at_once(free_port: int) -> None:
    for _ in range(5):
        with new_server(port=free_port) as server:
            get(server, "/")
            still_waiting(server)


def test_leaving_closes_idle_connections_and_ends_the_threads() -> None:
    before = threading.active_count()
    with new_server() as server:
        idle = Tab(server)
        assert get(server, "/").status == 404
        assert before < threading.active_count() <= before + 3, "the server and at most one thread per connection"
    assert threading.active_count() == before
    assert idle.is_readable_within(2) and idle.response().status == 0


def test_leaving_tells_a_waiting_browser() -> None:
    with new_server() as server:
        tab = Tab(server, GENUINE)
        server.wait(5)
    response = tab.response()
    assert response.status == 503 and "<h1>Login interrupted</h1>" in response.body


def test_a_reply_just_before_leaving_arrives() -> None:
    with ThreadPoolExecutor(1) as pool:
        for _ in range(30):
            with new_server() as server:
                response = pool.submit(get, server, GENUINE)
                server.wait(5)
                server.reply(True)
            assert "<h1>Logged in</h1>" in response.result().body


# -- Ctrl-C

INTERRUPTED = """
import sys, time
from cloudinary_cli.auth.loopback_server import CallbackServer
try:
    with CallbackServer("127.0.0.1", int(sys.argv[1]), "s") as server:
        print("ready", flush=True)
        server.wait(60)
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be sent Ctrl-C alone on Windows")
def test_ctrl_c_ends_the_wait_and_frees_the_port(free_port: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(free_port)], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    with socket.create_connection(("127.0.0.1", free_port)):
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=20)
    # The wait is for 60 s. The clock is the same in all processes.
    assert float(out) - sent < 10
    with new_server(port=free_port):
        pass


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be sent Ctrl-C alone on Windows")
def test_cld_login_ends_with_130_on_ctrl_c(free_port: int, tmp_path: Path) -> None:
    # A browser that opens and then does nothing.
    child = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "login"],
        env={**os.environ, "BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=str(tmp_path),
    )
    wait_until(lambda: is_open(free_port) or child.poll() is not None)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 130, err
    assert out == b"" and b"Traceback" not in err and b"error" not in err.lower()
    with new_server(port=free_port):
        pass


# -- the functions that other code may rely on


def in_browser(redirect_uri: str, query: str) -> "Callable[[], int]":
    """Visit the redirect URI in a thread. The returned function waits for the HTTP status."""
    pool = ThreadPoolExecutor(1)
    host, _, port = redirect_uri[len("http://") : -len("/callback")].rpartition(":")

    def visit() -> int:
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            sock.sendall(f"GET /callback?{query} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            return int(sock.makefile("rb").readline().split()[1])

    return pool.submit(visit).result


def test_the_public_functions_return_code_and_state(free_port: int) -> None:
    server, redirect_uri = start_callback_server()
    assert redirect_uri == f"http://127.0.0.1:{free_port}/callback"
    status = in_browser(redirect_uri, "code=abc&state=xyz")
    assert wait_for_callback(server, 10) == ("abc", "xyz")
    assert status() == 200 and not is_open(free_port)


def test_the_public_wait_with_a_state_ignores_other_responses(free_port: int) -> None:
    server, redirect_uri = start_callback_server(STATE)
    assert in_browser(redirect_uri, "code=abc&state=xyz")() == 400
    status = in_browser(redirect_uri, f"code=abc&state={STATE}")
    assert wait_for_callback(server, 10) == ("abc", STATE)
    assert status() == 200


def test_the_public_wait_closes_the_server_after_an_error_and_a_timeout(free_port: int) -> None:
    server, redirect_uri = start_callback_server()
    status = in_browser(redirect_uri, "error=access_denied")
    with pytest.raises(AuthorizationDenied, match="access_denied"):
        wait_for_callback(server, 10)
    assert status() == 200 and not is_open(free_port)
    server, _ = start_callback_server()
    with pytest.raises(LoginTimeout):
        wait_for_callback(server, 0.05)
    assert not is_open(free_port)


def test_a_bind_error_of_the_public_function_is_a_runtime_error_with_its_cause(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)), pytest.raises(RuntimeError) as caught:
        start_callback_server()
    assert isinstance(caught.value.__cause__, OSError)
