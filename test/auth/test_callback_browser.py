"""The login's pages in a real browser: headless Chromium visits the redirect URI as it would after the consent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterator, List, Tuple
from urllib.parse import quote

import pytest

from cloudinary_cli.auth.loopback_server import CallbackServer
from cloudinary_cli.errors import AuthorizationDenied
from test.auth.redirect_client import GENUINE, STATE
from test.support.tls import TinyServer, reply

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--dump-dom",
)
# What each payload would change if it ran or were parsed as markup.
XSS = (
    "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
    "<svg onload=\"document.title='pwned'\"></svg></title></style><style>main{display:none}</style>"
)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


Visit = Callable[[str], "Future[Tuple[str, str]]"]


@pytest.fixture
def visit(tmp_path: Path, pool: ThreadPoolExecutor) -> Visit:
    """Open a URL in a new browser with a new profile; in the end (the DOM, the log)."""
    if os.environ.get("CLD_TEST_NO_BROWSER") == "1":
        pytest.skip("CLD_TEST_NO_BROWSER=1")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser, f"install one of {', '.join(BROWSERS)}, or set CLD_TEST_NO_BROWSER=1"

    def run(url: str) -> Tuple[str, str]:
        command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", url]
        done = subprocess.run(command, capture_output=True, timeout=60, cwd=str(tmp_path))
        return done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace")

    return lambda url: pool.submit(run, url)


def violations(log: str) -> List[str]:
    return [line for line in log.splitlines() if "Content Security Policy" in line]


def title_of(dom: str) -> str:
    return "".join(re.findall("<title>(.*?)</title>", dom))


def check_no_payload_ran(dom: str) -> None:
    assert "pwned" not in title_of(dom)
    assert not re.search(r"<(script|img)\b", dom)
    assert dom.count("<style>") == 1 and dom.count("<svg") == 2


def target(server: CallbackServer, path: str) -> str:
    return server.redirect_uri[: -len("/callback")] + path


def test_success_is_shown_after_the_exchange(visit: Visit) -> None:
    with CallbackServer("127.0.0.1", 0, STATE) as server:
        page = visit(target(server, GENUINE))
        server.wait(50)
        assert not page.done()
        server.reply(True)
        dom, log = page.result()
    assert title_of(dom) == "Logged in - Cloudinary CLI" and "<h1>Logged in</h1>" in dom
    assert violations(log) == []
    check_no_payload_ran(dom)


def test_denied_page_and_user_wish_15_xss_in_the_error(visit: Visit) -> None:
    with CallbackServer("127.0.0.1", 0, STATE) as server:
        query = f"error=access_denied&error_description={quote(XSS[:200])}&state={STATE}"
        page = visit(target(server, f"/callback?{query}"))
        with pytest.raises(AuthorizationDenied, match="access_denied"):
            server.wait(50)
        dom, log = page.result()
    assert title_of(dom) == "Login failed - Cloudinary CLI" and "<h1>Login failed</h1>" in dom
    assert "access_denied: &lt;script&gt;document.title='pwned'&lt;/script&gt;&lt;img" in dom
    assert violations(log) == []
    check_no_payload_ran(dom)


def test_xss_in_the_reason_of_a_failed_exchange(visit: Visit) -> None:
    with CallbackServer("127.0.0.1", 0, STATE) as server:
        page = visit(target(server, GENUINE))
        server.wait(50)
        server.reply(False, XSS)
        dom, log = page.result()
    assert title_of(dom) == "Login failed - Cloudinary CLI" and "&lt;script&gt;" in dom
    assert violations(log) == []
    check_no_payload_ran(dom)


def test_xss_in_a_stray_request_is_not_reflected(visit: Visit) -> None:
    with CallbackServer("127.0.0.1", 0, STATE) as server:
        dom, _ = visit(target(server, f"/callback?code={quote(XSS)}&state={quote(XSS)}&{quote(XSS)}")).result()
    assert title_of(dom) == "Nothing to do here - Cloudinary CLI"
    assert "pwned" not in dom
    check_no_payload_ran(dom)


def test_the_checks_above_can_fail(visit: Visit) -> None:
    """A page that is not escaped, with a policy that forbids its style: the payload runs, the log tells."""
    html = f"<!doctype html><title>x</title><style>p{{color:red}}</style><p>{XSS}</p>"
    policy = "style-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='"
    with TinyServer(
        lambda handler: reply(handler, 200, html, Content_Type="text/html", Content_Security_Policy=policy)
    ) as bad:
        dom, log = visit(bad.url).result()
    assert violations(log) and "pwned" in title_of(dom)
