"""A refresh against a scripted token endpoint: attempts, pauses, the journal, other programs."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from dataclasses import replace
from typing import Any, List, Optional

import pytest

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome
from cloudinary_cli.auth.refresh_lock import refresh_lock, refresh_lock_path
from cloudinary_cli.auth.session import from_cloudinary_url, to_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.refresh_state import Kind, RefreshState
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse, replace_query
from cloudinary_cli.errors import Delivery, ReloginRequired, TokenEndpointError
from cloudinary_cli.system.files import PendingFile
from test.support.logins import LOGIN


class Server:
    """A token endpoint that fails in a given way; counts."""

    def __init__(self, **error: Any) -> None:
        self.error = error
        self.calls = 0

    def refresh(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        raise TokenEndpointError("no", **self.error)


@pytest.mark.parametrize(
    ("error", "calls", "pauses"),
    [
        ({"delivery": Delivery.NEVER_SENT}, 3, [0.5, 1.0]),
        ({"delivery": Delivery.RESPONDED, "status": 503}, 3, [0.5, 1.0]),
        ({"delivery": Delivery.RESPONDED, "status": 429, "retry_after": 2.0}, 3, [2.0, 2.0]),
        ({"delivery": Delivery.RESPONDED, "status": 429, "retry_after": 60.0}, 3, [5.0, 5.0]),
        ({"delivery": Delivery.RESPONDED, "status": 500}, 1, []),
        ({"delivery": Delivery.UNKNOWN}, 2, [0.5]),
    ],
)
def test_how_often_and_after_what_pause_a_token_is_presented(
    error: Any, calls: int, pauses: List[float], config_json: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: List[float] = []
    # Patched: the pauses are the subject, and nobody should have to sit through them.
    monkeypatch.setattr(time, "sleep", slept.append)
    store, server = ConfigStore(str(config_json)), Server(**error)
    store.save({"work": to_cloudinary_url(LOGIN)})
    result = Refresher(store, refresh=server.refresh).refresh("work", to_cloudinary_url(LOGIN))
    assert result.outcome is RefreshOutcome.FAILED and result.url
    assert (server.calls, slept) == (calls, pauses)


def test_a_failure_is_remembered_for_twenty_seconds_and_for_one_token(
    config_json: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    # Patched: the clock is the subject.
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    store, server = ConfigStore(str(config_json)), Server(delivery=Delivery.RESPONDED, status=500)
    url = to_cloudinary_url(LOGIN)
    store.save({"work": url})
    refresher = Refresher(store, refresh=server.refresh)
    first = refresher.refresh("work", url)
    moment[0] += 19.9
    again = refresher.refresh("work", url)
    assert server.calls == 1 and again.error is first.error and again.outcome is RefreshOutcome.FAILED
    refresher.refresh("work", url, force=True)
    assert server.calls == 2, "a forced refresh asks all the same"
    moment[0] += 20.1
    refresher.refresh("work", url)
    assert server.calls == 3


def test_the_lock_has_a_name_that_all_versions_agree_on_and_makes_its_directory(tmp_path: Any) -> None:
    store = ConfigStore(str(tmp_path / "new" / "config.json"))
    digest = hashlib.sha256(b"work").hexdigest()
    assert refresh_lock_path(store, "work") == f"{store.path}.{digest[:16]}.lock"
    with refresh_lock(store, "work"):
        assert (tmp_path / "new" / f"config.json.{digest[:16]}.lock").exists()
    assert os.name != "posix" or stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_an_api_key_is_not_refreshed(config_json: Any) -> None:
    server, url = Server(delivery=Delivery.UNKNOWN), "cloudinary://k:s@acme"
    result = Refresher(ConfigStore(str(config_json)), refresh=server.refresh).refresh("work", url, force=True)
    assert (result.outcome, result.url, result.error, server.calls) == (RefreshOutcome.NOT_OAUTH, url, None, 0)


WITHOUT_REFRESH_TOKEN = to_cloudinary_url(replace(LOGIN, refresh_token=None))


@pytest.mark.parametrize(
    ("known", "entry", "told"),
    [
        (to_cloudinary_url(LOGIN), "cloudinary://k:s@acme", "'work' is no longer a login. Run: cld login work"),
        (to_cloudinary_url(LOGIN), WITHOUT_REFRESH_TOKEN, "'work' has no refresh token. Run: cld login work"),
        (WITHOUT_REFRESH_TOKEN, WITHOUT_REFRESH_TOKEN, "'work' has no refresh token. Run: cld login work"),
    ],
)
def test_what_cannot_be_refreshed_is_said_without_a_request(
    known: str, entry: str, told: str, config_json: Any
) -> None:
    store, server = ConfigStore(str(config_json)), Server(delivery=Delivery.UNKNOWN)
    store.save({"work": entry})
    result = Refresher(store, refresh=server.refresh).refresh("work", known)
    assert result.outcome is RefreshOutcome.FAILED and told in str(result.error) and server.calls == 0
    assert isinstance(result.error, ReloginRequired) and store.load_fresh() == {"work": entry}


@pytest.mark.parametrize(("left", "written"), [(None, Kind.STARTED), (Kind.STARTED, Kind.RETRIED)])
def test_the_journal_is_on_disk_during_the_request(left: Optional[Kind], written: Kind, config_json: Any) -> None:
    store, url = ConfigStore(str(config_json)), to_cloudinary_url(LOGIN)
    if left is not None:
        url = replace_query(url, {refresh_state.KEY: str(RefreshState(left, refresh_state.fingerprint("rt_1"), 1, 2))})
    store.save({"work": url})
    seen: List[Any] = []

    def refresh(*args: Any, **options: Any) -> Any:
        seen.append(refresh_state.parse(parse(ConfigStore(str(config_json)).load()["work"]).get(refresh_state.KEY)))
        return {"access_token": "opaque", "refresh_token": "rt_2", "expires_in": 300}

    result = Refresher(store, refresh=refresh).refresh("work", url)
    assert result.outcome is RefreshOutcome.REFRESHED
    assert seen[0].kind is written and seen[0].applies_to("rt_1") and seen[0].pid == os.getpid()
    assert not parse(store.load_fresh()["work"]).has(refresh_state.KEY)


def test_saving_again_says_whether_the_login_was_still_there(config_json: Any) -> None:
    store, old, new = ConfigStore(str(config_json)), to_cloudinary_url(LOGIN), replace(LOGIN, refresh_token="rt_2")
    store.save({"work": old})
    assert Refresher(store).save_again("work", old, to_cloudinary_url(new)) is True
    assert from_cloudinary_url(store.load_fresh()["work"]).refresh_token == "rt_2"
    assert Refresher(store).save_again("work", old, to_cloudinary_url(LOGIN)) is False
    assert from_cloudinary_url(store.load_fresh()["work"]).refresh_token == "rt_2"


@pytest.mark.parametrize(
    ("replacement", "outcome", "told"),
    [
        ({"cloud_name": "other", "expires_at": 2**40}, RefreshOutcome.FAILED, "another account"),
        ({"refresh_token": "rt_new", "expires_at": 2**40}, RefreshOutcome.REFRESHED, None),
        (None, RefreshOutcome.NOT_FOUND, "was removed"),
    ],
)
def test_a_login_replaced_during_the_request_is_adopted_if_it_is_the_same_account(
    replacement: Any, outcome: RefreshOutcome, told: Optional[str], config_json: Any
) -> None:
    # The tokens of a removed login are revoked; nobody listens on port 9, and a failure changes nothing here.
    login = replace(LOGIN, oauth_base_url="http://127.0.0.1:9")
    content = {"work": to_cloudinary_url(replace(login, access_token="newer", **replacement))} if replacement else {}
    store = ConfigStore(str(config_json))
    store.save({"work": to_cloudinary_url(login)})

    def refresh(*args: Any, **options: Any) -> Any:
        ConfigStore(str(config_json)).save(content)
        return {"access_token": "opaque", "refresh_token": "rt_2", "expires_in": 300}

    result = Refresher(store, refresh=refresh).refresh("work", to_cloudinary_url(login))
    assert result.outcome is outcome and (told or "None") in str(result.error)
    assert store.load_fresh() == content


@pytest.mark.parametrize(
    ("replacement", "outcome", "told"),
    [
        ({"refresh_token": "rt_new", "expires_at": 2**40}, RefreshOutcome.REFRESHED, None),
        ({"refresh_token": "rt_new", "cloud_name": "other"}, RefreshOutcome.FAILED, "another account"),
    ],
)
def test_a_refusal_of_a_token_that_another_tool_has_replaced_is_no_logout(
    replacement: Any, outcome: RefreshOutcome, told: Optional[str], config_json: Any
) -> None:
    replaced = to_cloudinary_url(replace(LOGIN, access_token="newer", **replacement))
    store = ConfigStore(str(config_json))
    store.save({"work": to_cloudinary_url(LOGIN)})

    def refresh(*args: Any, **options: Any) -> Any:
        ConfigStore(str(config_json)).save({"work": replaced})
        error = TokenEndpointError("no", Delivery.RESPONDED, 400)
        error.error = "invalid_grant"
        raise error

    result = Refresher(store, refresh=refresh).refresh("work", to_cloudinary_url(LOGIN))
    assert result.outcome is outcome and (told or "None") in str(result.error)
    assert outcome is RefreshOutcome.FAILED or result.url == replaced
    assert store.load_fresh() == {"work": replaced}


class Overtaken(ConfigStore):
    """A store whose file another command replaces between the look at the entry and the journal record."""

    content: Any = {}

    def reserve(self, name: str, extra: int = 16384) -> PendingFile:
        ConfigStore(self.path).save(self.content)
        return super().reserve(name, extra)


@pytest.mark.parametrize(
    ("replacement", "outcome", "told"),
    [
        (None, RefreshOutcome.NOT_FOUND, "was removed"),
        ({"refresh_token": "rt_new", "expires_at": 2**40}, RefreshOutcome.REFRESHED, "None"),
        ({"cloud_name": "other", "refresh_token": "rt_new"}, RefreshOutcome.FAILED, "another account"),
    ],
)
def test_what_another_program_saves_just_before_the_request_is_adopted(
    replacement: Any, outcome: RefreshOutcome, told: str, config_json: Any
) -> None:
    store, server = Overtaken(str(config_json)), Server(delivery=Delivery.UNKNOWN)
    store.save({"work": to_cloudinary_url(LOGIN)})
    saved = replacement and to_cloudinary_url(
        replace(LOGIN, **{"access_token": "newer", "issued_at": 2**40 - 300, **replacement})
    )
    store.content = {"work": saved} if saved else {}
    result = Refresher(store, refresh=server.refresh).refresh("work", to_cloudinary_url(LOGIN))
    assert result.outcome is outcome and told in str(result.error)
    assert outcome is not RefreshOutcome.REFRESHED or result.url == saved
    assert server.calls == 0 and store.load_fresh() == store.content, "nothing is presented, and nothing noted"


def test_a_response_without_any_token_clears_the_journal(config_json: Any) -> None:
    store, url = ConfigStore(str(config_json)), to_cloudinary_url(LOGIN)
    store.save({"work": url})
    result = Refresher(store, refresh=lambda *args, **options: {}).refresh("work", url)
    assert result.outcome is RefreshOutcome.FAILED and "access_token" in str(result.error)
    assert store.load_fresh() == {"work": url}


@pytest.mark.parametrize(
    ("delivery", "before", "after"),
    [
        (Delivery.UNKNOWN, None, Kind.STARTED),
        (Delivery.UNKNOWN, Kind.STARTED, Kind.STARTED),  # this process lives, so one more attempt is allowed
        (Delivery.NEVER_SENT, None, None),
        (Delivery.NEVER_SENT, Kind.STARTED, Kind.STARTED),
        (Delivery.RESPONDED, None, None),
        (Delivery.RESPONDED, Kind.STARTED, None),
    ],
)
def test_what_a_failure_leaves_in_the_journal(
    delivery: Delivery, before: Optional[Kind], after: Optional[Kind], config_json: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the pauses have a test of their own
    store, url = ConfigStore(str(config_json)), to_cloudinary_url(LOGIN)
    if before is not None:
        record = RefreshState(before, refresh_state.fingerprint("rt_1"), 1, 2)
        url = replace_query(url, {refresh_state.KEY: str(record)})
    store.save({"work": url})
    server = Server(delivery=delivery, status=500 if delivery is Delivery.RESPONDED else None)
    assert Refresher(store, refresh=server.refresh).refresh("work", url).outcome is RefreshOutcome.FAILED
    left = refresh_state.parse(parse(store.load_fresh()["work"]).get(refresh_state.KEY))
    assert (left and left.kind) == after
