"""`cld config -ra --json` for a timer: what happened to each login, what to run next, and the exit status."""

from __future__ import annotations

import json
import time
from typing import Any, Dict, List

import pytest

from cloudinary_cli.auth import flow
from cloudinary_cli.auth.refresh_rules import RefreshOutcome, RefreshResult, tokens_lost, with_command
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import (
    CliError,
    ConfigFileError,
    Delivery,
    KeychainUnavailable,
    LockTimeout,
    ReloginRequired,
    TokenEndpointError,
)
from test.support.cld_config import Run, saved
from test.support.logins import LOGIN, posts
from test.support.sandbox_client import SandboxClient

DETAILED = {"CLOUDINARY_CLI_EXIT_CODES": "detailed"}
MEMBERS = ["name", "outcome", "reason", "code", "retryable", "state", "expires_at", "next_command"]


def rows_of(done: Any) -> Dict[str, Dict[str, Any]]:
    rows: List[Dict[str, Any]] = json.loads(done.out)
    assert all(list(row) == MEMBERS for row in rows)
    return {row["name"]: row for row in rows}


@pytest.fixture
def three(box: SandboxClient, store: ConfigStore) -> ConfigStore:
    """Three stale logins; the server refuses to renew the second one."""
    box.save_login(store, "one")
    session = box.save_login(store, "two words", region="api-eu")
    box.save_login(store, "three")
    flow.revoke(session.refresh_token or "", "api", base_url=box.url)
    return store


def test_a_refused_login_among_three(cld: Run, three: ConfigStore, box: SandboxClient) -> None:
    done = cld("config", "-ra", "--json", env=DETAILED)
    rows = rows_of(done)
    assert done.code == 4
    assert [row["outcome"] for row in rows.values()] == ["refreshed", "failed", "refreshed"]
    refused = rows["two words"]
    assert "no longer valid" in refused["reason"] and (refused["retryable"], refused["state"]) == (False, "needs-login")
    assert refused["next_command"] == "cld login 'two words' --region api-eu"
    nulls = ("reason", "code", "retryable", "next_command")
    assert refused["code"] == 4 and all(rows["one"][name] is None for name in nulls)
    assert rows["one"]["expires_at"] > time.time()
    for entry in saved(three).values():
        session = from_cloudinary_url(entry)
        assert session.access_token not in done.text and str(session.refresh_token) not in done.text


def test_a_remembered_refusal_is_told_by_every_view_and_sends_nothing(
    cld: Run, three: ConfigStore, box: SandboxClient
) -> None:
    assert cld("config", "-ra").code == 1
    sent = posts(box)
    again = cld("config", "-ra", "--json")
    assert again.code == 1 and rows_of(again)["two words"]["state"] == "needs-login"
    text = cld("config", "-ra")
    assert text.code == 1 and text.out == "" and "two words: needs login" in text.err
    assert posts(box) == sent
    listing = cld("config", "-ls", "--json")
    states = {row["name"]: row["state"] for row in json.loads(listing.out)}
    assert listing.code == 0 and states == {"one": "valid", "two words": "needs-login", "three": "valid"}
    assert "needs login" in cld("config", "-ls").out
    who = cld("-C", "two words", "whoami", "--json")
    assert (who.code, json.loads(who.out)["state"]) == (1, "needs-login")
    assert "cld login 'two words' --region api-eu" in who.err


def test_a_refusal_counts_while_the_access_token_is_still_valid(
    cld: Run, store: ConfigStore, box: SandboxClient
) -> None:
    session = box.save_login(store, "box", stale=False)
    flow.revoke(session.refresh_token or "", "api", base_url=box.url)
    assert cld("config", "-r", "box", "--force").code == 1
    for command in (["config", "-ra"], ["config", "-r", "box"], ["-C", "box", "whoami"]):
        done = cld(*command, env=DETAILED)
        assert done.code != 0 and "cld login box" in done.err, command
    assert cld("config", "-ls").code == 0


@pytest.mark.parametrize("status, code", [(503, 7), (429, 6)])
def test_a_temporary_failure_is_retryable(
    cld: Run, store: ConfigStore, box: SandboxClient, status: int, code: int
) -> None:
    box.save_login(store, "box")
    box.fault(status=status, times=None, headers={"Retry-After": "0"})
    done = cld("config", "-ra", "--json", env=DETAILED)
    row = rows_of(done)["box"]
    assert (done.code, row["code"], row["outcome"], row["retryable"]) == (code, code, "failed", True)
    assert (row["state"], row["next_command"]) == ("refreshable", "cld config -r box")
    assert "Try again later" in done.err and "Log in again" not in done.err


def test_a_refusal_decides_the_exit_status_among_other_failures(
    cld: Run, three: ConfigStore, box: SandboxClient
) -> None:
    assert cld("config", "-ra").code == 1
    box.fault(status=503, times=None)
    done = cld("config", "-ra", "--json", "--force", env=DETAILED)
    assert done.code == 4 and [row["retryable"] for row in rows_of(done).values()] == [True, False, True]


@pytest.mark.parametrize(
    "error, retryable, needs_login",
    [
        (LockTimeout("held"), True, False),
        (KeychainUnavailable("locked"), True, False),
        (TokenEndpointError("no connection", Delivery.NEVER_SENT), True, False),
        (TokenEndpointError("busy", Delivery.RESPONDED, status=503), True, False),
        (with_command("a", LOGIN, CliError("The token response is not JSON.")), True, False),
        (TokenEndpointError("unknown client", Delivery.RESPONDED, status=401), False, False),
        (ConfigFileError("the disk is full"), False, False),
        (ReloginRequired("refused"), False, True),
        (tokens_lost("a", LOGIN, "the disk is full"), False, True),
    ],
    ids=lambda value: str(value),
)
def test_which_failures_end_by_themselves(error: CliError, retryable: bool, needs_login: bool) -> None:
    result = RefreshResult(RefreshOutcome.FAILED, "", error)
    assert (result.is_retryable, result.needs_login) == (retryable, needs_login)
    # The exit status says the same as `retryable`.
    assert (error.detailed_exit_code in (6, 7, 75)) is retryable
