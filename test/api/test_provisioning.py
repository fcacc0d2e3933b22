"""`cld provisioning` against a scripted API: an account is all it needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


@pytest.fixture
def account(server: CloudinaryServer) -> Dict[str, str]:
    """An environment with an account, and no cloud."""
    return {"CLOUDINARY_ACCOUNT_URL": "account://ak:as@acc-1", "CLOUDINARY_UPLOAD_PREFIX": server.url}


def test_an_account_is_enough(server: CloudinaryServer, invoke: Run, account: Dict[str, str]) -> None:
    server.reply({"users": []})
    result = invoke("provisioning", "users", "user_ids=a,b", "status=active", env=account)
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"users": []}
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/v1_1/provisioning/accounts/acc-1/users")
    assert request.query == {"ids": ["a,b"], "status": ["active"]}
    assert request.headers["authorization"] == "Basic YWs6YXM="


def test_a_broken_cloud_configuration_does_not_matter(
    server: CloudinaryServer, invoke: Run, account: Dict[str, str], config_json: Path
) -> None:
    assert invoke("provisioning", "users", env={**account, "CLOUDINARY_URL": "foo"}).code == 0
    config_json.write_text("{bad")
    assert invoke("provisioning", "users", env=account).code == 0
    assert len(server.requests) == 2


def test_the_host_follows_the_selected_cloud(server: CloudinaryServer, invoke: Run) -> None:
    env = {"CLOUDINARY_ACCOUNT_URL": "account://ak:as@acc-1"}
    assert invoke("-c", server.config_url(), "provisioning", "user", "7", env=env).code == 0
    assert server.paths() == ["GET /v1_1/provisioning/accounts/acc-1/users/7"]


def test_no_account(server: CloudinaryServer, invoke: Run) -> None:
    result = invoke("-c", server.config_url(), "provisioning", "users")
    assert (result.code, result.out) == (1, "")
    assert "CLOUDINARY_ACCOUNT_URL" in result.err
    assert result.err.count("\n") == 1
    assert server.requests == []


def test_an_invalid_account_url_names_the_variable_and_leaves_the_listing(invoke: Run) -> None:
    env = {"CLOUDINARY_ACCOUNT_URL": "http://ak:SECRET@acc"}
    result = invoke("provisioning", "users", env=env)
    assert (result.code, result.out) == (1, "")
    assert "CLOUDINARY_ACCOUNT_URL" in result.err
    assert "SECRET" not in result.err
    listing = invoke("provisioning", "-ls", env=env)
    assert (listing.code, listing.err) == (0, "")
    assert len(listing.out.splitlines()) == 25


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["create_cloud", "email=a@b.c"], "/v1_1/provisioning/clouds"),
        (["create_agent_account", "a@b.c", "fw", "llm", "goal"], "/v1_1/provisioning/agents/accounts"),
    ],
)
def test_public_calls_need_nothing(server: CloudinaryServer, invoke: Run, words: Any, path: str) -> None:
    result = invoke("provisioning", *words, env={"CLOUDINARY_UPLOAD_PREFIX": server.url})
    assert (result.code, result.err) == (0, "")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", path)
    assert request.json["email"] == "a@b.c"
    assert "authorization" not in request.headers


def test_optional_positional_arguments(server: CloudinaryServer, invoke: Run, account: Dict[str, str]) -> None:
    assert invoke("provisioning", "update_user", "u", "y", "z", env=account).code == 0
    assert server.paths() == ["PUT /v1_1/provisioning/accounts/acc-1/users/u"]
    assert {key: server.requests[0].json[key] for key in ("name", "email")} == {"name": "y", "email": "z"}


def test_a_script_says_yes_with_an_option(server: CloudinaryServer, invoke: Run, account: Dict[str, str]) -> None:
    assert invoke("provisioning", "delete_sub_account", "s", env=account).code == 1
    assert invoke("provisioning", "delete_sub_account", "s", "-F", env=account).code == 0
    assert server.paths() == ["DELETE /v1_1/provisioning/accounts/acc-1/sub_accounts/s"]
