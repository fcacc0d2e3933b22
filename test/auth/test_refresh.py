"""The refresh contract (auth/refresh.py), and T1 to T16, against the real sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome
from cloudinary_cli.auth.session import Session, from_cloudinary_url, to_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse, replace_query
from cloudinary_cli.errors import ReloginRequired, TokenEndpointError
from test.support.logins import entry, exchanges, posts
from test.support.sandbox_client import SandboxClient


def test_stale_login_is_rotated_and_saved(box: SandboxClient, store: ConfigStore) -> None:
    old = box.save_login(store)
    result = Refresher(store).refresh("box", entry(store))
    assert result.outcome is RefreshOutcome.REFRESHED and result.error is None
    saved = from_cloudinary_url(entry(store))
    assert saved.refresh_token != old.refresh_token and saved.access_token != old.access_token
    assert saved.is_fresh() and saved.cloud_name == old.cloud_name and saved.region == "api"
    assert result.url == entry(store)
    assert not parse(entry(store)).has(refresh_state.KEY), "the journal is cleared by the same rename"
    assert box.is_refresh_token_alive(saved.refresh_token)


def test_fresh_login_causes_no_io(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    url = entry(store)
    os.unlink(store.path)
    assert Refresher(store).refresh("box", url).outcome is RefreshOutcome.FRESH
    assert posts(box) == 0


def test_force_rotates_a_fresh_login(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    assert Refresher(store).refresh("box", entry(store), force=True).outcome is RefreshOutcome.REFRESHED
    assert exchanges(box) == 1


def test_force_adopts_what_a_peer_rotated_meanwhile(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, stale=False)
    known = entry(store)
    Refresher(store).refresh("box", known, force=True)
    result = Refresher(store).refresh("box", known, force=True)
    assert result.outcome is RefreshOutcome.REFRESHED and result.url == entry(store)
    assert exchanges(box) == 1


def test_rejected_token_is_rotated_even_when_fresh_by_the_clock(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, stale=False)
    result = Refresher(store).refresh("box", entry(store), rejected=session.access_token)
    assert result.outcome is RefreshOutcome.REFRESHED and exchanges(box) == 1
    again = Refresher(store).refresh("box", to_cloudinary_url(session), rejected=session.access_token)
    assert again.outcome is RefreshOutcome.REFRESHED and again.url == entry(store)
    assert exchanges(box) == 1, "the second process adopts"


@pytest.mark.parametrize("left, expected", [(33, RefreshOutcome.FRESH), (25, RefreshOutcome.REFRESHED)])
def test_leeway_is_thirty_seconds(box: SandboxClient, store: ConfigStore, left: int, expected: RefreshOutcome) -> None:
    now = int(time.time())
    box.save_login(store, issued_at=now + left - 300, expires_at=now + left)
    assert Refresher(store).refresh("box", entry(store)).outcome is expected


def test_user_parameters_and_host_survive(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    extra = {"secure_distribution": "my.cdn", "timeout": "7", "account_email": "a@b.c", "auth_token[key]": "k&="}
    with store.transaction() as cfg:
        cfg["box"] = replace_query(cfg["box"], extra)
    Refresher(store).refresh("box", entry(store))
    parsed = parse(entry(store))
    assert {key: parsed.get(key) for key in extra} == extra
    assert parsed.get("upload_prefix") == box.url and parsed.get("oauth_base_url") == box.url


def test_omitted_refresh_token_keeps_the_old_one(box: SandboxClient, store: ConfigStore) -> None:
    """RFC 6749 section 6."""
    old = box.save_login(store)
    box.fault(status=200, body={"access_token": "opaque", "expires_in": 300, "unknown": [1]})
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED
    saved = from_cloudinary_url(entry(store))
    assert (saved.access_token, saved.refresh_token) == ("opaque", old.refresh_token)


def test_opaque_token_with_new_refresh_token_is_used(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.fault(status=200, body={"access_token": "opaque", "refresh_token": "NEWRT"})
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED
    saved = from_cloudinary_url(entry(store))
    assert (saved.access_token, saved.refresh_token) == ("opaque", "NEWRT") and saved.is_fresh()


def test_new_refresh_token_is_kept_without_an_access_token(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.fault(status=200, body={"refresh_token": "NEWRT"})
    result = Refresher(store).refresh("box", entry(store))
    assert result.outcome is RefreshOutcome.FAILED and "access_token" in str(result.error)
    assert from_cloudinary_url(entry(store)).refresh_token == "NEWRT"


@pytest.mark.parametrize("body", ["[]", "null", '{"access_token": 5}', '{"access_token": "a b"}'])
def test_unusable_responses_are_reported(box: SandboxClient, store: ConfigStore, body: str) -> None:
    box.save_login(store)
    before = parse(entry(store)).get("refresh_token")
    box.fault(status=200, body=body)
    result = Refresher(store).refresh("box", entry(store))
    assert result.outcome is RefreshOutcome.FAILED and result.error is not None
    assert "cld login box" in str(result.error)
    assert parse(entry(store)).get("refresh_token") == before


def test_refused_token_is_presented_once_by_all_processes(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store)
    assert box.is_refresh_token_alive(session.refresh_token)  # spent by the test: the entry's token is now dead
    box.call("DELETE", "requests")
    for _ in range(3):
        result = Refresher(store).refresh("box", entry(store))
        assert result.outcome is RefreshOutcome.FAILED and isinstance(result.error, ReloginRequired)
        assert "cld login box" in str(result.error)
    assert len(box.requests()) == 1
    assert from_cloudinary_url(entry(store)).refresh_token == session.refresh_token, "never deleted"


def test_refused_record_is_void_for_another_token(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store)
    mark = refresh_state.fingerprint("some other token")
    with store.transaction() as cfg:
        cfg["box"] = replace_query(to_cloudinary_url(session), {refresh_state.KEY: f"refused.{mark}.1.1"})
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "body": "<html>oops</html>"},
        {"status": 429, "times": None},
        {"status": 503, "times": None},
        {"status": 400, "body": {"error": "invalid_client"}},
        {"status": 200, "body": "<html>please sign in to the hotel's network</html>"},
        {"mode": "reset", "times": 2},
    ],
    ids=lambda fault: str(fault.get("status", fault.get("mode"))),
)
def test_transient_errors_are_never_a_logout(box: SandboxClient, store: ConfigStore, fault: Dict[str, Any]) -> None:
    session = box.save_login(store)
    box.fault(**fault)
    result = Refresher(store).refresh("box", entry(store))
    assert result.outcome is RefreshOutcome.FAILED and isinstance(result.error, TokenEndpointError)
    assert from_cloudinary_url(entry(store)).refresh_token == session.refresh_token
    box.clear_faults()
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED


def test_server_that_is_down_is_never_a_logout(store: ConfigStore) -> None:
    session = Session("c", "t", "r", region="api", oauth_base_url="http://127.0.0.1:1")
    with store.transaction() as cfg:
        cfg["box"] = to_cloudinary_url(session)
    for _ in range(3):
        result = Refresher(store).refresh("box", entry(store))
        assert isinstance(result.error, TokenEndpointError) and "127.0.0.1:1" in str(result.error)
    assert not parse(entry(store)).has(refresh_state.KEY), "never sent: no journal stays"


def test_retry_after_503_then_success_is_one_refresh(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.fault(status=503, headers={"Retry-After": "0"})
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED
    assert posts(box) == 2 and box.stats["refresh_replays"] == 0


def test_server_clock_behind_is_not_a_reason_to_refresh_again(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.call("POST", "clock", {"offset": -400})
    result = Refresher(store).refresh("box", entry(store))
    assert result.outcome is RefreshOutcome.REFRESHED
    assert from_cloudinary_url(result.url).is_fresh()
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.FRESH


limited_files = pytest.mark.skipif(os.name == "nt", reason="needs a limit on the size of files (RLIMIT_FSIZE)")

FULL_DISK = """
import json, resource, signal, sys
from cloudinary_cli.auth.refresh import Refresher
from cloudinary_cli.config.store import ConfigStore
limit = int(sys.argv[2])
store = ConfigStore(sys.argv[1])
url = store.load()["box"]
refresher = Refresher(store)
if limit >= 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
else:
    post = refresher._refresh
    def late(*args, **options):
        response = post(*args, **options)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        return response
    refresher._refresh = late
