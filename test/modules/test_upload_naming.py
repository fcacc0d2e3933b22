"""`cld` chooses the public ID of a new asset in dynamic folder mode, unless a preset may have rules for it."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.commands import Run
from test.support.sync_account import Account, make

COMMANDS = [["upload_dir", "d"], ["sync", "d", "f", "--push"]]
FAILING = Reply(500, {"error": {"message": "oops"}})


def preset(**settings: Any) -> Dict[str, Any]:
    return {"presets": [{"name": "other", "settings": {}}, {"name": "p", "settings": settings}]}


def public_ids(account: Account) -> List[Any]:
    return [request.field("public_id") for request in account.sent("POST", "/upload")]


@pytest.fixture(params=COMMANDS, ids=lambda words: words[0])
def push(request: pytest.FixtureRequest, account: Account, invoke: Run) -> Run:
    make("d", "a.jpg", "b.jpg")
    return lambda *args, **params: invoke("-c", account.config_url(**params), *request.param, *args)


def listings(server: CloudinaryServer) -> int:
    return server.paths().count("GET /v1_1/demo/upload_presets")


def test_a_preset_of_the_configuration_has_the_effect_of_a_given_one(
    account: Account, push: Run, server: CloudinaryServer
) -> None:
    assert push(upload_preset="mine").code == 0
    assert push("-o", "upload_preset=mine").code == 0
    assert public_ids(account) == [None] * 4 and listings(server) == 0
    assert {request.field("upload_preset") for request in account.sent("POST", "/upload")} == {"mine"}


@pytest.mark.parametrize(
    "settings", [{"use_filename": True}, {"public_id_prefix": "shop"}, {"disallow_public_id": True}, {"eval": "x"}]
)
def test_a_preset_of_the_account_with_naming_rules_keeps_them(
    settings: Dict[str, Any], account: Account, push: Run, server: CloudinaryServer
) -> None:
    server.on("GET", "/upload_presets", preset(**settings))
    assert push().code == 0
    assert public_ids(account) == [None, None] and listings(server) == 1
    assert push("-o", "use_filename=false").code == 0
    assert public_ids(account) == [None] * 4 and listings(server) == 2


@pytest.mark.parametrize("reply", [{"presets": []}, preset(tags="x", use_filename=False)])
def test_without_naming_rules_an_upload_with_a_lost_response_is_repeated(
    reply: Any, account: Account, push: Run, server: CloudinaryServer
) -> None:
    server.on("GET", "/upload_presets", reply)
    server.on("POST", "/upload", FAILING, account.respond_to_upload)
    assert push("-w", "1").code == 0
    ids = public_ids(account)
    assert len(ids) == 3 and None not in ids and len(set(ids)) == 2 and listings(server) == 1


def test_presets_that_cannot_be_listed_may_have_rules(account: Account, push: Run, server: CloudinaryServer) -> None:
    server.on("GET", "/upload_presets", Reply(403, {"error": {"message": "no"}}))
    assert push().code == 0
    assert public_ids(account) == [None, None]


def test_no_listing_when_the_mode_is_fixed(account: Account, push: Run, server: CloudinaryServer) -> None:
    assert push("-fm", "fixed").code == 0 and listings(server) == 0
