"""`cld login` and what may go wrong around it: odd and hostile answers, regions, files that cannot be written.

Real processes against the sandbox, whose faults stand for a server that answers oddly. Rows of spec/login.md.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import replace_query
from test.auth.test_login import browser
from test.auth.test_session import jwt
from test.conftest import Result
from test.support.sandbox_client import SandboxClient
from test.support.tls import TinyServer, reply

Cld = Callable[..., Result]
KEY = "cloudinary://a:b@c"
posix = pytest.mark.skipif(os.name != "posix", reason="links of POSIX")


@pytest.fixture
def env(login_env: Dict[str, str]) -> Dict[str, str]:
    return login_env


def answer(**claims: Any) -> Dict[str, Any]:
    now = int(time.time())
    payload = {"iat": now, "exp": now + 300, "ext": {"cloud_name": "sandbox"}, **claims}
    return {"access_token": jwt(payload), "refresh_token": "rt_x"}


# -- what the token endpoint answers


@pytest.mark.parametrize(
    "body, named",
    [
        pytest.param(answer(iss="https://evil.example/"), "another server", id="l6 another issuer"),
        pytest.param(answer(ext={"cloud_name": "evil?upload_prefix=http://e&x=1"}), "ext.cloud_name", id="l9 query"),
        pytest.param(answer(ext={"cloud_name": "u:p@vic"}), "ext.cloud_name", id="l9 user"),
        pytest.param(answer(ext={"cloud_name": "a/b"}), "ext.cloud_name", id="l9 path"),
        pytest.param(answer(ext={"cloud_name": "__x__"}), "begins with a letter", id="l10 reserved"),
        pytest.param(answer(ext={"cloud_name": "__default__"}), "begins with a letter", id="l10 the default's key"),
        pytest.param({}, "access_token", id="l13 empty"),
        pytest.param("[]", "JSON object", id="l13 list"),
        pytest.param("null", "JSON object", id="l13 null"),
        pytest.param({"access_token": None}, "access_token", id="l13 null token"),
        pytest.param({"access_token": jwt([])}, "JWT", id="l13 list payload"),
        pytest.param(answer(ext="text"), "ext.cloud_name", id="l13 text ext"),
    ],
)
@pytest.mark.parametrize("args", [[], ["named"]], ids=["derived", "named"])
def test_an_unusable_answer_saves_nothing(
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
    box.fault(status=200, body=answer(exp=99999999999999999))
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
    deadline = time.monotonic() + 10
    while not (seen.exists() and seen.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    headers = seen.read_text()
    for wanted in ("'Referrer-Policy': 'no-referrer'", "'Cache-Control': 'no-store'", "default-src 'none'", "DENY"):
        assert wanted in headers
    assert "'Content-Length'" in headers and "'Connection': 'close'" in headers


# -- the wait


def test_a_stream_of_strays_does_not_prolong_a_login(cld: Cld, env: Dict[str, str], tmp_path: Path) -> None:
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


# -- the region


@pytest.fixture
def port() -> Iterator[Any]:
    """A listening socket that nobody should connect to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener


