"""The Provisioning API, with the SDK as its client."""

from __future__ import annotations

import io
from typing import Any, Dict, List

import cloudinary.api
import cloudinary.provisioning
import cloudinary.uploader
import pytest
from cloudinary.exceptions import AlreadyExists, AuthorizationRequired, BadRequest, NotFound

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import Control, png, session

Options = Dict[str, Any]


@pytest.fixture
def account(sandbox: SandboxServer) -> Options:
    """SDK options for the account."""
    settings = sandbox.settings
    return {
        "account_id": settings.account_id,
        "provisioning_api_key": settings.provisioning_key,
        "provisioning_api_secret": settings.provisioning_secret,
        "upload_prefix": sandbox.base_url,
    }


def test_provisioning_credentials_are_checked(account: Options) -> None:
    assert cloudinary.provisioning.users(**account) == {"users": []}
    for name in ("account_id", "provisioning_api_key", "provisioning_api_secret"):
        with pytest.raises(AuthorizationRequired):
            cloudinary.provisioning.users(**{**account, name: "wrong"})


def test_sub_account_is_a_working_cloud(sandbox: SandboxServer, account: Options) -> None:
    created = cloudinary.provisioning.create_sub_account("My Cloud", **account)
    assert created["cloud_name"] == "my-cloud" and created["enabled"] is True
    key = created["api_access_keys"][0]
    options = {
        "cloud_name": "my-cloud",
        "api_key": key["key"],
        "api_secret": key["secret"],
        "upload_prefix": sandbox.base_url,
    }
    assert cloudinary.uploader.upload(io.BytesIO(png()), **options)["bytes"]
    with pytest.raises(AlreadyExists):
        cloudinary.provisioning.create_sub_account("x", cloud_name="my-cloud", **account)
    cloudinary.provisioning.update_sub_account(created["id"], name="New", **account)
    assert cloudinary.provisioning.sub_accounts(prefix="ne", **account)["sub_accounts"][0]["id"] == created["id"]
    cloudinary.provisioning.delete_sub_account(created["id"], **account)
    with pytest.raises(AuthorizationRequired):
        cloudinary.api.ping(**options)
    with pytest.raises(NotFound):
        cloudinary.provisioning.sub_account(created["id"], **account)


def test_access_keys(sandbox: SandboxServer, account: Options) -> None:
    sub_id = cloudinary.provisioning.create_sub_account("keys", **account)["id"]
    created = cloudinary.provisioning.generate_access_key(sub_id, name="second", enabled=True, **account)
    options = {"cloud_name": "keys", "upload_prefix": sandbox.base_url}
    options.update({name: created[name] for name in ("api_key", "api_secret")})
    assert cloudinary.api.ping(**options)["status"] == "ok"
    cloudinary.provisioning.update_access_key(sub_id, created["api_key"], enabled=False, **account)
    with pytest.raises(AuthorizationRequired, match="disabled"):
        cloudinary.api.ping(**options)
    assert cloudinary.provisioning.access_keys(sub_id, **account)["total"] == 2
    cloudinary.provisioning.delete_access_key(sub_id, created["api_key"], **account)
    assert cloudinary.provisioning.access_keys(sub_id, **account)["total"] == 1


def test_users_and_groups(account: Options) -> None:
    user = cloudinary.provisioning.create_user("Ann", "ann@example.com", "admin", **account)
    with pytest.raises(AlreadyExists):
        cloudinary.provisioning.create_user("Ann", "ANN@example.com", "admin", **account)
    cloudinary.provisioning.update_user(user["id"], name="Anna", **account)
    assert cloudinary.provisioning.user(user["id"], **account)["name"] == "Anna"
    group = cloudinary.provisioning.create_user_group("crew", **account)
    cloudinary.provisioning.add_user_to_group(group["id"], user["id"], **account)
    assert cloudinary.provisioning.user_in_user_groups(user["id"], **account)["groups"][0]["name"] == "crew"
    assert cloudinary.provisioning.user_groups(**account)["user_groups"][0]["users"] == 1
    assert cloudinary.provisioning.remove_user_from_group(group["id"], user["id"], **account)["users"] == []
    cloudinary.provisioning.update_user_group(group["id"], "team", **account)
    cloudinary.provisioning.delete_user_group(group["id"], **account)
    cloudinary.provisioning.delete_user(user["id"], **account)
    assert cloudinary.provisioning.users(**account)["users"] == []


