"""The control endpoints: request log, counters, every kind of fault, clock, host check."""

from __future__ import annotations

import hashlib
import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List

import pytest
import requests

from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from test.support.waiting import wait_until

from .helpers import Control, OAuthClient, png, session

PING = "/v1_1/sandbox/ping"


def auth(server: SandboxServer) -> "tuple[str, str]":
    return server.settings.api_key, server.settings.api_secret


def ping(server: SandboxServer, **options: Any) -> requests.Response:
    return session().get(server.base_url + PING, auth=auth(server), **options)


def test_requests_are_logged(sandbox: SandboxServer, oauth: OAuthClient, control: Control) -> None:
    token = oauth.login()["access_token"]
    control.http.delete(control.base + "/requests")
    session().post(
        sandbox.base_url + "/v1_1/sandbox/image/upload?q=1&q=2",
        headers={"Authorization": f"Bearer {token}", "User-Agent": "tester/1"},
        data={"public_id": "x", "long": "y" * 5000},
        files={"file": ("a.png", png())},
    )
    session().post(sandbox.base_url + "/v1_1/sandbox/resources/search", json={"expression": "a"}, auth=auth(sandbox))
    first, second = control.requests("/v1_1/sandbox")
    assert (first["method"], first["path"], first["status"]) == ("POST", "/v1_1/sandbox/image/upload", 200)
    assert (
        first["query"] == {"q": ["1", "2"]} and first["form"]["public_id"] == "x" and len(first["form"]["long"]) < 2100
    )
    assert first["files"] == {"file": {"filename": "a.png", "bytes": len(png())}} and first["user_agent"] == "tester/1"
    assert first["authorization"] == "Bearer " + hashlib.sha256(token.encode()).hexdigest()[:12]
    assert second["json"] == {"expression": "a"} and second["authorization"].startswith("Basic ")
    assert control.requests("/v1_1/sandbox/resources") == [second]
    assert token not in str(control.requests()) and sandbox.settings.api_secret not in str(control.requests())


def test_a_fault_replaces_the_response(sandbox: SandboxServer, control: Control) -> None:
    control.fault(PING, times=2, skip=1, status=503, body={"error": {"message": "down"}}, headers={"Retry-After": "7"})
    responses = [ping(sandbox) for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 503, 503, 200]
    assert responses[1].json() == {"error": {"message": "down"}} and responses[1].headers["Retry-After"] == "7"
    assert control.stats()["admin_calls"] == 2
    assert [entry["fault"] for entry in control.requests(PING)] == [None, "respond", "respond", None]


def test_numbers_of_a_fault_may_be_text_and_headers_numbers(sandbox: SandboxServer, control: Control) -> None:
    control.fault(PING, times="1", skip="1", status="503", headers={"Retry-After": 7})
    responses = [ping(sandbox) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 503, 200]
    assert responses[1].headers["Retry-After"] == "7"


def test_a_cloud_cannot_take_the_key_of_another_one(sandbox: SandboxServer, control: Control) -> None:
    body = {"cloud_name": "other", "api_key": sandbox.settings.api_key, "api_secret": "x"}
    assert control.http.post(control.base + "/clouds", json=body).status_code == 409
    assert ping(sandbox).status_code == 200


def test_fault_with_text_delay_and_method(sandbox: SandboxServer, control: Control) -> None:
    control.fault("/v1_1", method="post", status=500)
    control.fault(PING, status=200, body="<html>", headers={"Content-Type": "text/html"}, delay=0.3, times=None)
    started = time.monotonic()
    response = ping(sandbox)
    assert response.text == "<html>" and response.headers["Content-Type"] == "text/html"
    assert time.monotonic() - started >= 0.3
    assert len(control.http.get(control.base + "/faults").json()["faults"]) == 2
    control.http.delete(control.base + "/faults")
    assert ping(sandbox).json() == {"status": "ok"}


def test_fault_fields_are_logged(sandbox: SandboxServer, control: Control) -> None:
    control.fault("/oauth2/token", status=503)
    session().post(sandbox.base_url + "/oauth2/token", data={"refresh_token": "r"})
    assert control.requests("/oauth2/token")[0]["form"] == {"refresh_token": "r"}


def test_reset_drops_the_connection(sandbox: SandboxServer, control: Control) -> None:
    control.fault(PING, mode="reset")
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    connection.request("GET", PING)
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    assert control.stats()["admin_calls"] == 0 and control.requests(PING)[0]["status"] is None
    assert ping(sandbox).status_code == 200


