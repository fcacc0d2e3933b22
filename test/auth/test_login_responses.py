"""`cld login` with unusable or hostile responses of the server, and what its browser sees. Real processes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.commands import Cld
from test.support.login_browser import browser
from test.support.sandbox_client import SandboxClient
from test.support.tls import TinyServer, reply
from test.support.tokens import jwt
from test.support.waiting import wait_until

KEY = "cloudinary://a:b@c"


def token_response(**claims: Any) -> Dict[str, Any]:
    now = int(time.time())
    payload = {"iat": now, "exp": now + 300, "ext": {"cloud_name": "sandbox"}, **claims}
    return {"access_token": jwt(payload), "refresh_token": "rt_x"}


@pytest.mark.parametrize(
    "body, named",
    [
        pytest.param(token_response(iss="https://evil.example/"), "another server", id="another issuer"),
        pytest.param(
            token_response(ext={"cloud_name": "evil?upload_prefix=http://e&x=1"}), "ext.cloud_name", id="query"
        ),
        pytest.param(token_response(ext={"cloud_name": "u:p@vic"}), "ext.cloud_name", id="user"),
        pytest.param(token_response(ext={"cloud_name": "a/b"}), "ext.cloud_name", id="path"),
        pytest.param(token_response(ext={"cloud_name": "__x__"}), "begins with a letter", id="reserved"),
        pytest.param(token_response(ext={"cloud_name": "__default__"}), "begins with a letter", id="the default's key"),
        pytest.param({}, "access_token", id="empty"),
        pytest.param("[]", "JSON object", id="list"),
        pytest.param("null", "JSON object", id="null"),
        pytest.param({"access_token": None}, "access_token", id="null token"),
        pytest.param({"access_token": jwt([])}, "JWT", id="list payload"),
        pytest.param(token_response(ext="text"), "ext.cloud_name", id="text ext"),
    ],
)
@pytest.mark.parametrize("args", [[], ["named"]], ids=["derived", "named"])
def test_an_unusable_token_response_saves_nothing(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore, args: List[str], body: Any, named: str
) -> None:
    store.save({"k": KEY, "__default__": "k"})
    before = Path(store.path).read_bytes()
    box.fault(status=200, body=body)
    done = cld("login", *args, env=env)
    assert done.code == 1 and done.out == ""
    error = done.err.splitlines()[-1]
    assert error.startswith("error: Login failed: ") and named in error, done.err
    assert "Nothing was saved. Run the command again." in error
    assert "object has no" not in done.err and "indices" not in done.err and "Traceback" not in done.err
    assert Path(store.path).read_bytes() == before
    given = [body["refresh_token"]] if "refresh_token" in body else []
    assert [sent["form"]["token"] for sent in box.requests("/oauth2/revoke")] == given, "no grant is left behind"


def test_a_login_that_never_expires_can_be_shown(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    box.fault(status=200, body=token_response(exp=99999999999999999))
    assert cld("login", "big", env=env).code == 0
    for args in (["-s", "big"], ["-s", "big", "--json"], ["-ls"], []):
        done = cld("config", *args)
        assert done.code == 0 and done.err == "" and "big" in done.out


@pytest.mark.parametrize("command", [["login", "f"], ["config", "-r", "f", "-f"], ["logout", "f"]], ids=lambda c: c[0])
def test_no_token_call_of_a_command_follows_a_redirect(
    cld: Cld, env: Dict[str, str], box: SandboxClient, store: ConfigStore, command: List[str]
) -> None:
    box.save_login(store, "f", stale=False)
    with TinyServer(reply) as thief:
        for path in ("/oauth2/token", "/oauth2/revoke"):
            box.fault(path, times=None, status=307, headers={"Location": f"{thief.url}/steal"}, body="")
        done = cld(*command, env=env)
        assert thief.seen == []
    assert done.code == 1 and "HTTP 307" in done.err and "a redirect, which is not followed" in done.err


def test_the_page_that_a_browser_gets_has_its_headers(
    cld: Cld, env: Dict[str, str], tmp_path: Path, store: ConfigStore
) -> None:
    env["BROWSER"] = browser(
        tmp_path,
        """
        with urllib.request.urlopen(url) as page:
            open(sys.argv[0] + ".seen", "w").write(repr(dict(page.headers)))
        """,
    )
    assert cld("login", env=env).code == 0
    seen = tmp_path / "browser.py.seen"
    wait_until(lambda: seen.exists() and seen.read_text())
    headers = seen.read_text()
    for wanted in ("'Referrer-Policy': 'no-referrer'", "'Cache-Control': 'no-store'", "default-src 'none'", "DENY"):
        assert wanted in headers
    assert "'Content-Length'" in headers and "'Connection': 'close'" in headers


# -- the wait


def test_foreign_requests_do_not_prolong_the_login(cld: Cld, env: Dict[str, str], tmp_path: Path) -> None:
    env["BROWSER"] = browser(
        tmp_path,
        """
        while True:
            try:
                get(redirect + "?code=EVIL&state=bad")
                get(redirect.replace("/callback", "/favicon.ico"))
            except OSError:
                break
        """,
    )
    done = cld("login", "--timeout", "2", env=env, timeout=30)
    assert done.code == 1 and "within 2 s" in done.err and "again" in done.err


def test_an_unreachable_server_is_reported_as_such_by_a_device_login(cld: Cld, env: Dict[str, str]) -> None:
    done = cld("login", "--device", env={**env, "CLOUDINARY_OAUTH_BASE_URL": "http://127.0.0.1:1"})
    assert done.code == 1 and "Cannot connect to 127.0.0.1:1" in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    "body, title",
    [(None, "<h1>Logged in</h1>"), ({}, "<h1>Login failed</h1>"), ("[]", "<h1>Login failed</h1>")],
    ids=["success", "no token", "a list"],
)
def test_the_browser_shows_how_the_login_ended(
    cld: Cld, env: Dict[str, str], box: SandboxClient, tmp_path: Path, body: Any, title: str
) -> None:
    seen = tmp_path / "seen"
    env["BROWSER"] = browser(
        tmp_path,
        f"""
        page = urllib.request.urlopen(url).read().decode()
        open({str(seen)!r} + ".part", "w").write(page)
        import os
        os.replace({str(seen)!r} + ".part", {str(seen)!r})
        """,
    )
    if body is not None:
        box.fault(status=200, body=body)
    assert cld("login", env=env).code == (0 if body is None else 1)
    wait_until(seen.exists)
    assert title in seen.read_text()
