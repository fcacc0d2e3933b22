"""Credentials in a response are not lost and not printed unnecessarily, and errors of the API are explained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from test.support.agent_responses import SECRET, SIGNUP, account, cloud
from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.waiting import wait_until

Run = Callable[..., Any]
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX terminal")

TAKEN = {"email": ["has already been taken"]}


@pytest.mark.parametrize("args, reply", [(("cloud", "create"), cloud()), (SIGNUP, account())])
def test_the_secret_is_masked_when_it_was_saved(
    agent: Run, server: Any, config_json: Path, args: Any, reply: Any
) -> None:
    server.on("POST", "", reply)
    for option in ([], ["--json"]):
        done = agent(*args, *option)
        assert done.code == 0 and SECRET not in done.text and "****abcd" in done.out
        config_json.unlink()
        assert SECRET in agent(*args, *option, "--show-secret").out
        config_json.unlink()
        assert SECRET in agent(*args, *option, "--no-save").out and not config_json.exists()


@pytest.mark.parametrize("args, reply, name", [(("cloud", "create"), cloud(), "cc"), (SIGNUP, account(), "acc")])
def test_json_is_one_document_with_the_save_status(agent: Run, server: Any, args: Any, reply: Any, name: str) -> None:
    server.on("POST", "", reply)
    document = json.loads(agent(*args, "--json").out)
    assert [document[key] for key in ("saved", "config_name", "default")] == [True, name, True]
    assert document["guidance"] == reply["guidance"]
    document = json.loads(agent("cloud", "create", "--json", "--no-save", "--claim").out)
    assert [document[key] for key in ("saved", "config_name", "default")] == [False, None, False]


@pytest.mark.parametrize("missing", ["cloud_name", "api_key", "api_secret"])
@pytest.mark.parametrize("args", [("cloud", "create"), SIGNUP])
def test_a_reply_without_credentials_fails(agent: Run, server: Any, home: Path, args: Any, missing: str) -> None:
    parts = {key: value for key, value in cloud().items() if key != missing}
    server.on("POST", "", parts if "cloud" in args else account(product_environments=[parts]))
    done = agent(*args, "--json")
    assert done.code == 1 and json.loads(done.out)["saved"] is False and "no complete credentials" in done.err
    assert agent(*args).code == 1 and not (home / "config.json").exists()


@pytest.mark.parametrize(
    "reply", [{}, account(product_environments=[]), account(product_environments={"a": 1}), cloud({"x": 1})]
)
def test_a_strange_reply_causes_no_crash(agent: Run, server: Any, reply: Any) -> None:
    server.on("POST", "", reply)
    for args in (SIGNUP, ("cloud", "create")):
        done = agent(*args)
        assert done.code == 1 and "no complete credentials" in done.err and "Command execution" not in done.err


def test_a_failed_save_prints_the_secret_and_fails(agent: Run, server: Any, home: Path) -> None:
    server.on("POST", "", cloud())
    home.write_text("a file where the directory should be")
    done = agent("cloud", "create", "--json")
    document = json.loads(done.out)
    assert done.code == 1 and document["saved"] is False and document["api_secret"] == SECRET
    assert done.err.startswith("error: Cannot use the directory") and done.err.count("\n") == 1
    done = agent("cloud", "create")
    assert done.code == 1 and SECRET in done.out and "Config" not in done.err


@posix
def test_ctrl_c_while_saving_does_not_lose_the_credentials(server: CloudinaryServer, config_json: Path) -> None:
    import fcntl
    import signal

    server.reply(cloud())
    with open(f"{config_json}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "agent", "cloud", "create", "--json"],
            env={**os.environ, "CLOUDINARY_UPLOAD_PREFIX": server.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: server.requests)
        time.sleep(2)  # it has the response and waits for the lock, which this test holds for at least 10 s
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    document = json.loads(out)
    assert process.returncode == 130 and document["saved"] is False and document["api_secret"] == SECRET
    assert "Traceback" not in err


@pytest.mark.parametrize("status", [400, 409, 422])
def test_an_error_without_the_key_error_is_an_error(agent: Run, server: Any, home: Path, status: int) -> None:
    server.on("POST", "", Reply(status, TAKEN))
    done = agent(*SIGNUP)
    assert (done.code, done.out) == (1, "") and "exists already" in done.err and "cld login" in done.err
    done = agent("cloud", "create")
    assert (done.code, done.out) == (1, "")
    assert done.err == "error: Could not create the cloud: email has already been taken.\n"
    assert not (home / "config.json").exists()


def nested(message: str) -> Dict[str, Any]:
    return {"error": {"message": message}}


@pytest.mark.parametrize(
    "args, status, body, text",
    [
        (SIGNUP, 400, nested("Nope."), "Signup failed: Nope."),
        (SIGNUP, 422, {"email": ["is odd", "is long"], "plan": "x"}, "Signup failed: email is odd,is long; plan x."),
        (SIGNUP, 409, nested("Conflict"), "An account with this e-mail exists already."),
        (SIGNUP, 500, b"<html>", "Signup failed: Error parsing server response (500)"),
        (("cloud", "create"), 403, nested("Location not permitted"), "it applies to the caller's address".capitalize()),
        (("cloud", "create"), 403, nested("Registration is currently unavailable"), "provisioning is disabled"),
        (("cloud", "create"), 400, {"code": "registration_disabled"}, "provisioning is disabled"),
        (("cloud", "create"), 400, nested("Rate limit exceeded"), "Rate limited while creating the cloud"),
        (("cloud", "create"), 400, nested("bad ip"), "Could not create the cloud: bad ip."),
    ],
)
def test_the_message_about_a_refusal(agent: Run, server: Any, args: Any, status: int, body: Any, text: str) -> None:
    server.on("POST", "", Reply(status, body))
    done = agent(*args)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert text in done.err and "Traceback" not in done.err


@pytest.mark.parametrize("status", [420, 429])
def test_rate_limits(agent: Run, server: Any, status: int) -> None:
    # The limit resets too late to wait for it, so the error is reported at once.
    server.on("POST", "", Reply(status, nested("slow down"), {"Retry-After": "9999"}))
    done = agent(*SIGNUP)
    assert done.code == 1 and done.err.startswith("error: Rate limited while creating the account")
    done = agent("cloud", "create")
    assert done.code == 1 and "10 clouds per 24 hours" in done.err and "IP address" in done.err