def test_stall_lasts_until_the_client_gives_up(sandbox: SandboxServer, control: Control) -> None:
    control.fault(PING, mode="stall")
    with pytest.raises(requests.exceptions.ReadTimeout):
        ping(sandbox, timeout=0.4)
    control.fault(PING, mode="stall", delay=0.2)
    with pytest.raises(requests.exceptions.ConnectionError):
        ping(sandbox, timeout=10)


def test_clearing_the_faults_ends_their_delays(sandbox: SandboxServer, control: Control) -> None:
    control.fault(PING, mode="after", delay=3600)
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(ping, sandbox, timeout=60)
        wait_until(lambda: control.requests(PING))
        control.http.delete(control.base + "/faults")
        assert response.result().json() == {"status": "ok"}


def test_cut_sends_half_of_the_response(sandbox: SandboxServer, control: Control) -> None:
    for fields in ({}, {"body": "0123456789"}):
        control.fault(PING, mode="cut", **fields)
        connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
        headers = requests.Request("GET", sandbox.base_url, auth=auth(sandbox)).prepare().headers
        connection.request("GET", PING, headers=dict(headers))
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
        assert caught.value.partial
    assert control.stats()["admin_calls"] == 1, "a cut with its own body does not process the request"


@pytest.mark.parametrize("fields", [{}, {"status": 502}, {"delay": 0.3}])
def test_after_processes_the_request_before_the_fault(
    sandbox: SandboxServer, oauth: OAuthClient, control: Control, fields: Dict[str, Any]
) -> None:
    token = oauth.login()["refresh_token"]
    control.fault("/oauth2/token", mode="after", **fields)
    if fields:
        assert oauth.refresh(token).status_code == fields.get("status", 200)
    else:
        with pytest.raises(requests.exceptions.ConnectionError):
            oauth.refresh(token)
    assert control.stats()["refresh_exchanges"] == 1
    assert oauth.refresh(token).status_code == 400, "the token was spent"


def test_faults_are_checked(control: Control) -> None:
    for body in ({}, {"path": "x"}, {"path": "/", "mode": "odd"}, {"path": "/", "surprise": 1}, [1]):
        assert control.http.post(control.base + "/faults", json=body).status_code == 400
    odd: List[Dict[str, Any]] = [{"times": "x"}, {"skip": "x"}, {"status": "x"}, {"status": 99}, {"headers": 5}]
    for body in [*odd, {"headers": {"A": "b\r\nC: d"}}, {"headers": {"A": "\u4e2d"}}]:
        assert control.http.post(control.base + "/faults", json={"path": "/", **body}).status_code == 400
    plain = control.http.post(control.base + "/faults", data='{"path": "/"}', headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert control.http.post(control.base + "/clock", json={"offset": "soon"}).status_code == 400


def test_the_clock_can_be_shifted(control: Control) -> None:
    control.clock(1000)
    assert control.http.get(control.base + "/clock").json()["now"] - time.time() > 990
    assert control.stats()["clock_offset"] == 1000


def test_only_loopback_hosts_are_served(sandbox: SandboxServer) -> None:
    for host in ("evil.example", f"evil.example:{sandbox.port}", "127.0.0.1.evil.example", ""):
        assert session().get(sandbox.base_url + "/sandbox/stats", headers={"Host": host}).status_code == 421
    for host in (f"localhost:{sandbox.port}", "[::1]:1", "127.0.0.1"):
        assert session().get(sandbox.base_url + "/sandbox/stats", headers={"Host": host}).status_code == 200


def test_many_keep_alive_connections(sandbox: SandboxServer) -> None:
    sessions = [session() for _ in range(100)]
    for _ in range(2):
        statuses = []
        threads = [
            threading.Thread(
                target=lambda one=one: statuses.append(one.get(sandbox.base_url + PING, auth=auth(sandbox)).status_code)
            )
            for one in sessions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 100


def test_stop_frees_the_port_even_while_stalled(sandbox: SandboxServer, control: Control) -> None:
    control.fault(PING, mode="stall")
    failed = threading.Event()

    def call() -> None:
        try:
            ping(sandbox, timeout=20)
        except requests.exceptions.ConnectionError:
            failed.set()

    caller = threading.Thread(target=call)
    caller.start()
    wait_until(lambda: control.requests(PING))
    started = time.monotonic()
    sandbox.stop()
    caller.join(20)
    assert time.monotonic() - started < 20 and failed.is_set()
    again = SandboxServer(sandbox.settings, sandbox.port)
    again.start()
    again.stop()
    again.stop()
