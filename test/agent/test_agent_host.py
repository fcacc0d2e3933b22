"""`cld agent` calls the API host of the active configuration, and saves it with the new account or cloud."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, List

import pytest

from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]
CREDENTIALS = {"cloud_name": "new", "api_key": "1", "api_secret": "s3cret"}
COMMANDS = [["signup", "a@example.com", "f", "m", "g"], ["cloud", "create"]]
ELSEWHERE = "http://127.0.0.1:9"


@pytest.fixture
def host(server: CloudinaryServer) -> CloudinaryServer:
    server.on("POST", "/agents/accounts", {"email": "a@example.com", "product_environments": [CREDENTIALS]})
    server.on("POST", "/clouds", CREDENTIALS)
    return server


def saved(config_json: Path) -> str:
    return str(json.loads(config_json.read_text())["new"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_the_host_of_the_selected_configuration_is_used(
    command: List[str], host: CloudinaryServer, invoke: Run, config_json: Path
) -> None:
    config_json.parent.mkdir(parents=True, exist_ok=True)
    config_json.write_text(json.dumps({"here": host.config_url("here")}))
    done = invoke("-C", "here", "agent", *command, env={"CLOUDINARY_UPLOAD_PREFIX": ELSEWHERE})
    assert done.code == 0, done.err
    (request,) = host.requests
    assert "authorization" not in request.headers and "key" not in request.body.decode()
    assert "upload_prefix=http" in saved(config_json) and str(host.url.rpartition(":")[2]) in saved(config_json)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_the_environment_names_the_host_where_no_configuration_does(
    command: List[str], host: CloudinaryServer, invoke: Run, config_json: Path
) -> None:
    config_json.parent.mkdir(parents=True, exist_ok=True)
    config_json.write_text(json.dumps({"here": "cloudinary://k:s@here"}))
    done = invoke("-C", "here", "agent", *command, env={"CLOUDINARY_UPLOAD_PREFIX": host.url})
    assert done.code == 0 and len(host.requests) == 1, done.err
