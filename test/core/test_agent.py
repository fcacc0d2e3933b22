"""`cld agent` against a scripted API and the sandbox: requests, output, saving, claiming."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

from cloudinary_cli.config.url import parse
from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.terminal import run_in_terminal

Run = Callable[..., Any]
SIGNUP = ("signup", "Ann@Example.com", "langchain", "claude", "resize images")
SECRET = "SECRET-0123456789-abcd"
LOGIN = "cloudinary://c?oauth_token=t&refresh_token=r"
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX terminal")


def account(**changes: Any) -> Dict[str, Any]:
    environment = {"cloud_name": "acc", "api_key": "111", "api_secret": SECRET}
    reply = {"email": "Ann@Example.com", "plan_name": "Free", "guidance": "Read the mail.", "seats": 1}
    return {**reply, "product_environments": [environment], **changes}


def cloud(name: Any = "cc", **changes: Any) -> Dict[str, Any]:
    return {
        "cloud_name": name,
        "api_key": "222",
        "api_secret": SECRET,
        "delivery_ips": ["203.0.113.7", "2001:db8::1"],
        "expires_at": "2999-01-02T03:04:05Z",
        "claim_url": f"https://claim.example/{name}?token=a%20b&c=d",
        "account_id": "acct",
        "email": "x@cloud.cloudinary.invalid",
        "guidance": "Claim it.",
        **changes,
    }


@pytest.fixture
def agent(server: CloudinaryServer, invoke: Run) -> Iterator[Run]:
    """Run `cld agent ARGS` in this process, with the scripted server as the API."""
    yield lambda *args, **kw: invoke("agent", *args, env={"CLOUDINARY_UPLOAD_PREFIX": server.url, **kw.pop("env", {})})


@pytest.fixture
def save(config_json: Path) -> Callable[..., None]:
    """Write config.json: save(name="cloudinary://...", ...)."""
    return lambda **entries: config_json.write_text(json.dumps(entries)) and None


def saved(config_json: Path) -> Dict[str, Any]:
    content: Dict[str, Any] = json.loads(config_json.read_text())
    return content


# -- signup


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


def test_signup_name_overwrites_an_api_key_entry_aloud(agent: Run, server: Any, save: Any, config_json: Path) -> None:
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


# -- cloud create


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


# -- secrets, JSON, failures


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
        deadline = time.monotonic() + 20
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)  # it has its answer and waits for the lock, which this test holds for 10 s at least
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    document = json.loads(out)
    assert process.returncode == 130 and document["saved"] is False and document["api_secret"] == SECRET
    assert "Traceback" not in err


# -- errors of the API


TAKEN = {"email": ["has already been taken"]}


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
def test_what_a_refusal_says(agent: Run, server: Any, args: Any, status: int, body: Any, text: str) -> None:
    server.on("POST", "", Reply(status, body))
    done = agent(*args)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert text in done.err and "Traceback" not in done.err


@pytest.mark.parametrize("status", [420, 429])
def test_rate_limits(agent: Run, server: Any, status: int) -> None:
    # A reset far away: reported at once instead of being waited for.
    server.on("POST", "", Reply(status, nested("slow down"), {"Retry-After": "9999"}))
    done = agent(*SIGNUP)
    assert done.code == 1 and done.err.startswith("error: Rate limited while creating the account")
    done = agent("cloud", "create")
    assert done.code == 1 and "10 clouds per 24 hours" in done.err and "IP address" in done.err


# -- claim and list


def claimable(name: str = "cc", expires: str = "2999-01-01T00:00:00Z", url: str = "https://claim.example/t") -> str:
    from urllib.parse import urlencode

    return f"cloudinary://k:s@{name}?" + urlencode({"claim_url": url, "expires_at": expires, "custom": "kept"})


def test_claim_prints_the_url_where_stdout_is_no_terminal(invoke: Run, save: Any) -> None:
    save(plain="cloudinary://k:s@c", one=claimable())
    for args in ([], ["one"], ["--print"], ["one", "--no-open"]):
        done = invoke("agent", "cloud", "claim", *args)
        assert (done.code, done.out, done.err) == (0, "https://claim.example/t\n", "")
    expected = {"cloud_name": "cc", "claim_url": "https://claim.example/t", "expires_at": "2999-01-01T00:00:00Z"}
    assert json.loads(invoke("agent", "cloud", "claim", "--json").out) == expected


@pytest.mark.parametrize(
    "entries", [{}, {"a": "cloudinary://k:s@c"}, {"old": claimable(expires="2001-01-01T00:00:00Z")}]
)
def test_nothing_to_claim_is_an_error(invoke: Run, save: Any, entries: Any) -> None:
    save(**entries)
    for option in ([], ["--json"]):
        done = invoke("agent", "cloud", "claim", *option)
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1) and "No unclaimed cloud is saved" in done.err


def test_claim_by_name_errors_and_warnings(invoke: Run, save: Any) -> None:
    save(plain="cloudinary://k:s@c", old=claimable(expires="978307200"), odd=claimable(expires="soon"))
    done = invoke("agent", "cloud", "claim", "nope")
    assert done.code == 1 and "Config nope does not exist" in done.err
    done = invoke("agent", "cloud", "claim", "plain")
    assert done.code == 1 and "cannot be fetched again" in done.err
    done = invoke("agent", "cloud", "claim", "old")
    assert done.code == 0 and done.out and done.err.startswith("warning: 'old' has expired")
    assert invoke("agent", "cloud", "claim").out, "a cloud whose expiry cannot be read counts as unexpired"


def test_names_in_advice_are_quoted_for_the_shell(agent: Run, server: Any, config_json: Path) -> None:
    server.on("POST", "", cloud())
    done = agent("cloud", "create", "--name", "two words")
    assert "cld -C 'two words' <command>" in done.err and "cld agent cloud claim 'two words'\n" in done.err
    server.on("POST", "", account())
    assert agent(*SIGNUP, "--name", "my own").code == 0
    assert "cld -C 'my own' <command>" in agent(*SIGNUP).err


def test_several_clouds_are_a_menu(cld: Run, save: Any) -> None:
    save(one=claimable("c1", url="https://claim.example/1"), two=claimable("c2", url="https://claim.example/2"))
    done = cld("agent", "cloud", "claim", input="2\n")
    assert (done.code, done.out) == (0, "https://claim.example/2\n") and "1. one (cloud c1)" in done.err
    done = cld("agent", "cloud", "claim", input="\n")
    assert (done.code, done.out) == (0, "") and "Cancelled." in done.err
    done = cld("agent", "cloud", "claim")
    assert (done.code, done.out) == (1, "") and "No selection was made." in done.err
    done = cld("agent", "cloud", "claim", input="3\n")
    assert (done.code, done.out) == (1, "") and "Invalid selection" in done.err


@posix
def test_claim_opens_the_page_on_a_terminal(save: Any, tmp_path: Path) -> None:
    save(one=claimable(), bad=claimable(url="file:///etc/passwd"))
    seen = tmp_path / "seen"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >> {seen}\n')
    script.chmod(0o700)
    screen = run_in_terminal(["agent", "cloud", "claim", "one"], env={"BROWSER": str(script)})
    assert screen.code == 0 and "https://claim.example/t" in screen.text and "--done" in screen.text
    assert seen.read_text() == "https://claim.example/t\n"
    screen = run_in_terminal(["agent", "cloud", "claim", "bad"], env={"BROWSER": str(script)})
    assert screen.code == 1 and "not an https URL" in screen.text and seen.read_text().count("\n") == 1
    run_in_terminal(["agent", "cloud", "claim", "one", "--json"], env={"BROWSER": str(script)})
    assert seen.read_text().count("\n") == 1, "--json never opens a browser"


def test_list(invoke: Run, save: Any) -> None:
    assert invoke("agent", "cloud", "list", "--json").out == "[]\n"
    assert invoke("agent", "cloud", "list").out == ""
    save(plain="cloudinary://k:s@c", one=claimable("c1"), old=claimable("c2", "2001-01-01T00:00:00Z"), bad=7)
    rows = json.loads(invoke("agent", "cloud", "list", "--json").out)
    assert [(row["name"], row["cloud_name"], row["expired"]) for row in rows] == [
        ("one", "c1", False),
        ("old", "c2", True),
    ]
    assert rows[0]["claim_url"] == "https://claim.example/t" and rows[0]["status"].startswith("unclaimed, expires in")
    lines = invoke("agent", "cloud", "list").out.splitlines()
    assert "STATUS" in lines[0] and lines[1].startswith("one") and "unclaimed, expired" in lines[2]


def test_a_claimed_cloud_stops_being_shown_as_unclaimed(invoke: Run, save: Any, config_json: Path) -> None:
    save(one=claimable("c1"))
    assert invoke("agent", "cloud", "claim", "one", "--done").code == 0
    assert saved(config_json)["one"] == "cloudinary://k:s@c1?custom=kept"
    assert invoke("agent", "cloud", "list", "--json").out == "[]\n"
    assert "unclaimed" not in invoke("config", "-ls").out
    assert invoke("agent", "cloud", "claim", "one", "--done", "--json").code == 1


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


# -- no configuration needed, and the whole way through the sandbox


def test_agent_needs_no_configuration(agent: Run, server: Any) -> None:
    server.on("POST", "", cloud())
    done = agent("cloud", "create", "--no-save", env={"CLOUDINARY_URL": "foo"})
    assert done.code == 0 and "No Cloudinary configuration" not in done.err
    for args in ((), ("cloud",)):
        assert agent(*args).text.startswith("Usage: cld agent")


def test_through_the_sandbox(invoke: Run, tmp_path: Path) -> None:
    server_module: Optional[Any] = pytest.importorskip("cloudinary_cli.sandbox.server")
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