def is_visited(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_a_region_that_names_another_host_is_refused(
    cld: Cld, env: Dict[str, str], store: ConfigStore, tmp_path: Path, port: socket.socket
) -> None:
    opened = tmp_path / "opened"
    plain = {name: value for name, value in env.items() if "BASE_URL" not in name and "PREFIX" not in name}
    region = f"api-abc@127.0.0.1:{port.getsockname()[1]}/"
    done = cld("login", "inj", "--region", region, env={**plain, "BROWSER": f"touch {opened}"})
    assert done.code == 1 and "Invalid region" in done.err and "for example: eu" in done.err
    assert "/oauth2/" not in done.err and not opened.exists() and store.load() == {} and not is_visited(port)


@pytest.mark.parametrize("command", [["config", "-r", "inj", "-f"], ["-C", "inj", "admin", "ping"], ["logout", "inj"]])
def test_a_saved_region_that_names_another_host_gets_no_token(
    cld: Cld, box: SandboxClient, store: ConfigStore, port: socket.socket, command: List[str]
) -> None:
    box.save_login(store, "inj")
    region = f"api-abc@127.0.0.1:{port.getsockname()[1]}/"
    with store.transaction() as cfg:
        cfg["inj"] = replace_query(cfg["inj"], {"oauth_base_url": None, "region": region})
    done = cld(*command)
    # The ping goes on with the access token that there is, which the server still takes.
    assert done.code == (0 if "ping" in command else 1) and "Invalid region" in done.err
    assert not is_visited(port)


@pytest.mark.parametrize(
    "given, name, region", [(" EU ", "sandbox-eu", "api-eu"), ("apix", "sandbox-apix", "api-apix")]
)
def test_the_derived_name_of_a_region(
    cld: Cld, env: Dict[str, str], store: ConfigStore, given: str, name: str, region: str
) -> None:
    done = cld("login", "--region", given, env=env)
    assert done.code == 0 and f"Saved as '{name}'" in done.err
    assert from_cloudinary_url(store.load()[name]).region == region


# -- the settings of the client


@pytest.mark.parametrize("value", ["abc", "0"])
def test_a_bad_port_stops_the_login_alone(cld: Cld, env: Dict[str, str], value: str) -> None:
    bad = {**env, "CLOUDINARY_OAUTH_REDIRECT_PORT": value}
    done = cld("login", env=bad)
    assert done.code == 1 and done.err.count("\n") == 1 and "port number from 1 to 65535" in done.err
    for args in (["--version"], ["--help"], ["config", "-ls"], ["logout"]):
        assert cld(*args, env=bad).code == 0


def test_empty_settings_are_the_defaults(cld: Cld, env: Dict[str, str]) -> None:
    names = ("CLIENT_ID", "SCOPES", "REDIRECT_HOST", "REDIRECT_PORT")
    empty = {f"CLOUDINARY_OAUTH_{name}": "" for name in names}
    done = cld("login", "--no-browser", "--timeout", "1", env={**env, **empty})
    assert done.code == 1 and "client_id=a920ea9c-531b-4613-9783-1d4f4cc10655&" in done.err
    assert "scope=openid+offline_access+asset_management+upload&" in done.err
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A49421%2Fcallback&" in done.err


def test_another_redirect_host_is_not_listened_on(cld: Cld, env: Dict[str, str], box: SandboxClient) -> None:
    done = cld("login", env={**env, "CLOUDINARY_OAUTH_REDIRECT_HOST": "0.0.0.0"})
    assert done.code == 1 and "must be a loopback IP address, such as 127.0.0.1" in done.err
    assert "/oauth2/" not in done.err and box.stats["authorization_requests"] == 0


# -- the file


@posix
@pytest.mark.parametrize("obstacle", ["a linked lock", "a byte order mark", "a broken file", "an empty file"])
def test_a_file_that_cannot_be_written_is_met_before_the_browser(
    cld: Cld, env: Dict[str, str], box: SandboxClient, config_json: Path, obstacle: str
) -> None:
    if obstacle == "a linked lock":
        os.symlink("victim", f"{config_json}.lock")
    else:
        data = {"a byte order mark": b"\xef\xbb\xbf{}", "a broken file": b"{", "an empty file": b""}[obstacle]
        config_json.write_bytes(data)
    done = cld("login", env=env)
    assert done.code == 1 and str(config_json) in done.err.splitlines()[-1]
    assert box.stats["authorization_requests"] == 0 and "/oauth2/" not in done.err


def test_a_bad_default_does_not_stop_a_login(cld: Cld, env: Dict[str, str], store: ConfigStore) -> None:
    store.save({"a": "garbage", "__default__": "a"})
    assert cld("login", "fresh", "--set-default", env=env).code == 0
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}
    assert cld("logout", "fresh").code == 0
    assert store.load_fresh()["a"] == "garbage"


def test_an_api_key_entry_that_appears_during_the_login_is_kept(
    env: Dict[str, str], box: SandboxClient, store: ConfigStore
) -> None:
    alive = box.stats["live_grants"]
    box.fault(mode="after", delay=1.5)
    login = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "login", "k"],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not box.stats["code_exchanges"] and time.monotonic() < deadline:
        time.sleep(0.02)
    store.save({"k": KEY})
    err: Optional[str] = login.communicate(timeout=30)[1]
    assert login.returncode == 1 and "'k' is a saved API-key configuration" in str(err)
    assert store.load_fresh() == {"k": KEY}
    assert box.stats["live_grants"] == alive, "the grant that could not be saved was revoked"


# -- which configuration the next command uses


def test_a_variable_that_shadows_the_fresh_login_is_said(cld: Cld, env: Dict[str, str], store: ConfigStore) -> None:
    store.save({"other": KEY})
    shadowed = {**env, "CLOUDINARY_CONFIG_NAME": "other"}
    done = cld("login", "fresh", "--set-default", env=shadowed)
    assert done.code == 0 and "warning: CLOUDINARY_CONFIG_NAME is 'other' in this shell" in done.err
    assert "cld -C fresh <command>" in done.err and store.load_fresh()["__default__"] == "fresh"
    done = cld("login", "other2", env={**env, "CLOUDINARY_CONFIG_NAME": "other2"})
    assert done.code == 0 and "warning" not in done.err


def test_a_command_without_a_configuration_ends_at_once_and_names_the_variable(
    cld: Cld, box: SandboxClient, env: Dict[str, str], store: ConfigStore
) -> None:
    done = cld("admin", "ping", env=env, timeout=20)
    assert done.code == 1 and done.out == "" and "CLOUDINARY_URL=cloudinary://<api_key>" in done.err
    store.save({"a": KEY, "b": KEY})
    done = cld("admin", "ping", env=env, timeout=20)
    assert done.code == 1 and "export CLOUDINARY_CONFIG_NAME=<name>" in done.err and "cld -C <name>" in done.err
    assert box.stats["authorization_requests"] == 0 and "/oauth2/" not in done.err


def test_a_server_that_is_down_is_not_said_to_have_no_codes(cld: Cld, env: Dict[str, str]) -> None:
    done = cld("login", "--device", env={**env, "CLOUDINARY_OAUTH_BASE_URL": "http://127.0.0.1:1"})
    assert done.code == 1 and "Cannot connect to 127.0.0.1:1" in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    "body, title",
    [(None, "<h1>Logged in</h1>"), ({}, "<h1>Login failed</h1>"), ("[]", "<h1>Login failed</h1>")],
    ids=["success", "no token", "a list"],
)
def test_the_browser_hears_how_it_ended(
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
    deadline = time.monotonic() + 10
    while not seen.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert title in seen.read_text()
