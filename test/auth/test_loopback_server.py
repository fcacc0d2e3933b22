"""The redirect endpoint with real sockets: the genuine response, other requests, headers, and the final page."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Iterator

import pytest

from cloudinary_cli.auth.loopback_server import AuthorizationResponse, CallbackServer
from cloudinary_cli.errors import AuthorizationDenied, LoginTimeout
from test.support.redirect_client import GENUINE, RESPONSE, STATE, Tab, address, get, new_server, still_waiting


@pytest.fixture
def server() -> Iterator[CallbackServer]:
    with new_server() as running:
        yield running


# -- the genuine response


def test_the_response_with_its_issuer(server: CallbackServer) -> None:
    tab = Tab(server, GENUINE + "&iss=https%3A%2F%2Foauth.example&scope=openid")
    assert server.wait(5) == AuthorizationResponse("C0de", STATE, "https://oauth.example")
    server.reply(True)
    assert tab.response().status == 200


def test_the_browser_gets_its_page_after_the_exchange(server: CallbackServer) -> None:
    tab = Tab(server, GENUINE)
    assert server.wait(5) == RESPONSE
    assert not tab.is_readable_within(0.3)
    server.reply(True)
    response = tab.response()
    assert response.status == 200 and "<h1>Logged in</h1>" in response.body
    server.reply(False, "too late")


def test_a_failed_exchange_is_shown_escaped(server: CallbackServer) -> None:
    tab = Tab(server, GENUINE)
    server.wait(5)
    server.reply(False, "invalid_grant: <script>alert(1)</script>\x1b[31m")
    response = tab.response()
    assert response.status == 200 and "<h1>Login failed</h1>" in response.body
    assert "invalid_grant: &lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m" in response.body


def test_a_request_in_two_pieces(server: CallbackServer) -> None:
    tab = Tab(server)
    request = f"GET {GENUINE} HTTP/1.1\r\nHost: 127.0.0.1:{address(server)[1]}\r\n\r\n".encode()
    tab.socket.sendall(request[:20])
    with pytest.raises(LoginTimeout):
        server.wait(0.1)
    tab.socket.sendall(request[20:])
    assert server.wait(5) == RESPONSE


def test_wait_may_be_called_again(server: CallbackServer) -> None:
    for _ in range(2):
        with pytest.raises(LoginTimeout, match="timed out"):
            server.wait(0.01)
    tab = Tab(server, GENUINE)
    assert server.wait(5) == server.wait(0) == RESPONSE
    tab.socket.close()


def test_the_browser_may_close_the_connection_early(server: CallbackServer) -> None:
    Tab(server, GENUINE).socket.close()
    assert server.wait(5) == RESPONSE
    server.reply(True)


def test_the_first_response_wins(server: CallbackServer) -> None:
    first = Tab(server, GENUINE)
    assert server.wait(5) == RESPONSE
    for again in (GENUINE, GENUINE.replace("C0de", "other"), f"/callback?error=access_denied&state={STATE}"):
        assert get(server, again).status == 409
    assert server.wait(0) == RESPONSE
    server.reply(True)
    assert "<h1>Logged in</h1>" in first.response().body


def test_denied_with_the_right_state_ends_the_login(server: CallbackServer) -> None:
    tab = Tab(server, f"/callback?error=access_denied&error_description=No+%3Cb%3Ethanks&state={STATE}")
    with pytest.raises(AuthorizationDenied, match="access_denied: No <b>thanks"):
        server.wait(5)
    response = tab.response()
    assert response.status == 200 and "<h1>Login failed</h1>" in response.body
    assert "access_denied: No &lt;b&gt;thanks" in response.body


def test_a_denial_cannot_write_to_the_terminal(server: CallbackServer) -> None:
    tab = Tab(server, f"/callback?error=%1b%5b31mpwned%0aLogged+in.+Saved+as+x&state={STATE}")
    with pytest.raises(AuthorizationDenied) as caught:
        server.wait(5)
    assert "\\x1b[31mpwned\\nLogged in." in str(caught.value)
    assert str(caught.value).isprintable()
    assert "\x1b" not in tab.response().body


# -- other requests

STRAYS = [
    "code=EVIL&state=bad",
    "code=EVIL",
    f"code=EVIL&state={STATE}x",
    f"code=EVIL&state={STATE}&state={STATE}",
    f"code=EVIL&code=EVIL&state={STATE}",
    f"code=EVIL&error=x&state={STATE}",
    f"state={STATE}",
    f"code=%00&state={STATE}",
    "",
]


@pytest.mark.parametrize("query", STRAYS)
def test_a_wrong_response_is_refused_and_the_wait_continues(server: CallbackServer, query: str) -> None:
    response = get(server, f"/callback?{query}")
    assert response.status == 400
    assert "EVIL" not in response.body and "Logged in" not in response.body and STATE not in response.body
    still_waiting(server)


@pytest.mark.parametrize("query", ["error=x", "error=access_denied&state=bad", f"error=a&error=b&state={STATE}"])
def test_an_error_without_the_state_does_not_end_the_login(server: CallbackServer, query: str) -> None:
    assert get(server, f"/callback?{query}").status == 400
    still_waiting(server)


@pytest.mark.parametrize("query", [f"code=EVIL&state={STATE}", f"error=access_denied&state={STATE}"])
def test_another_servers_response_is_refused(
    server: CallbackServer, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = get(server, f"/callback?{query}&iss=https://evil.example/")
    assert response.status == 400 and "another authorization server" in response.body
    assert "another authorization server" in caplog.text
    still_waiting(server)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/favicon.ico",
        "/callback/",
        "//callback",
        "/CALLBACK",
        "/callback%2f",
        "/%63allback",
        "/x/../callback",
        "/callbackx",
    ],
)
def test_other_paths_are_not_found(server: CallbackServer, path: str) -> None:
    assert get(server, f"{path}?code=C0de&state={STATE}").status == 404
    still_waiting(server)


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "PUT", "DELETE", "get"])
def test_other_methods_are_refused(server: CallbackServer, method: str) -> None:
    response = get(server, GENUINE, method)
    assert response.status == 405 and response.header("Allow") == "GET"
    assert (response.body == "") is (method == "HEAD")
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]
    still_waiting(server)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "127.1:{port}"]
)
def test_dns_rebinding_does_not_reach_the_page(server: CallbackServer, host: str) -> None:
    assert get(server, GENUINE, host=host.format(port=address(server)[1])).status == 421
    still_waiting(server)


def test_a_request_without_host_or_with_two_is_refused(server: CallbackServer) -> None:
    own = f"127.0.0.1:{address(server)[1]}"
    for fields in ("", f"Host: {own}\r\nHost: {own}\r\n"):
        tab = Tab(server)
        tab.socket.sendall(f"GET {GENUINE} HTTP/1.1\r\n{fields}\r\n".encode())
        assert tab.response().status == 400
    still_waiting(server)


def test_a_tls_handshake_gets_a_response_at_once(server: CallbackServer) -> None:
    tab = Tab(server)
    tab.socket.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    assert tab.is_readable_within(2) and tab.response().status == 400
    still_waiting(server)


def test_no_request_gets_a_redirect(server: CallbackServer) -> None:
    for target in (
        f"{GENUINE[:-1]}&redirect_uri=https://evil.example",
        "//evil.example/",
        "/?next=https://evil.example",
    ):
        response = get(server, target)
        assert (
            response.status in (400, 404) and response.header("Location") is None and response.header("Refresh") is None
        )
        assert "evil.example" not in response.body


# -- every response

POLICY = "default-src 'none'; style-src '{}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def check_headers(status: int, target: str, method: str = "GET", reply: bool = False) -> None:
    with new_server() as server:
        tab = Tab(server, target, method)
        if reply:
            server.wait(5)
            server.reply(True)
        response = tab.response()
    style = response.body.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    headers = dict(response.headers)
    date = headers.pop("Date")
    assert time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")
    assert response.status == status and len(response.headers) == len(headers) + 1
    assert headers == {
        "Server": "cld",
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(response.body.encode())),
        "Connection": "close",
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": POLICY.format(f"sha256-{digest}"),
        **({"Allow": "GET"} if status == 405 else {}),
    }


@pytest.mark.parametrize(
    ("status", "target", "method"),
    [(400, "/callback", "GET"), (404, "/", "GET"), (405, GENUINE, "POST"), (414, "/" + "a" * 9000, "GET")],
)
def test_headers_of_refusals(status: int, target: str, method: str) -> None:
    check_headers(status, target, method)


def test_headers_of_the_login_page() -> None:
    check_headers(200, GENUINE, reply=True)
