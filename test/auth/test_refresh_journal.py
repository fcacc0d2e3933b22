"""The journal record of a refresh: what a command does after an earlier one died."""

from __future__ import annotations

from typing import Any, List

import pytest

from cloudinary_cli.auth.refresh import Refresher, RefreshOutcome
from cloudinary_cli.auth.session import Session
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse, replace_query
from cloudinary_cli.errors import ReloginRequired
from test.support.logins import entry
from test.support.sandbox_client import SandboxClient


def journal(store: ConfigStore, kind: str, session: Session) -> None:
    mark = refresh_state.fingerprint(session.refresh_token or "")
    with store.transaction() as cfg:
        cfg["box"] = replace_query(cfg["box"], {refresh_state.KEY: f"{kind}.{mark}.1.1"})


def test_journal_of_a_dead_process_allows_exactly_one_retry(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store)
    journal(store, "started", session)
    assert Refresher(store).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED
    session = box.save_login(store)
    journal(store, "retried", session)
    box.call("DELETE", "requests")
    result = Refresher(store).refresh("box", entry(store))
    assert isinstance(result.error, ReloginRequired) and "interrupted" in str(result.error)
    assert "cld login box" in str(result.error) and not box.requests()


@pytest.mark.parametrize("before, during", [("", "started"), ("started", "retried")])
def test_journal_says_which_attempt_is_under_way(
    box: SandboxClient, store: ConfigStore, before: str, during: str
) -> None:
    """What a process that dies in its request leaves behind: the second one leaves no third attempt."""
    session = box.save_login(store)
    if before:
        journal(store, before, session)
    seen: List[str] = []

    def looking(*args: Any, **options: Any) -> Any:
        from cloudinary_cli.auth import flow

        seen.append(parse(entry(store)).get(refresh_state.KEY).split(".")[0])
        return flow.refresh(*args, **options)

    assert Refresher(store, refresh=looking).refresh("box", entry(store)).outcome is RefreshOutcome.REFRESHED
    assert seen == [during]


def test_retry_after_a_crash_finds_the_token_spent(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store)
    journal(store, "started", session)
    assert box.is_refresh_token_alive(session.refresh_token)
    result = Refresher(store).refresh("box", entry(store))
    assert isinstance(result.error, ReloginRequired) and "cld login box" in str(result.error)
