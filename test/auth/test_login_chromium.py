"""`cld login` with headless Chromium as the browser, against the sandbox: consent, denial, and an XSS attempt."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.conftest import Result
from test.support.chromium import BROWSERS, FLAGS, check_no_payload_ran, title_of
from test.support.ports import free_port
from test.support.sandbox_client import SandboxClient

# Chromium opens the authorize URL itself. An extension presses the button of the consent page, as a user would: the POST
# with its Origin, the redirects and the callback are Chromium's own.
BROWSER = """
import json, os, subprocess, sys, urllib.error, urllib.request
from urllib.parse import parse_qs, quote, urlsplit
url, kind, out = sys.argv[1], sys.argv[2], sys.argv[3]
page = url
if kind == "xss":
    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args): return None
    try:
        urllib.request.build_opener(NoRedirect).open(url)
    except urllib.error.HTTPError as error:  # what the start page sends a browser to
        url = error.headers["Location"]
    query = parse_qs(urlsplit(url).query)
    page = query["redirect_uri"][0] + "?state=" + query["state"][0] + "&error=" + quote({payload!r})
chromium, flags = {chromium!r}, {flags!r}
os.mkdir(out + ".extension")
manifest = dict(manifest_version=3, name="clicker", version="1",
                content_scripts=[dict(matches=["http://127.0.0.1/oauth2/*"], js=["click.js"])])
open(out + ".extension/manifest.json", "w").write(json.dumps(manifest))
open(out + ".extension/click.js", "w").write("document.querySelector('button[value=%s]').click()" % kind)
done = subprocess.run([chromium, *flags, "--disable-features=DisableLoadExtensionCommandLineSwitch",
                       "--load-extension=" + out + ".extension",
                       "--virtual-time-budget=8000", "--user-data-dir=" + out + ".profile",
                       "--screenshot=" + out + ".png", page], capture_output=True, timeout=90)
open(out + ".tmp", "wb").write(done.stdout)
os.replace(out + ".tmp", out + ".dom")
"""
PAYLOAD = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"


@pytest.fixture
def manual_box(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """A sandbox that shows its consent page; with the parameter True, it approves by itself."""
    from cloudinary_cli.sandbox.sandbox_server import SandboxServer
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


def test_consent_leads_to_the_success_page(login: Login, store: ConfigStore) -> None:
    done, dom = login("approve")
    assert done.code == 0, done.err
    assert title_of(dom) == "Logged in" or "Logged in" in dom
    assert list(store.load()) == ["sandbox", "__default__"]


@pytest.mark.parametrize("manual_box", [True], indirect=True)
def test_the_start_page_leads_chromium_through_the_whole_login(login: Login, store: ConfigStore) -> None:
    done, dom = login("auto")
    assert done.code == 0 and "Logged in" in dom, done.err


def test_denied_consent_leads_to_the_failure_page(login: Login, store: ConfigStore) -> None:
    done, dom = login("deny")
    assert done.code == 1 and "access_denied" in done.err and store.load() == {}
    assert "access_denied" in dom and "Logged in" not in dom
    check_no_payload_ran(dom)


def test_script_in_the_error_is_shown_as_text(login: Login, store: ConfigStore) -> None:
    done, dom = login("xss")
    assert done.code == 1 and store.load() == {}
    assert "&lt;script&gt;" in dom
    check_no_payload_ran(dom)
