"""`cld login` as a process against the sandbox, with a script as the browser."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from test.support.commands import Cld
from test.support.login_browser import browser
from test.support.sandbox_client import SandboxClient
from test.support.waiting import wait_until


def test_login_saves_a_session_without_a_secret(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    done = cld("login", env=env)
    assert done.code == 0 and done.out == "", done.err
    assert "Saved as 'sandbox'" in done.err and "default" in done.err
    content = store.load()
    assert content["__default__"] == "sandbox"
    keys = [key for key, _ in parse(content["sandbox"]).query]
    assert keys == [
        "oauth_token", "refresh_token", "issued_at", "expires_at", "region", "issuer", "upload_prefix", "oauth_base_url",
        "scopes",
    ]  # fmt: skip
    session = from_cloudinary_url(content["sandbox"])
    assert session.upload_prefix == box.url and session.oauth_base_url == box.url and session.issuer == box.url + "/"
    assert parse(content["sandbox"]).api_secret is None
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    assert session.access_token not in done.text and str(session.refresh_token) not in done.text
    authorize = parse_qs(urlsplit(next(line for line in done.err.splitlines() if "/oauth2/auth?" in line)).query)
    assert authorize["code_challenge_method"] == ["S256"] and "openid" in authorize["scope"][0]


def test_the_whole_life_of_a_login(cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore) -> None:
    """Login, ping, expiry, ping again, refresh-all, inventory, logout."""
    assert cld("login", "work", env=env).code == 0
    first = from_cloudinary_url(store.load_fresh()["work"])
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}
    assert box.stats["refresh_exchanges"] == 0
    box.call("POST", "clock", {"offset": 1000})  # the server calls the token expired
    again = cld("admin", "ping")
    assert again.code == 0 and json.loads(again.out) == {"status": "ok"}, again.err
    second = from_cloudinary_url(store.load_fresh()["work"])
    assert box.stats["refresh_exchanges"] == 1 and second.refresh_token != first.refresh_token
    assert cld("config", "--refresh-all", "--force").code == 0
    third = from_cloudinary_url(store.load_fresh()["work"])
    assert box.stats["refresh_exchanges"] == 2 and third.refresh_token != second.refresh_token
    rows = json.loads(cld("config", "-ls", "--json").out)
    assert [(row["name"], row["type"], row["default"]) for row in rows] == [("work", "oauth", True)]
    out = cld("logout", "work")
    assert out.code == 0 and "revoked" in out.err
    assert store.load_fresh() == {}
    assert not box.is_refresh_token_alive(third.refresh_token)


def test_an_environment_configuration_keeps_the_login_from_becoming_the_default(
    cld: Cld, env: Dict[str, str], store: ConfigStore
) -> None:
    done = cld("login", env={**env, "CLOUDINARY_URL": "cloudinary://k:s@elsewhere"})
    assert done.code == 0 and "__default__" not in store.load() and "cld config -d sandbox" in done.err
    assert cld("login", "--set-default", env={**env, "CLOUDINARY_URL": "cloudinary://k:s@elsewhere"}).code == 0
    assert store.load_fresh()["__default__"] == "sandbox"
    again = cld("login", env=env)
    assert "is already the default configuration" in again.err


def test_foreign_requests_do_not_end_the_login(cld: Cld, env: Dict[str, str], tmp_path: Path) -> None:
    env["BROWSER"] = browser(
        tmp_path,
        """
        import socket
        silent = socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(redirect).port))
        seen = [get(redirect + "?code=EVIL&state=bad"), get(redirect + "?error=x"), get(redirect + "?code=EVIL"),
                get(redirect.replace("/callback", "/favicon.ico")), get(redirect)]
        seen.append(get(url))
        open(sys.argv[0] + ".seen", "w").write(repr(seen))
        """,
    )
    done = cld("login", env=env)
    assert done.code == 0, done.err
    seen = tmp_path / "browser.py.seen"
    wait_until(lambda: seen.exists() and seen.read_text())
    assert seen.read_text() == "[400, 400, 400, 404, 400, 200]"


def test_denied_consent_cannot_forge_a_line(cld: Cld, env: Dict[str, str], tmp_path: Path, store: ConfigStore) -> None:
    env["BROWSER"] = browser(
        tmp_path,
        """
        evil = urllib.parse.quote("\\x1b[31mpwned\\nLogged in. Saved as x")
        get(redirect + "?state=" + state + "&error=" + evil + "&error_description=%3Cscript%3E")
        """,
    )
    done = cld("login", env=env)
    assert done.code == 1 and store.load() == {}
    assert "\x1b" not in done.text and "\nLogged in" not in done.text
    assert done.err.splitlines()[-1].startswith("error: Login failed")


@pytest.mark.parametrize("issuer", ["https://evil.example/", ""])
def test_wrong_or_missing_issuer_is_never_exchanged(
    cld: Cld, env: Dict[str, str], box: SandboxClient, tmp_path: Path, store: ConfigStore, issuer: str
) -> None:
    """RFC 9207 section 2.4: a wrong `iss` is ignored; a missing one is refused, because the server announces it."""
    env["BROWSER"] = browser(
        tmp_path,
        f"""
        class NoRedirect(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *args): return None
        try:
            urllib.request.build_opener(NoRedirect).open(url)
        except urllib.error.HTTPError as error:
            target = error.headers["Location"]
        parts = urllib.parse.urlsplit(target)
        pairs = [(k, v) for k, v in urllib.parse.parse_qsl(parts.query) if k != "iss"]
        if {issuer!r}: pairs.append(("iss", {issuer!r}))
        get(redirect + "?" + urllib.parse.urlencode(pairs))
        if {issuer!r}: get(redirect + "?error=access_denied&state=" + state)
        """,
    )
    done = cld("login", env=env)
    assert done.code == 1 and store.load() == {} and box.stats["code_exchanges"] == 0, done.err


def test_api_key_entries_are_not_overwritten(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    keys = {
        "my k": "cloudinary://a:b@k",
        "sandbox": "cloudinary://a:b@sandbox",
        "sandbox-oauth": "cloudinary://a:b@sandbox",
    }
    store.save(keys)
    done = cld("login", "my k", env=env)
    assert done.code == 1 and "cld config -rm 'my k'" in done.err and box.stats["authorization_requests"] == 0
    assert cld("login", env=env).code == 0
    content = store.load_fresh()
    assert {name: content[name] for name in keys} == keys and content["sandbox-oauth-2"].startswith(
        "cloudinary://sandbox?"
    )


def test_a_new_login_revokes_the_old_grant_after_saving_the_new_one(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    assert cld("login", env=env).code == 0
    old = from_cloudinary_url(store.load_fresh()["sandbox"])
    with store.transaction() as cfg:
        cfg["sandbox"] += "&timeout=7"
    assert cld("login", env=env).code == 0
    new = store.load_fresh()["sandbox"]
    assert parse(new).get("timeout") == "7", "the user's own setting survives"
    assert [row["form"]["token"] for row in box.requests("/oauth2/revoke")] or box.stats["revocations"] == 1
    assert not box.is_refresh_token_alive(old.refresh_token)
    assert box.is_refresh_token_alive(from_cloudinary_url(new).refresh_token)
    box.fault("/oauth2/revoke", times=None, status=500)
    done = cld("login", env=env)
    assert done.code == 0 and "Revoking the previous session failed: HTTP 500" in done.err and "Logged in." in done.err


def test_a_failed_login_keeps_the_old_session(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    assert cld("login", env=env).code == 0
    before = Path(store.path).read_bytes()
    box.fault(status=400, body={"error": "invalid_grant", "error_description": "bad code"})
    done = cld("login", env=env)
    assert done.code == 1 and "invalid_grant: bad code" in done.err
    assert Path(store.path).read_bytes() == before
    assert box.is_refresh_token_alive(from_cloudinary_url(store.load_fresh()["sandbox"]).refresh_token)


@pytest.mark.parametrize(
    "variables, named",
    [
        ({"CLOUDINARY_OAUTH_REDIRECT_PORT": "abc"}, "CLOUDINARY_OAUTH_REDIRECT_PORT"),
        ({"CLOUDINARY_OAUTH_REDIRECT_HOST": "0.0.0.0"}, "CLOUDINARY_OAUTH_REDIRECT_HOST"),
        ({"CLOUDINARY_OAUTH_BASE_URL": "http://evil.example"}, "CLOUDINARY_OAUTH_BASE_URL"),
        ({"CLOUDINARY_UPLOAD_PREFIX": "http://evil.example"}, "CLOUDINARY_UPLOAD_PREFIX"),
        ({"CLOUDINARY_REGION": "a@b/"}, "region"),
    ],
)
def test_an_invalid_setting_fails_the_login_alone_with_one_line(
    cld: Cld, env: Dict[str, str], variables: Dict[str, str], named: str
) -> None:
    done = cld("login", env={**env, **variables})
    assert done.code == 1 and named in done.err and "Traceback" not in done.err and len(done.err.splitlines()) == 1
    assert cld("--version", env=variables).code == 0
    assert cld("config", "-ls", env=variables).code == 0


def test_a_reserved_name_is_refused_before_the_browser_opens(cld: Cld, env: Dict[str, str], box: SandboxClient) -> None:
    done = cld("login", "__x__", env=env)
    assert done.code == 1 and "reserved" in done.err and box.stats["authorization_requests"] == 0


def test_a_busy_port_is_named(cld: Cld, env: Dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = cld("login", env={**env, "CLOUDINARY_OAUTH_REDIRECT_PORT": port})
    assert done.code == 1 and port in done.err and "Traceback" not in done.err


def test_no_browser_and_no_terminal_fails_at_once(cld: Cld, env: Dict[str, str]) -> None:
    done = cld("login", env={**env, "BROWSER": "/nonexistent/browser"}, timeout=20)
    assert done.code == 1 and "cld config -n" in done.err and "-c cloudinary://" in done.err


def test_ctrl_c_during_the_wait(env: Dict[str, str], tmp_path: Path) -> None:
    env = {**os.environ, **env, "BROWSER": "true"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "login"],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.PIPE,
    )
    assert process.stderr
    while "/oauth2/auth?" not in process.stderr.readline():
        pass
    # stdin is no terminal and BROWSER=true "opens" it, so it waits.
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert process.stderr.read().strip() == "Interrupted."
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", int(env["CLOUDINARY_OAUTH_REDIRECT_PORT"])))


def test_an_unwritable_home_is_reported_before_the_browser_opens(
    cld: Cld, env: Dict[str, str], box: SandboxClient, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = cld("login", env={**env, "CLOUDINARY_HOME": str(blocked / "sub")})
    assert done.code == 1 and str(blocked) in done.err and box.stats["authorization_requests"] == 0
