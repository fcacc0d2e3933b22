"""`cld agent signup`: what is sent, printed and saved."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Callable, List, Optional

import pytest

from cloudinary_cli.config.url import parse
from test.support.agent_responses import LOGIN, SECRET, SIGNUP, account, cloud, saved
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX terminal")


def test_signup_sends_prints_and_saves(agent: Run, server: CloudinaryServer, config_json: Path) -> None:
    server.reply(account())
    done = agent(*SIGNUP, "--sdk-framework", "python")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1_1/provisioning/agents/accounts")
    assert "authorization" not in request.headers
    assert request.json == {
        "email": "Ann@Example.com",
        "agent_framework": "langchain",
        "agent_llm_model": "claude",
        "agent_goal": "resize images",
        "sdk_framework": "python",
    }
    assert done.code == 0 and done.out.startswith("Cloudinary account created.\n")
    rows = [line for line in done.out.splitlines() if ": " in line]
    assert [line.partition(":")[0] for line in rows] == [
        "Email",
        "Plan",
        "Cloud name",
        "API key",
        "CLOUDINARY_URL",
        "Seats",
    ]
    assert done.out.endswith("\n\nRead the mail.\n")
    assert "Config 'acc' saved!" in done.err and "Default set to 'acc'." in done.err and "confirmed" in done.err
    content = saved(config_json)
    entry = parse(content["acc"])
    assert (entry.cloud_name, entry.api_key, entry.api_secret) == ("acc", "111", SECRET)
    assert entry.get("account_email") == "ann@example.com" and content["__default__"] == "acc"
    assert stat.S_IMODE(config_json.stat().st_mode) == 0o600


def test_signup_leaves_out_what_was_not_given(agent: Run, server: CloudinaryServer) -> None:
    server.reply(account())
    agent(*SIGNUP)
    assert "sdk_framework" not in server.requests[0].json


@pytest.mark.parametrize(
    "args, reason",
    [
        ([*SIGNUP, "--name", "__x__"], "reserved"),
        ([*SIGNUP, "--name", ""], "empty"),
        (["signup", "  ", "a", "b", "c"], "EMAIL is empty"),
        (["signup", "a@b.c"], "Missing argument"),
        (["cloud", "create", "--name", "__x__"], "reserved"),
    ],
)
def test_wrong_arguments_send_nothing(agent: Run, server: CloudinaryServer, args: List[str], reason: str) -> None:
    done = agent(*args)
    assert (done.code, done.out) == (1, "") and "Usage: cld agent" in done.err and reason in done.err
    assert server.requests == []


@pytest.mark.parametrize("key", ["account_email", "cloud_email"])
def test_a_known_email_is_refused_before_any_request(agent: Run, server: Any, save: Any, key: str) -> None:
    save(bad=1, mine=f"cloudinary://k:s@c?{key}=ann%40example.COM")
    done = agent(*SIGNUP)
    assert (done.code, done.out, done.err.count("\n")) == (
        1,
        "",
        1,
    ) and "'mine' is already saved with this e-mail" in done.err
    assert server.requests == []


def test_signup_name_overwrites_an_api_key_entry_with_a_warning(
    agent: Run, server: Any, save: Any, config_json: Path
) -> None:
    save(box="cloudinary://old:old@old")
    server.reply(account())
    done = agent(*SIGNUP, "--name", "box")
    assert done.code == 0 and "warning: The configuration that was saved as 'box' was overwritten." in done.err
    assert parse(saved(config_json)["box"]).cloud_name == "acc" and "acc" not in saved(config_json)


def test_signup_never_overwrites_a_login(agent: Run, server: Any, save: Any, config_json: Path) -> None:
    save(box=LOGIN)
    done = agent(*SIGNUP, "--name", "box")
    assert done.code == 1 and "is a login" in done.err and server.requests == []
    assert saved(config_json) == {"box": LOGIN}


def test_agent_needs_no_configuration(agent: Run, server: Any) -> None:
    server.on("POST", "", cloud())
    done = agent("cloud", "create", "--no-save", env={"CLOUDINARY_URL": "foo"})
    assert done.code == 0 and "No Cloudinary configuration" not in done.err
    for args in ((), ("cloud",)):
        assert agent(*args).text.startswith("Usage: cld agent")


def test_through_the_sandbox(invoke: Run, tmp_path: Path) -> None:
    server_module: Optional[Any] = pytest.importorskip("cloudinary_cli.sandbox.sandbox_server")
    from cloudinary_cli.sandbox.settings import SandboxSettings

    assert server_module is not None
    with server_module.SandboxServer(SandboxSettings(tmp_path / "sandbox")) as sandbox:
        env = {"CLOUDINARY_UPLOAD_PREFIX": sandbox.base_url}
        made = json.loads(invoke("agent", "cloud", "create", "--name", "box", "--json", env=env).out)
        assert made["saved"] is True and json.loads(invoke("-C", "box", "admin", "ping").out)["status"] == "ok"
        assert invoke("agent", "cloud", "create", "--ip", "zzz", env=env).code == 1
        assert invoke("agent", *SIGNUP, env=env).code == 0
        assert "'sandbox-" in invoke("agent", *SIGNUP, env=env).err
        again = invoke("agent", *SIGNUP, env={**env, "CLOUDINARY_HOME": str(tmp_path / "other")})
        assert again.code == 1 and "exists already" in again.err
