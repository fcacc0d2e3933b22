"""The rules that decide whether a saved login may be adopted or sent; pure functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from cloudinary_cli.auth.refresh import RefreshOutcome, RefreshResult
from cloudinary_cli.auth.refresh_rules import (
    check_not_dead,
    check_same_account,
    holds,
    relogin_advice,
    relogin_command,
    with_command,
)
from cloudinary_cli.auth.session import to_cloudinary_url
from cloudinary_cli.config import refresh_state
from cloudinary_cli.config.refresh_state import Kind, RefreshState
from cloudinary_cli.errors import CliError, ReloginRequired
from test.support.logins import LOGIN


def test_a_result_is_saved_and_without_error_unless_it_says_otherwise() -> None:
    result = RefreshResult(RefreshOutcome.FRESH, "url")
    assert result.saved is True and result.error is None


@pytest.mark.parametrize(
    ("name", "region", "command"),
    [
        ("acme", "api", "cld login acme"),
        ("acme", "api-eu", "cld login acme --region api-eu"),
        ("my cloud", "api", "cld login 'my cloud'"),
        ("-x", "api", "cld login -- -x"),
        ("-x", "api-eu", "cld login --region api-eu -- -x"),
    ],
)
def test_the_command_to_log_in_again(name: str, region: str, command: str) -> None:
    assert relogin_command(name, region) == command
    session = replace(LOGIN, region=region)
    assert relogin_advice(name, session) == f"Run: {command}"
    error = with_command(name, session, CliError("It broke."))
    assert str(error) == f"It broke. If this persists, run: {command}"


def test_an_entry_holds_a_login_by_refresh_token_and_cloud() -> None:
    assert holds(to_cloudinary_url(LOGIN), LOGIN)
    assert holds(to_cloudinary_url(replace(LOGIN, access_token="newer")), LOGIN)
    assert not holds(to_cloudinary_url(replace(LOGIN, refresh_token="rt_2")), LOGIN)
    assert not holds(to_cloudinary_url(replace(LOGIN, cloud_name="other")), LOGIN)
    for entry in (None, 1, "cloudinary://k:s@acme", "garbage"):
        assert not holds(entry, LOGIN)


@pytest.mark.parametrize(
    ("known", "saved", "same"),
    [
        ({}, {}, True),
        ({}, {"cloud_name": "ACME"}, True),
        ({}, {"cloud_name": "other"}, False),
        ({}, {"issuer": "https://evil.example/"}, False),
        ({"issuer": None}, {}, True),
        ({}, {"issuer": None}, True),
        ({"issuer": None}, {"cloud_name": "other"}, False),
    ],
)
def test_tokens_of_another_account_are_not_adopted(known: Any, saved: Any, same: bool) -> None:
    def check() -> None:
        check_same_account("work", replace(LOGIN, **known), replace(LOGIN, **saved))

    if same:
        check()
        return
    with pytest.raises(ReloginRequired, match=r"'work' now belongs to another account"):
        check()


@pytest.mark.parametrize(
    ("kind", "told"),
    [(Kind.REFUSED, "the server refused it"), (Kind.RETRIED, "was interrupted"), (Kind.STARTED, None), (None, None)],
)
def test_a_token_known_to_be_dead_is_not_presented(kind: Optional[Kind], told: Optional[str]) -> None:
    known = kind and RefreshState(kind, refresh_state.fingerprint("rt_1"), 1, 2)
    if told is None:
        check_not_dead("work", LOGIN, known)
        return
    with pytest.raises(ReloginRequired, match=rf"{told}.* Run: cld login work$"):
        check_not_dead("work", LOGIN, known)


def test_a_journal_record_speaks_of_one_token() -> None:
    record = RefreshState(Kind.STARTED, refresh_state.fingerprint("rt_1"), 1795479759, 42)
    assert refresh_state.parse(str(record)) == record
    assert str(record) == "started.{}.1795479759.42".format(refresh_state.fingerprint("rt_1"))
    assert len(record.fingerprint) == 16 and "rt_1" not in str(record)
    assert record.applies_to("rt_1") and not record.applies_to("rt_2") and not record.applies_to(None)
    for text in ("", "started.x.1", "started.x.1.2.3", "other.x.1.2", "started.x.one.2", "started.x.1.two"):
        assert refresh_state.parse(text) is None
