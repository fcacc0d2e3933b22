"""A claim URL comes from a server and later from a file: all of it is checked before it is opened or printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable
from urllib.parse import urlencode

import pytest

from cloudinary_cli.agent.claims import is_safe_claim_url
from test.conftest import Result
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Result]

BAD = [
    "file:///etc/passwd", "javascript:alert(1)", "-https://h/", "http://claim.example/", "https://user:pw@h/",
    "https://h/?a='", "https://h/?a=\u2019", "https://h/?a=\"", "https://h/?a=`x`", "https://h/?a=b c", "https://h/#\x1b[2J",
    "https://h/?\nError: x", "https://h/\u202e", "https://h/?a=<b>", "https://h/?\\", "https://h/?^", "https://h/?{}|", "https://",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD)
def test_an_odd_claim_url_is_neither_opened_nor_printed(
    invoke: Run, config_json: Path, tmp_path: Path, url: str
) -> None:
    query = urlencode({"claim_url": url, "expires_at": "2100-01-01T00:00:00Z"})
    config_json.write_text(json.dumps({"one": f"cloudinary://k:s@c?{query}"}))
    opened = tmp_path / "opened"
    for options in ([], ["--print"], ["--json"]):
        done = invoke("agent", "cloud", "claim", "one", *options, env={"BROWSER": f"touch {opened} %s"})
        assert (done.code, done.out) == (1, "") and done.err.startswith("error: The claim URL is not an https URL")
        assert len(done.err.splitlines()) == 1 and not opened.exists()
    assert json.loads(invoke("agent", "cloud", "list", "--json").out)[0]["claim_url"] is None


@pytest.mark.parametrize("url", ["https://claim.example/cc?token=a%20b&c=d", "http://127.0.0.1:80/x#y", "https://h"])
def test_a_usual_claim_url_passes(url: str) -> None:
    assert is_safe_claim_url(url)


def test_a_new_clouds_credentials_are_shown_without_an_odd_claim_url(cld: Run, server: CloudinaryServer) -> None:
    reply = {"cloud_name": "cc", "api_key": "1", "api_secret": "s", "claim_url": "https://h/?a=\u2019; calc"}
    server.on("POST", "", reply)
    done = cld("agent", "cloud", "create", "--claim", env={"CLOUDINARY_UPLOAD_PREFIX": server.url})
    assert done.code == 1 and "cc" in done.out and "calc" not in done.text
    assert "error: The claim URL is not an https URL" in done.err
