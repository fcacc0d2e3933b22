"""`cld agent cloud create`: what is sent, printed and saved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable

import pytest

from cloudinary_cli.config.url import parse
from test.support.agent_responses import LOGIN, SIGNUP, account, cloud, saved
from test.support.cloudinary_server import CloudinaryServer
from test.support.terminal import run_in_terminal

Run = Callable[..., Any]
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX terminal")


def test_cloud_create_sends_prints_and_saves(agent: Run, server: Any, config_json: Path) -> None:
    server.reply(cloud(email="Me@x.org"))
    done = agent("cloud", "create", "me@x.org", "--ip", "1.2.3.4", "--ip", "requester_ip", "--agent-goal", "g")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1_1/provisioning/clouds")
    assert request.json == {"email": "me@x.org", "delivery_ips": ["1.2.3.4", "requester_ip"], "agent_goal": "g"}
    assert done.code == 0 and done.out.startswith("Claimable Cloud created.")
    assert "Delivery IPs:   203.0.113.7, 2001:db8::1\n" in done.out
    assert "Expires at: 2999-01-02T03:04:05Z\n" in done.out
    assert "Claim URL:  https://claim.example/cc?token=a%20b&c=d\n" in done.out
    entry = parse(saved(config_json)["cc"])
    stored = {key: entry.get(key) for key in ("claim_url", "expires_at", "account_id", "delivery_ips", "cloud_email")}
    assert stored == {
        "claim_url": "https://claim.example/cc?token=a%20b&c=d",
        "expires_at": "2999-01-02T03:04:05Z",
        "account_id": "acct",
        "delivery_ips": "203.0.113.7,2001:db8::1",
        "cloud_email": "me@x.org",
    }


def test_cloud_create_without_arguments(agent: Run, server: Any, config_json: Path) -> None:
    server.reply(cloud())
    agent("cloud", "create")
    assert server.requests[0].json == {}
    assert not parse(saved(config_json)["cc"]).has("cloud_email"), "the placeholder address is not stored"


def test_a_taken_name_is_refused_before_any_request(agent: Run, server: Any, save: Any) -> None:
    save(box="cloudinary://k:s@c")
    done = agent("cloud", "create", "--name", "box")
    assert done.code == 1 and "'box' exists already" in done.err and server.requests == []
    server.reply(cloud())
    assert agent("cloud", "create", "--name", "box", "--no-save").code == 0


@pytest.mark.parametrize("args, reply, name", [(("cloud", "create"), cloud(), "cc"), (SIGNUP, account(), "acc")])
def test_without_a_name_nothing_is_overwritten(
    agent: Run, server: Any, save: Any, config_json: Path, args: Any, reply: Any, name: str
) -> None:
    old = {name: "cloudinary://a:b@c", f"{name}-2": LOGIN}
    save(**old)
    server.reply(reply)
    done = agent(*args, "--set-default")
    assert done.code == 0 and f"warning: The name '{name}' is in use, so it was saved as '{name}-3'." in done.err
    content = saved(config_json)
    assert {key: content[key] for key in old} == old and content["__default__"] == f"{name}-3"


def test_claim_flag_of_create(agent: Run, server: Any) -> None:
    server.on("POST", "", cloud())
    done = agent("cloud", "create", "--claim")
    assert done.code == 0 and done.out.endswith("\nhttps://claim.example/cc?token=a%20b&c=d\n")


@posix
def test_claim_flag_opens_the_page_on_a_terminal(server: CloudinaryServer, tmp_path: Path) -> None:
    server.on("POST", "", cloud())
    script, seen = tmp_path / "browser", tmp_path / "seen"
    script.write_text(f'#!/bin/sh\necho "$1" >> {seen}\n')
    script.chmod(0o700)
    env = {"BROWSER": str(script), "CLOUDINARY_UPLOAD_PREFIX": server.url}
    screen = run_in_terminal(["agent", "cloud", "create", "--claim"], env=env)
    assert screen.code == 0 and "\x1b[32mClaimable Cloud created." in screen.text
    assert seen.read_text() == "https://claim.example/cc?token=a%20b&c=d\n"
