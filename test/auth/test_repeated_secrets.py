"""A server that repeats a secret in an error: the secret reaches no message, log or attribute of the error."""

from __future__ import annotations

import json
from typing import Any, Callable, List, Tuple
from urllib.parse import quote

import pytest

from cloudinary_cli.auth import flow
from cloudinary_cli.auth.refresh import Refresher
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import TokenEndpointError
from cloudinary_cli.text import redact, without_secrets
from test.conftest import Result
from test.support.sandbox_client import SandboxClient
from test.support.tls import TinyServer, reply

SECRET = "rt_Secret/abc+def.0123456789_xyz"
Run = Callable[..., Result]

SPELLINGS = {
    "as it is": SECRET,
    "percent": quote(SECRET, safe=""),
    "percent in small letters": SECRET.replace("/", "%2f").replace("+", "%2b"),
    "percent for all characters": "".join(f"%{ord(letter):02x}" for letter in SECRET),
    "percent twice": quote(quote(SECRET, safe=""), safe=""),
    "decimal entities": "".join(f"&#{ord(letter)};" for letter in SECRET),
    "hexadecimal entities": "".join(f"&#x{ord(letter):X};" for letter in SECRET),
    "unicode escapes": "".join(f"\\u{ord(letter):04x}" for letter in SECRET),
    "byte escapes": "".join(f"\\x{ord(letter):02x}" for letter in SECRET),
    "escaped slash": SECRET.replace("/", "\\/"),
    "capital letters": SECRET.upper(),
    "the first half": SECRET[:16],
    "the last half": SECRET[16:],
}


@pytest.mark.parametrize("spelling", list(SPELLINGS))
def test_every_spelling_of_a_secret_is_masked(spelling: str) -> None:
    shown = without_secrets(f"unknown token {SPELLINGS[spelling]}, sorry", [SECRET])
    assert shown in ("unknown token ****, sorry", "unknown token ****\\/****, sorry")


def test_text_without_the_secret_stays_as_it_is() -> None:
    for text in ("100%25 of &lt;p&gt; \\u0041 \\/ a+b", "", "rt_Secr", "x" * 5000):
        assert without_secrets(text, [SECRET, "", "abc"]) == text


def raw(text: str) -> Callable[[Any], None]:
    """A server that sends this instead of an HTTP response."""

    def send(handler: Any) -> None:
        handler.wfile.write(text.encode("latin-1"))
        handler.close_connection = True

    return send


CALLS = [
    lambda url: flow.refresh(SECRET, base_url=url),
    lambda url: flow.exchange_code(SECRET, "verifier-9876543210", "http://127.0.0.1:9/callback", base_url=url),
    lambda url: flow.exchange_code("code-9876543210", SECRET, "http://127.0.0.1:9/callback", base_url=url),
    lambda url: flow.revoke(SECRET, base_url=url),
    lambda url: flow.request_tokens(url, {"grant_type": "grant", "device_code": SECRET}),
]

RESPONSES: List[Tuple[str, str]] = [
    ("status line", f"{SECRET} is unknown\r\n\r\n"),
    ("protocol", f"HTTP/{SECRET} 400\r\n\r\n"),
    ("reason", f"HTTP/1.1 400 {SECRET}\r\nContent-Length: 0\r\n\r\n"),
    ("header", f"HTTP/1.1 400 No\r\nX-Token: {SECRET}\r\nContent-Length: {SECRET}\r\n\r\n"),
    ("chunk", f"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET}\r\n"),
    ("no header", f"HTTP/1.1 400 No\r\n{SECRET}\r\n\r\n"),
    ("location", f"HTTP/1.1 302 Found\r\nLocation: https://a.example/?t={quote(SECRET)}\r\nContent-Length: 0\r\n\r\n"),
    ("encoding", f"HTTP/1.1 400 No\r\nContent-Encoding: gzip\r\nContent-Length: {len(SECRET)}\r\n\r\n{SECRET}"),
]


