"""Parameters of the wrong type: a 400 (for a signature a 401) in the service's format, never a 500."""

from __future__ import annotations

import io
import time
import uuid
from typing import Any, Dict

import cloudinary.search
import cloudinary.uploader
import cloudinary.utils
import pytest
import requests
from cloudinary.exceptions import BadRequest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import png, session

HUGE = "9" * 5000  # Python refuses to convert more than 4300 digits


def refused(response: requests.Response, status: int = 400) -> str:
    """The message of an error response with this status."""
    assert response.status_code == status, response.text
    message: str = response.json()["error"]["message"]
    assert response.headers["X-Cld-Error"]
    return message


@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("value", ["x", "\u00b2", "-1", "0", HUGE])
def test_pages_of_access_keys(shared_sandbox: SandboxServer, name: str, value: str) -> None:
    settings, http = shared_sandbox.settings, session()
    http.auth = (settings.provisioning_key, settings.provisioning_secret)
    base = f"{shared_sandbox.base_url}/v1_1/provisioning/accounts/{settings.account_id}/sub_accounts"
    cloud = http.post(base, json={"name": f"keys-{uuid.uuid4().hex[:8]}"}).json()["id"]
    assert f"parameter {name}" in refused(http.get(f"{base}/{cloud}/access_keys", params={name: value}))
    keys = http.get(f"{base}/{cloud}/access_keys", params={"page": "2", "page_size": "1"}).json()
    assert keys["access_keys"] == [] and keys["total"] == 1


def download(sandbox: SandboxServer, **changes: str) -> requests.Response:
    """Request a signed download. A change of `signature` is made after the signing."""
    settings = sandbox.settings
    values: Dict[str, Any] = {"public_id": "a", "timestamp": str(int(time.time())), **changes}
    signature = values.pop("signature", None)
    values["signature"] = signature or cloudinary.utils.api_sign_request(values, settings.api_secret)
    values["api_key"] = settings.api_key
    return session().get(f"{sandbox.base_url}/v1_1/sandbox/image/download", params=values)


@pytest.mark.parametrize("name", ["expires_at", "timestamp"])
@pytest.mark.parametrize("value", ["x", "1.5", "\u00b2", HUGE])
def test_times_of_a_signed_download(shared_sandbox: SandboxServer, name: str, value: str) -> None:
    assert f"parameter {name}" in refused(download(shared_sandbox, **{name: value}))


def test_signatures_that_are_not_ascii(shared_sandbox: SandboxServer) -> None:
    assert "Invalid Signature" in refused(download(shared_sandbox, signature="\u00e9"), 401)
    url = f"{shared_sandbox.base_url}/sandbox/search/\u00e9/300/e30"
    assert "Invalid search URL" in refused(session().get(url), 401)


@pytest.mark.parametrize("datasource", ["a", ["a"], {"values": ["a"]}, {"values": 1}], ids=str)
def test_entries_of_a_data_source(shared_sandbox: SandboxServer, datasource: Any) -> None:
    settings, http = shared_sandbox.settings, session()
    http.auth = (settings.api_key, settings.api_secret)
    fields, name = f"{shared_sandbox.base_url}/v1_1/sandbox/metadata_fields", uuid.uuid4().hex
    field = {"external_id": name, "type": "enum", "label": name}
    assert "parameter datasource" in refused(http.post(fields, json={**field, "datasource": datasource}))
    assert http.post(fields, json=field).status_code == 200
    assert "parameter datasource" in refused(http.put(f"{fields}/{name}", json={"datasource": datasource}))
    values = datasource["values"] if isinstance(datasource, dict) else datasource
    assert "parameter datasource" in refused(http.put(f"{fields}/{name}/datasource", json={"values": values}))


@pytest.mark.parametrize("rules", ["x", "5", '["x"]'])
def test_rules_of_access_control(shared_sandbox: SandboxServer, shared_options: Dict[str, Any], rules: str) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="ruled", **shared_options)
    settings = shared_sandbox.settings
    url = f"{shared_sandbox.base_url}/v1_1/sandbox/resources/image/upload/ruled"
    response = requests.post(url, {"access_control": rules}, auth=(settings.api_key, settings.api_secret))
    assert "parameter access_control" in refused(response)
    assert session().get(f"{shared_sandbox.base_url}/sandbox/image/upload/ruled.png").status_code == 200


@pytest.mark.parametrize("expression", ["created_at>" + "9" * 400 + "d", "aspect_ratio>" + "9" * 400 + ":1"])
def test_huge_numbers_of_a_search(shared_options: Dict[str, Any], expression: str) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="p", **shared_options)
    cloudinary.search.Search().expression(expression).execute(**shared_options)


def test_a_search_that_is_nested_too_deeply(shared_options: Dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="Query parsing error"):
        cloudinary.search.Search().expression("(" * 3000 + "a" + ")" * 3000).execute(**shared_options)


@pytest.mark.parametrize(
    "body",
    [
        {"sort_by": 1},
        {"sort_by": [{}]},
        {"sort_by": [[]]},
        {"sort_by": {"public_id": "asc"}},
        {"aggregate": True},
        {"aggregate": [[]]},
        {"aggregate": [{"type": "bytes", "ranges": 1}]},
        {"aggregate": [{"type": "bytes", "ranges": ["small"]}]},
        {"aggregate": [{"type": "bytes", "ranges": [{"from": 1}]}]},
        {"aggregate": [{"type": "bytes", "ranges": [{"key": "a", "from": "x"}]}]},
        {"max_results": {}},
        {"next_cursor": []},
        {"next_cursor": ["x"]},
        {"next_cursor": "-a"},
    ],
    ids=str,
)
def test_parts_of_a_search(shared_sandbox: SandboxServer, body: Dict[str, Any]) -> None:
    settings, http = shared_sandbox.settings, session()
    http.auth = (settings.api_key, settings.api_secret)
    url = f"{shared_sandbox.base_url}/v1_1/sandbox/resources/search"
    response = http.post(url, json=body)
    if body == {"next_cursor": []}:
        assert response.status_code == 200  # as a missing one
    else:
        assert "Invalid" in refused(response)
