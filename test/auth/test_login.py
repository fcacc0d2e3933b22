"""`cld login` and `cld logout` as processes against the sandbox, with a stand-in browser."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Callable, Dict
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from test.conftest import Result
from test.support.sandbox_client import SandboxClient

Cld = Callable[..., Result]


@pytest.fixture
def env(login_env: Dict[str, str]) -> Dict[str, str]:
    return login_env


def browser(tmp_path: Path, code: str) -> str:
    """A BROWSER that runs `code` with `url`, the authorization URL behind the start page, and `get(url)` at hand."""
    script = tmp_path / "browser.py"
    script.write_text(
        "import sys, urllib.request, urllib.error, urllib.parse\n"
        "class Stay(urllib.request.HTTPRedirectHandler):\n"
        "    def redirect_request(self, *args): return None\n"
        "try:\n"
        "    urllib.request.build_opener(Stay).open(sys.argv[1], timeout=20)\n"
        "except urllib.error.HTTPError as error:\n"
        "    url = error.headers['Location']\n"
        "def get(address):\n"
        "    try:\n"
        "        return urllib.request.urlopen(address, timeout=20).status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code\n"
        "query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))\n"
        "redirect, state = query['redirect_uri'], query['state']\n" + textwrap.dedent(code)
    )
    return f"{sys.executable} {script} %s &"


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
    ]  # fmt: skip
    session = from_cloudinary_url(content["sandbox"])
    assert session.upload_prefix == box.url and session.oauth_base_url == box.url and session.issuer == box.url + "/"
    assert parse(content["sandbox"]).api_secret is None
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    assert session.access_token not in done.text and str(session.refresh_token) not in done.text
    authorize = parse_qs(urlsplit(next(line for line in done.err.splitlines() if "/oauth2/auth?" in line)).query)
    assert authorize["code_challenge_method"] == ["S256"] and "openid" in authorize["scope"][0]


def test_the_whole_life_of_a_login(cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore) -> None:
    """Done-when 2: login, ping, expired, ping again, refresh-all, inventory, logout."""
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
    assert "is the default configuration already" in again.err


def test_strangers_do_not_end_the_login(cld: Cld, env: Dict[str, str], tmp_path: Path) -> None:
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
    deadline = time.monotonic() + 10
    seen = tmp_path / "browser.py.seen"
    while not seen.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
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
    """RFC 9207 2.4: a wrong `iss` is ignored like a stranger; a missing one is refused, as the server promises it."""
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


def test_relogin_revokes_the_old_grant_after_the_new_one_is_stored(
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


def test_failed_relogin_keeps_the_old_session(
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
def test_bad_settings_are_one_line_and_break_nothing_else(
    cld: Cld, env: Dict[str, str], variables: Dict[str, str], named: str
) -> None:
    done = cld("login", env={**env, **variables})
    assert done.code == 1 and named in done.err and "Traceback" not in done.err and len(done.err.splitlines()) == 1
    assert cld("--version", env=variables).code == 0
    assert cld("config", "-ls", env=variables).code == 0


def test_reserved_name_is_refused_before_the_browser(cld: Cld, env: Dict[str, str], box: SandboxClient) -> None:
    done = cld("login", "__x__", env=env)
    assert done.code == 1 and "reserved" in done.err and box.stats["authorization_requests"] == 0


def test_busy_port_is_named(cld: Cld, env: Dict[str, str]) -> None:
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


def test_unwritable_home_is_met_before_the_browser(
    cld: Cld, env: Dict[str, str], box: SandboxClient, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = cld("login", env={**env, "CLOUDINARY_HOME": str(blocked / "sub")})
    assert done.code == 1 and str(blocked) in done.err and box.stats["authorization_requests"] == 0


# -- logout


def test_unknown_name_fails(cld: Cld) -> None:
    done = cld("logout", "nope")
    assert done.code == 1 and "nope" in done.err and done.out == ""


def test_logout_of_an_api_key_entry_is_refused(cld: Cld, store: ConfigStore) -> None:
    store.save({"k": "cloudinary://a:b@c", "__default__": "k"})
    for name in ("k", "__default__"):
        done = cld("logout", name)
        assert done.code == 1 and f"config -rm {name}" in done.err
    assert store.load_fresh()["k"] == "cloudinary://a:b@c"


def test_failed_revocation_is_reported_and_the_entry_still_removed(
    cld: Cld, box: SandboxClient, store: ConfigStore
) -> None:
    box.save_login(store)
    box.fault("/oauth2/revoke", times=None, status=500)
    done = cld("logout", "box")
    assert done.code == 1 and "HTTP 500" in done.err and "may stay valid" in done.err
    assert "box" not in store.load_fresh()


def test_logout_during_a_refresh_revokes_the_newest_token(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    old = box.save_login(store)
    alive = box.stats["live_grants"]
    box.fault(mode="after", delay=1.5)
    ping = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "-C", "box", "admin", "ping"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while box.stats["refresh_exchanges"] == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    done = cld("logout", "box")
    ping.wait(30)
    assert done.code == 0, done.err
    assert box.stats["live_grants"] == alive - 1 and "box" not in store.load_fresh()
    # The sandbox ends the whole grant for any of its tokens; another server may only end the token it is given.
    (revoked,) = box.requests("/oauth2/revoke")
    assert revoked["form"]["token"] not in ("", old.refresh_token)


@pytest.mark.parametrize(
    "typed, code, left",
    [("2\n", 0, ["a"]), ("\n", 0, ["a", "b"]), ("3\n", 1, ["a", "b"]), ("x\n", 1, ["a", "b"]), ("", 1, ["a", "b"])],
)
def test_logout_without_a_name_asks(
    cld: Cld, box: SandboxClient, store: ConfigStore, typed: str, code: int, left: "list[str]"
) -> None:
    box.save_login(store, "a")
    box.save_login(store, "b")
    done = cld("logout", input=typed)
    assert done.code == code and done.out == "", done.err
    assert list(store.load_fresh()) == left
    assert "1. a" in done.err and "2. b" in done.err
    if not typed:
        assert "cld logout <name>" in done.err


@pytest.mark.parametrize("typed, code, left", [("y\n", 0, 0), ("n\n", 0, 1), ("\n", 0, 1), ("", 1, 1)])
def test_logout_of_the_only_login_confirms(
    cld: Cld, box: SandboxClient, store: ConfigStore, typed: str, code: int, left: int
) -> None:
    box.save_login(store, "a")
    done = cld("logout", input=typed)
    assert done.code == code and len(store.load_fresh()) == left, done.err


def test_logout_with_nothing_saved(cld: Cld) -> None:
    assert cld("logout").code == 0