@pytest.mark.parametrize("call", CALLS, ids=["refresh", "code", "verifier", "revocation", "device code"])
@pytest.mark.parametrize("response", [text for _, text in RESPONSES], ids=[name for name, _ in RESPONSES])
def test_no_part_of_an_unusual_response_shows_the_secret(call: Any, response: str) -> None:
    with TinyServer(raw(response)) as server:
        with pytest.raises(TokenEndpointError) as caught:
            call(server.url)
    error = caught.value
    shown = " ".join(str(part) for part in (error, error.error, error.description, flow.oauth_error_body(error)))
    assert SECRET[:12] not in shown and "0123456789" not in shown, shown


@pytest.mark.parametrize("response", [text for _, text in RESPONSES], ids=[name for name, _ in RESPONSES])
def test_a_command_with_debug_log_shows_nothing_of_it(
    cld: Run, box: SandboxClient, store: ConfigStore, response: str
) -> None:
    with TinyServer(raw(response)) as server:
        box.save_login(store, refresh_token=SECRET, oauth_base_url=server.url)
        done = cld("-v", "DEBUG", "config", "-r", "box")
    assert done.code == 1 and SECRET[:12] not in done.text and "0123456789" not in done.text, done.text


@pytest.mark.parametrize("command", [["config", "-r", "box"], ["logout", "box"]], ids=["refresh", "logout"])
def test_an_access_token_that_the_server_repeats_is_masked(
    cld: Run, box: SandboxClient, store: ConfigStore, command: List[str]
) -> None:
    access = "opaque-access-token-0123456789"
    body = json.dumps({"error": "invalid_request", "error_description": f"not for {access}"})
    with TinyServer(lambda handler: reply(handler, 400, body)) as server:
        box.save_login(store, access_token=access, oauth_base_url=server.url)
        done = cld("-v", "DEBUG", *command)
    assert done.code == 1 and "not for ****" in done.err
    assert access not in done.text and "0123456789" not in done.text


def test_the_error_of_a_superseded_token_shows_nothing_of_it(
    box: SandboxClient, store: ConfigStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The revocation of tokens whose login was removed during the request, refused by a server that repeats them."""
    caplog.set_level("DEBUG")
    replies = [
        lambda handler: (
            store.save({}),
            reply(handler, body=json.dumps({"access_token": "at-" + SECRET, "refresh_token": SECRET})),
        ),
        lambda handler: reply(handler, 400, json.dumps({"error": f"at-{SECRET}"})),
    ]
    with TinyServer(lambda handler: replies.pop(0)(handler) and None) as server:
        box.save_login(store, oauth_base_url=server.url)
        Refresher(store).refresh("box", store.load()["box"])
    assert not replies and "superseded" in caplog.text and SECRET[:12] not in caplog.text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", ["a.", "a+", "eyJaaaa-", "eyJaaaa.", "eyJ", "a://x:y", "a://", "//x:y@", "password ", "bearer ", "a:", "é"]
)
def test_redaction_of_a_megabyte_is_fast(piece: str) -> None:
    """With quadratic patterns, each of these texts took a minute for 80 KB."""
    text = piece * (1_000_000 // len(piece))
    redact(text)


def test_redaction_still_finds_what_it_found() -> None:
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
    for before, after in (
        (jwt, "****"),
        (f"token-{jwt}!", "token-****!"),
        (f"a.b {jwt}", "a.b ****"),
        (f"x={jwt}.y", "x=****.y"),
        ("cloudinary://key:s3cret@cloud", "cloudinary://key:****@cloud"),
        ("see a+b.c://u:p@w@h/p", "see a+b.c://u:****@h/p"),
        ("cloudinary://<api_key>:<api_secret>@<cloud_name>", "cloudinary://<api_key>:<api_secret>@<cloud_name>"),
        ("http://127.0.0.1:9/x", "http://127.0.0.1:9/x"),
    ):
        assert redact(before) == after
