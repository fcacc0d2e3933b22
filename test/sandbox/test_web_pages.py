"""The sandbox's own web pages, and requests from pages of other origins, which may change nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import cloudinary.api
import cloudinary.uploader
import cloudinary.utils
import pytest
import requests

from cloudinary_cli.sandbox.consent_client import ConsentForm
from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from test.support.chromium import BROWSERS, FLAGS
from test.support.tls import TinyServer, reply

from .helpers import SCOPE, Control, OAuthClient, location_query, png, session

Options = Dict[str, Any]
FOREIGN = (
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


def signed(options: Options, **values: Any) -> Dict[str, Any]:
    """The form of a signed upload."""
    return dict(cloudinary.utils.sign_request({"timestamp": cloudinary.utils.now(), **values}, options))


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_foreign_pages_change_nothing(sandbox: SandboxServer, options: Options, headers: Dict[str, str]) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="kept", **options)
    api = f"{sandbox.base_url}/v1_1/sandbox"
    basic = (str(options["api_key"]), str(options["api_secret"]))
    upload = session().post(
        api + "/image/upload", data=signed(options), files={"file": ("a.png", png())}, headers=headers
    )
    assert upload.status_code == 403 and "another origin" in upload.text
    assert (
        session().post(api + "/image/destroy", data=signed(options, public_id="kept"), headers=headers).status_code
        == 403
    )
    deleted = session().delete(api + "/resources/image/upload?public_ids[]=kept", auth=basic, headers=headers)
    assert deleted.status_code == 403
    assert session().put(api + "/folders/a", data={"to_folder": "b"}, auth=basic, headers=headers).status_code == 403
    shift = session().post(sandbox.base_url + "/sandbox/clock", json={"offset": 9}, headers=headers)
    assert (shift.status_code, sandbox.state.clock.offset) == (403, 0.0)
    assert session().delete(sandbox.base_url + "/sandbox/requests", headers=headers).status_code == 403
    assert [item["public_id"] for item in cloudinary.api.resources(**options)["resources"]] == ["kept"]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_foreign_pages_get_no_login(sandbox: SandboxServer, headers: Dict[str, str]) -> None:
    client = OAuthClient(sandbox)
    page = client.authorize()
    client.http.headers.update(headers)
    assert client.decide(page).status_code == 403
    client.http.headers.clear()
    code = location_query(client.decide(page))["code"]
    client.http.headers.update(headers)
    assert client.exchange(code).status_code == 403
    device = session().post(
        sandbox.base_url + "/oauth2/device/auth", data={"client_id": sandbox.settings.client_id}, headers=headers
    )
    assert device.status_code == 403


def test_automatic_approval_is_for_the_users_own_requests(make_sandbox: Any) -> None:
    client = OAuthClient(make_sandbox(auto_approve=True))
    assert client.authorize().status_code == 302
    client.http.headers.update({"Sec-Fetch-Site": "cross-site"})
    shown = client.authorize()
    assert shown.status_code == 200 and "Approve" in shown.text
    client.http.headers.update({"Sec-Fetch-Site": "none"})
    assert client.authorize().status_code == 302


def test_the_consent_page_works_from_its_own_origin(sandbox: SandboxServer) -> None:
    client = OAuthClient(sandbox)
    page = client.authorize()
    client.http.headers.update({"Origin": sandbox.base_url, "Sec-Fetch-Site": "same-origin"})
    assert "code" in location_query(client.decide(page))


def test_pages_may_show_images(sandbox: SandboxServer, options: Options) -> None:
    url = cloudinary.uploader.upload(io.BytesIO(png()), public_id="shown", **options)["url"]
    for headers in FOREIGN:
        assert session().get(url, headers=headers).content == png()


def test_foreign_pages_make_the_sandbox_fetch_nothing(sandbox: SandboxServer, options: Options) -> None:
    with TinyServer(lambda handler: reply(handler, 200, png())) as service:
        cloudinary.api.create_upload_mapping("remote", template=service.url + "/", **options)
        cloudinary.api.create_upload_preset(name="open", unsigned=True, **options)
        delivery = sandbox.base_url + "/sandbox/image/upload/remote/"
        upload = sandbox.base_url + "/v1_1/sandbox/image/upload"
        form = {"file": service.url + "/form.png", "upload_preset": "open"}
        for number, headers in enumerate(FOREIGN):
            assert session().get(f"{delivery}{number}.png", headers=headers).status_code == 403
            assert session().head(f"{delivery}{number}.png", headers=headers).status_code == 403
            assert session().post(upload, data=form, headers=headers).status_code == 403
        assert service.seen == []
        assert session().get(delivery + "mine.png").content == png()
        assert session().post(upload, data=form).status_code == 200
        assert [request.path for request in service.seen] == ["/mine.png", "/form.png"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "10.0.0.1", "localhost."]
)
def test_rebound_host_names_are_refused(sandbox: SandboxServer, control: Control, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    response = session().post(sandbox.base_url + "/sandbox/clock", json={"offset": 9}, headers=headers)
    assert (response.status_code, control.stats()["clock_offset"]) == (421, 0.0)


def test_the_other_loopback_name_is_the_same_origin_only_to_itself(sandbox: SandboxServer) -> None:
    by_name = f"http://localhost:{sandbox.port}"
    clock = sandbox.base_url + "/sandbox/clock"
    headers = {"Host": by_name[len("http://") :], "Origin": by_name}
    assert session().post(clock, json={"offset": 0}, headers=headers).status_code == 200
    assert session().post(clock, json={"offset": 0}, headers={"Origin": by_name}).status_code == 403


def test_a_form_of_a_foreign_page_approves_no_login_in_chromium(
    sandbox: SandboxServer, oauth: OAuthClient, control: Control, tmp_path: Path
) -> None:
    if os.environ.get("CLD_TEST_NO_BROWSER") == "1":
        pytest.skip("CLD_TEST_NO_BROWSER=1")
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert chromium, f"install one of {', '.join(BROWSERS)}, or set CLD_TEST_NO_BROWSER=1"
    form = ConsentForm()
    form.feed(oauth.authorize().text)
    fields = {**form.fields, "decision": "approve"}
    inputs = "".join(f'<input type=hidden name="{key}" value="{html.escape(text)}">' for key, text in fields.items())
    page = tmp_path / "page.html"
    action = html.escape(f"{sandbox.base_url}{form.action}")
    page.write_text(f'<form method=post action="{action}">{inputs}</form><script>document.forms[0].submit()</script>')
    command = [chromium, *FLAGS, "--virtual-time-budget=8000", f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, timeout=90).stdout.decode("utf-8")
    assert "page of another origin" in dom and control.stats()["approvals"] == 0


class Controls(HTMLParser):
    """The visible form controls of a page, its labels and its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: Set[str] = set()
        self.labels: Set[str] = set()
        self.buttons: List[Tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ("input", "select") and values.get("type") != "hidden":
            self.ids.add(values["id"])
        elif tag == "label":
            self.labels.add(values["for"])
        elif tag == "button":
            self.buttons.append((values.get("class", ""), values.get("value", "")))


@pytest.fixture
def pages(sandbox: SandboxServer, oauth: OAuthClient) -> Dict[str, requests.Response]:
    """The consent page, the device page, and the page for typing a code."""
    http, device = session(), sandbox.base_url + "/device"
    form = {"client_id": sandbox.settings.client_id, "scope": SCOPE}
    code = http.post(sandbox.base_url + "/oauth2/device/auth", data=form).json()["user_code"]
    return {
        "consent": oauth.authorize(),
        "device": http.get(device, params={"user_code": code}),
        "code": http.get(device),
    }


def test_pages_say_in_words_what_is_approved(sandbox: SandboxServer, pages: Dict[str, requests.Response]) -> None:
    for name in ("consent", "device"):
        text = pages[name].text
        assert "<h1>Allow Cloudinary CLI to use your account?</h1>" in text and "<dd>sandbox</dd>" in text
        assert text.count("<li>") == len(SCOPE.split()) and "<li>Upload assets</li>" in text
        shown = re.sub("<[^>]*>", "", text)
        assert sandbox.settings.client_id not in shown and "asset_management" not in shown
        assert Controls(text).buttons == [("primary", "approve"), ("", "deny")]
    assert "http://127.0.0.1:45454" in pages["consent"].text


def test_pages_fit_phones_and_dark_mode_and_label_their_controls(pages: Dict[str, requests.Response]) -> None:
    for page in pages.values():
        style = page.text.partition("<style>")[2].partition("</style>")[0]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}';" in page.headers["Content-Security-Policy"]
        assert '<meta name="viewport" content="width=device-width' in page.text
        assert "@media (prefers-color-scheme: dark)" in style and "@media (max-width:" in style
        controls = Controls(page.text)
        assert controls.ids == controls.labels


def test_one_of_several_clouds_is_chosen_on_the_page(oauth: OAuthClient, control: Control) -> None:
    assert 'name="cloud" value="sandbox"' in oauth.authorize().text
    control.http.post(control.base + "/clouds", json={"cloud_name": "other"}).raise_for_status()
    page = oauth.authorize()
    assert "<option>other</option>" in page.text and Controls(page.text).ids == {"cloud"}
    token = oauth.exchange(location_query(oauth.decide(page, cloud="other"))["code"]).json()["access_token"]
    assert oauth.ping(token, "other").status_code == 200


def test_an_unknown_code_is_an_error_on_the_page_for_typing_it(sandbox: SandboxServer) -> None:
    page = session().get(sandbox.base_url + "/device", params={"user_code": "ZZZZ-ZZZZ"})
    assert page.status_code == 404 and '<p role="alert">This code does not exist' in page.text
