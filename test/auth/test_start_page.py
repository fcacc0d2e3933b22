"""The one-time start page, the only address of the login in the command line of the browser."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Dict
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import LoginError
from test.support.commands import Cld
from test.support.redirect_client import GENUINE, Tab, get, new_server
from test.support.sandbox_client import SandboxClient
from test.support.waiting import wait_until

AUTHORIZE = "https://oauth.example/oauth2/auth?client_id=x&state=S&code_challenge=C"
START = r"http://127\.0\.0\.1:{port}/login/[A-Za-z0-9_-]{{22}}"

# Logs its arguments, then runs the code with `start` at hand and `visit`, which follows redirects and approves.
BROWSER = """
import json, sys, urllib.error, urllib.request
from cloudinary_cli.sandbox.consent_client import visit
start = sys.argv[1]
with open({log!r}, "a") as log: log.write(json.dumps(sys.argv[1:]) + "\\n")
def note(text):
    with open({log!r} + ".notes", "a") as notes: notes.write(text + "\\n")
def fetch(address):
    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args): return None
    try:
        with urllib.request.build_opener(NoRedirect).open(address, timeout=20) as page: return page.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location") or ""
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file in which the browser logs its arguments, one list per line."""
    return tmp_path / "arguments"


def browser(log: Path, code: str) -> str:
    """A BROWSER setting that logs its arguments and runs `code`."""
    script = log.with_name("start_browser.py")
    script.write_text(BROWSER.format(log=str(log)) + code)
    return f"{sys.executable} {script} %s &"


def lines(path: Path) -> "list[str]":
    """Wait for a file that another process writes; its lines."""
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    return path.read_text().splitlines()


# -- the server


def test_the_first_request_is_redirected_to_the_authorization_server() -> None:
    with new_server() as server:
        path = urlsplit(server.start_page(AUTHORIZE)).path
        response = get(server, path)
        assert (response.status, response.header("Location")) == (302, AUTHORIZE)
        assert response.header("Cache-Control") == "no-store" and response.header("Referrer-Policy") == "no-referrer"
        tab = Tab(server, GENUINE)
        assert server.wait(5).code == "C0de"
        server.reply(True)
        assert tab.response().status == 200


def test_a_second_request_gets_no_redirect_and_ends_the_login() -> None:
    with new_server() as server:
        path = urlsplit(server.start_page(AUTHORIZE)).path
        assert get(server, path).status == 302
        response = get(server, path)
        assert response.status == 410 and response.header("Location") is None and "oauth.example" not in response.body
        with pytest.raises(LoginError, match="twice"):
            server.wait(5)


def test_a_response_is_not_accepted_after_a_second_request() -> None:
    with new_server() as server:
        path = urlsplit(server.start_page(AUTHORIZE)).path
        Tab(server, GENUINE)
        assert server.wait(5).code == "C0de"
        assert [get(server, path).status for _ in range(2)] == [302, 410]
        with pytest.raises(LoginError, match="twice"):
            server.check_start_page()


def test_other_requests_get_no_redirect_and_do_not_use_up_the_start_page() -> None:
    with new_server() as server:
        path = urlsplit(server.start_page(AUTHORIZE)).path
        for target in (
            "/login/",
            "/login",
            path[:-1],
            path + "/",
            path + "?next=https://evil.example",
            "/login/" + "A" * 22,
        ):
            response = get(server, target)
            assert response.status == 404 and response.header("Location") is None
        for method in ("HEAD", "POST"):
            assert get(server, path, method).status == 405
        assert get(server, path, host="evil.example").status == 421
        assert get(server, path).header("Location") == AUTHORIZE


def test_without_a_browser_to_start_there_is_no_start_page() -> None:
    with new_server() as server:
        assert get(server, "/login/").status == get(server, "/login/None").status == 404


# -- the command


def test_the_browsers_command_line_has_only_a_one_time_address(
    cld: Cld, login_env: Dict[str, str], log: Path, store: ConfigStore
) -> None:
    code = "note(str(visit(start)))"
    done = cld("login", env={**login_env, "BROWSER": browser(log, code)})
    assert done.code == 0, done.err
    ((argument,),) = [json.loads(line) for line in lines(log)]
    assert re.fullmatch(START.format(port=login_env["CLOUDINARY_OAUTH_REDIRECT_PORT"]), argument)
    shown = next(line for line in done.err.splitlines() if "/oauth2/auth?" in line)
    assert set(parse_qs(urlsplit(shown).query)) >= {"state", "code_challenge"}, "the whole URL, for opening by hand"
    assert argument not in done.text and lines(Path(f"{log}.notes")) == ["200"]


def test_a_start_page_that_another_program_opened_first_fails_the_login(
    cld: Cld, login_env: Dict[str, str], log: Path, store: ConfigStore, box: SandboxClient
) -> None:
    code = "note(repr([fetch(start)[0], fetch(start)]))"
    done = cld("login", env={**login_env, "BROWSER": browser(log, code)})
    assert done.code == 1 and store.load() == {}, done.err
    assert lines(Path(f"{log}.notes")) == ["[302, (410, '')]"]
    assert done.err.splitlines()[-1].startswith("error: Login failed: the login page was opened twice")
    assert "cld login --no-browser" in done.err and box.stats["code_exchanges"] == 0


@pytest.mark.parametrize("options", [[], ["--json"], ["-v", "ERROR"], ["work", "--set-default"]])
def test_every_login_says_which_cloud_it_was(cld: Cld, login_env: Dict[str, str], options: "list[str]") -> None:
    done = cld("login", *options, env=login_env)
    assert done.code == 0 and "(cloud sandbox)" in done.err, done.err