result = refresher.refresh("box", url)
print(json.dumps([result.outcome.value, str(result.error), result.saved, result.url != url]))
"""


def run_child(code: str, *args: str) -> List[Any]:
    done = subprocess.run([sys.executable, "-c", code, *args], stdout=subprocess.PIPE, check=True, timeout=60)
    response: List[Any] = json.loads(done.stdout)
    return response


@limited_files
@pytest.mark.parametrize("room", [-200, 300], ids=["none at all", "for the journal record alone"])
def test_full_disk_is_met_before_the_token_is_spent(box: SandboxClient, store: ConfigStore, room: int) -> None:
    box.save_login(store)
    before = Path(store.path).read_bytes()
    outcome, error, _, _ = run_child(FULL_DISK, store.path, str(len(before) + room))
    assert outcome == "failed" and store.path in error
    assert posts(box) == 0 and Path(store.path).read_bytes() == before
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED


@limited_files
def test_disk_that_fails_after_the_request_leaves_the_token_in_memory(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    outcome, error, saved, changed = run_child(FULL_DISK, store.path, "-1")
    assert (outcome, saved, changed) == ("refreshed", False, True) and store.path in error
    state = refresh_state.parse(parse(entry(store)).get(refresh_state.KEY))
    assert state is not None, "the journal tells the next process"
    result = Refresher(store).refresh("box", entry(store))
    assert isinstance(result.error, ReloginRequired) and "cld login box" in str(result.error)


def test_stored_server_is_the_only_one_a_refresh_goes_to(
    box: SandboxClient, store: ConfigStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDINARY_OAUTH_BASE_URL", "http://127.0.0.1:1")
    box.save_login(store)
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED


@pytest.mark.parametrize(
    "change",
    [
        {"oauth_base_url": "http://evil.example"},
        {"oauth_base_url": "https://u:p@evil.example"},
        {"oauth_base_url": None, "region": "api-abc@127.0.0.1:8443/"},
    ],
)
def test_stored_host_injection_is_refused(store: ConfigStore, change: Dict[str, Any]) -> None:
    url = to_cloudinary_url(Session("c", "t", "r", oauth_base_url="http://127.0.0.1:1", upload_prefix="https://x"))
    store.save({"box": replace_query(url, change)})
    result = Refresher(store).refresh("box", entry(store))
    assert result.outcome is RefreshOutcome.FAILED and "127.0.0.1:8443" not in str(result.error).replace(
        "'api-abc@127.0.0.1:8443/'", ""
    )
    assert "egion" in str(result.error) or "oauth_base_url" in str(result.error)