def test_users_are_filtered(account: Options) -> None:
    def names(**filters: Any) -> List[str]:
        return [user["name"] for user in cloudinary.provisioning.users(**filters, **account)["users"]]

    ann = cloudinary.provisioning.create_user("Ann", "a@example.com", "admin", sub_account_ids=["1"], **account)
    bob = cloudinary.provisioning.create_user("Bob", "b@example.com", "admin", **account)
    assert (names(sub_account_id="1"), names(sub_account_id="2")) == (["Ann", "Bob"], ["Bob"])
    assert (names(status="pending"), names(status="active")) == (["Ann", "Bob"], [])
    assert (names(prefix="b@"), names(prefix="example")) == (["Bob"], [])
    assert names(user_ids=[ann["id"]], prefix="b") == ["Ann"], "with IDs, other filters are ignored"
    changed = cloudinary.provisioning.update_user(bob["id"], sub_account_ids=["1"], **account)
    assert changed["all_sub_accounts"] is False and names(sub_account_id="2") == []
    with pytest.raises(AlreadyExists):
        cloudinary.provisioning.update_user(bob["id"], email="A@example.com", **account)


def test_a_disabled_sub_account_accepts_no_calls(sandbox: SandboxServer, account: Options) -> None:
    created = cloudinary.provisioning.create_sub_account("off", enabled=False, **account)
    key = created["api_access_keys"][0]
    options = {"cloud_name": "off", "api_key": key["key"], "api_secret": key["secret"]}
    with pytest.raises(AuthorizationRequired, match="disabled"):
        cloudinary.api.ping(upload_prefix=sandbox.base_url, **options)
    assert cloudinary.provisioning.update_sub_account(created["id"], enabled=True, **account)["enabled"] is True
    assert cloudinary.api.ping(upload_prefix=sandbox.base_url, **options)["status"] == "ok"
    assert len(cloudinary.provisioning.sub_accounts(enabled=True, **account)["sub_accounts"]) == 1
    with pytest.raises(BadRequest, match="cannot rename"):
        cloudinary.provisioning.update_sub_account(created["id"], cloud_name="on", **account)


def test_agent_account(sandbox: SandboxServer) -> None:
    call = {
        "agent_framework": "fw",
        "agent_llm_model": "model",
        "agent_goal": "goal",
        "upload_prefix": sandbox.base_url,
    }
    created = cloudinary.provisioning.create_agent_account("a@example.com", **call)
    environment = created["product_environments"][0]
    assert created["email"] == "a@example.com" and created["plan_name"] and created["guidance"]
    with pytest.raises(AuthorizationRequired):
        cloudinary.api.ping(**environment, upload_prefix=sandbox.base_url)
    with pytest.raises(AlreadyExists, match="already been taken"):
        cloudinary.provisioning.create_agent_account("A@example.com", **call)
    with pytest.raises(BadRequest):
        cloudinary.provisioning.create_agent_account("not an address", **call)


def test_claimable_cloud(sandbox: SandboxServer, control: Control) -> None:
    created = cloudinary.provisioning.create_cloud(delivery_ips=["198.51.100.1"], upload_prefix=sandbox.base_url)
    assert created["delivery_ips"] == ["198.51.100.1", "203.0.113.7"] and created["expires_at"].endswith("Z")
    assert created["email"].endswith("@cloud.cloudinary.invalid") and created["claim_url"].startswith(sandbox.base_url)
    options = {name: created[name] for name in ("cloud_name", "api_key", "api_secret")}
    assert cloudinary.api.ping(**options, upload_prefix=sandbox.base_url)["status"] == "ok"
    assert "is claimed" in session().get(created["claim_url"]).text
    with pytest.raises(BadRequest):
        cloudinary.provisioning.create_cloud(delivery_ips=["nonsense"], upload_prefix=sandbox.base_url)
