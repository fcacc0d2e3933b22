"""`cld login` with headless Chromium as the browser, against the sandbox: consent, denial, and an XSS attempt."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from cloudinary_cli.utils.config_utils import ConfigStore
from test.auth.test_callback_browser import BROWSERS, FLAGS, check_no_payload_ran, title_of
from test.conftest import Result
from test.fakes.ports import free_port
from test.fakes.sandbox_client import SandboxClient

# Chromium cannot be told to press a button without a driver. So the page that it opens is the consent page, fetched with
# its hidden fields, whose form submits itself: the POST, the redirects and the callback are Chromium's own.
BROWSER = """
import html, subprocess, sys, urllib.error, urllib.request
from cloudinary_cli.sandbox.browser import ConsentForm
url, kind, out = sys.argv[1], sys.argv[2], sys.argv[3]
if kind != "auto":  # what the start page sends a browser to
    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args): return None
    try:
        urllib.request.build_opener(NoRedirect).open(url)
    except urllib.error.HTTPError as error:
        url = error.headers["Location"]
server = url.split("/oauth2/")[0]
query = dict(part.split("=", 1) for part in url.partition("?")[2].split("&") if part)
if kind == "xss":
    from urllib.parse import quote, unquote
    page = unquote(query["redirect_uri"]) + "?state=" + query["state"] + "&error=" + quote({payload!r})
elif kind == "auto":
    page = url
else:
    form = ConsentForm()
    form.feed(urllib.request.urlopen(url).read().decode())
    fields = dict(form.fields, decision=kind)
    inputs = "".join('<input type=hidden name="%s" value="%s">' % (k, html.escape(v)) for k, v in fields.items())
    page = out + ".html"
    action = form.action if form.action.startswith("http") else server + form.action
    open(page, "w").write('<form method=post action="%s">%s</form><script>document.forms[0].submit()</script>' % (action, inputs))
    page = "file://" + page
chromium, flags = {chromium!r}, {flags!r}
done = subprocess.run([chromium, *flags, "--virtual-time-budget=8000", "--user-data-dir=" + out + ".profile",
                       "--screenshot=" + out + ".png", page], capture_output=True, timeout=90)
open(out + ".tmp", "wb").write(done.stdout)
import os
os.replace(out + ".tmp", out + ".dom")
"""
PAYLOAD = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"


@pytest.fixture
def manual_box(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """A sandbox that shows its consent page; with the parameter True, it approves by itself."""
    from cloudinary_cli.sandbox.server import SandboxServer
    from cloudinary_cli.sandbox.settings import SandboxSettings

    settings = SandboxSettings(data_dir=tmp_path / "data", auto_approve=getattr(request, "param", False))
    with SandboxServer(settings) as server:
        yield SandboxClient(server)


Login = Callable[[str], "tuple[Result, str]"]


@pytest.fixture
def login(manual_box: SandboxClient, home: Path, tmp_path: Path, cld: Callable[..., Result]) -> Login:
    """Log in with Chromium; (what cld did, the DOM of the last page)."""
    if os.environ.get("CLD_TEST_NO_BROWSER") == "1":
        pytest.skip("CLD_TEST_NO_BROWSER=1")
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert chromium, f"install one of {', '.join(BROWSERS)}, or set CLD_TEST_NO_BROWSER=1"
    script = tmp_path / "open.py"
    code = (
        BROWSER.replace("{payload!r}", repr(PAYLOAD))
        .replace("{chromium!r}", repr(chromium))
        .replace("{flags!r}", repr(FLAGS))
    )
    script.write_text(code)

    def run(kind: str) -> "tuple[Result, str]":
        out = tmp_path / kind
        env: Dict[str, str] = {k: v for k, v in manual_box.server.environment(home).items() if k != "CLOUDINARY_URL"}
        env["BROWSER"] = f"{sys.executable} {script} %s {kind} {out} &"
        env["CLOUDINARY_OAUTH_REDIRECT_PORT"] = str(free_port())
        done = cld("login", env=env, timeout=120)
        deadline = time.monotonic() + 60
        dom = out.with_suffix(".dom")
        while not dom.exists():
            assert time.monotonic() < deadline, done.err
            time.sleep(0.1)
        return done, dom.read_text("utf-8")

    return run


def test_consent_ends_on_the_success_page(login: Login, store: ConfigStore) -> None:
    done, dom = login("approve")
    assert done.code == 0, done.err
    assert title_of(dom) == "Logged in" or "Logged in" in dom
    assert list(store.load()) == ["sandbox", "__default__"]


@pytest.mark.parametrize("manual_box", [True], indirect=True)
def test_the_start_page_leads_chromium_through_the_whole_login(login: Login, store: ConfigStore) -> None:
    done, dom = login("auto")
    assert done.code == 0 and "Logged in" in dom, done.err


def test_denied_consent_ends_on_a_failure_page(login: Login, store: ConfigStore) -> None:
    done, dom = login("deny")
    assert done.code == 1 and "access_denied" in done.err and store.load() == {}
    assert "access_denied" in dom and "Logged in" not in dom
    check_no_payload_ran(dom)


def test_script_in_the_error_is_shown_as_text(login: Login, store: ConfigStore) -> None:
    done, dom = login("xss")
    assert done.code == 1 and store.load() == {}
    assert "&lt;script&gt;" in dom
    check_no_payload_ran(dom)
