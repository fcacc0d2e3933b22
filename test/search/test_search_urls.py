"""`cld search --url`: signed search URLs, and their use with the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings

Run = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("in_tmp_path")

DEMO = "cloudinary://key:secret@demo"


def test_search_urls_are_https(invoke: Run) -> None:
    result = invoke("-c", DEMO, "search", "x", "-n", "3", "-u", "-sq", "-c", "CUR", "-t", "60")
    assert result.code == 0 and result.out.count("\n") == 1
    # Computed without the SDK: sha256("60" + base64({"expression":"x","max_results":3}) + "secret")
    query = "eyJleHByZXNzaW9uIjoieCIsIm1heF9yZXN1bHRzIjozfQ=="
    parts = urlsplit(result.out.strip())
    _, cloud, word, signature, ttl, sent, cursor = parts.path.split("/")
    assert (parts.scheme, parts.netloc, cloud, word) == ("https", "res.cloudinary.com", "demo", "search")
    assert (ttl, sent, cursor) == ("60", query, "CUR")
    from hashlib import sha256

    assert signature == sha256(f"60{query}secret".encode()).hexdigest()


def test_http_where_the_configuration_says_so(invoke: Run) -> None:
    assert invoke("-c", f"{DEMO}?secure=false", "search", "x", "-u").out.startswith("http://res.cloudinary.com/demo/")
    assert "/300/" in invoke("-c", DEMO, "search", "x", "-u").out


@pytest.mark.parametrize("ttl", ["0", "-1"])
def test_a_lifetime_of_zero_is_refused(invoke: Run, ttl: str) -> None:
    result = invoke("-c", DEMO, "search", "x", "-u", "-t", ttl)
    assert (result.code, result.out) == (1, "")
    assert "Invalid value for '-t'" in result.err


def test_a_login_cannot_sign(invoke: Run) -> None:
    result = invoke("-c", "cloudinary://demo?oauth_token=TOKEN", "search", "x", "-u")
    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1 and "needs an API secret" in result.err and "TOKEN" not in result.err


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(tmp_path / "sandbox")) as server:
        yield server


def test_search_and_its_url_against_the_sandbox(sandbox: SandboxServer, invoke: Run) -> None:
    settings = sandbox.settings
    keys = f"{settings.api_key}:{settings.api_secret}"
    config = f"cloudinary://{keys}@{settings.cloud_name}?upload_prefix={sandbox.base_url}"
    for name in ("one", "two"):
        Path(name).write_text(name)
        upload = invoke("-c", config, "uploader", "upload", name, f"public_id={name}", "resource_type=raw", "tags=t")
        assert upload.code == 0, upload.err
    result = invoke("-c", config, "search", "tags:t", "-s", "public_id", "asc", "-a", "resource_type", "-n", "1")
    response = json.loads(result.out)
    assert [item["public_id"] for item in response["resources"]] == ["one"]
    assert response["aggregations"] == {"resource_type": {"raw": 2}}
    url = invoke("-c", config, "search", "tags:t", "-s", "public_id", "desc", "-u").out.strip()
    with urlopen(sandbox.base_url + urlsplit(url).path) as response:
        assert [item["public_id"] for item in json.load(response)["resources"]] == ["two", "one"]
