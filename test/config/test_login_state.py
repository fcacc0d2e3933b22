"""The state of a login as its entry tells it, in the inventory and in the warning about logins that end soon."""

from __future__ import annotations

import re
from typing import Any, Dict, Optional

import pytest

from cloudinary_cli.auth.session import Session, to_cloudinary_url
from cloudinary_cli.config.inventory import ConfigRow, inventory
from cloudinary_cli.config.inventory_table import render_config_table, renewal_warning
from cloudinary_cli.config.login_state import State
from cloudinary_cli.config.refresh_state import Kind, RefreshState, fingerprint
from cloudinary_cli.config.resolver import Selection, resolve
from cloudinary_cli.config.url import replace_query

NOW = 1_795_480_000
DAY = 86400
KEYS = ["name", "cloud_name", "type", "source", "default", "active"]


def login(left: int = 3600, issued: int = NOW - 300, refresh: Optional[str] = "rt", **changes: Any) -> str:
    return to_cloudinary_url(Session("acme", "at", refresh, issued, NOW + left, **changes))


def with_record(url: str, kind: Kind) -> str:
    return replace_query(url, {"refresh_state": str(RefreshState(kind, fingerprint("rt"), 1, 1))})


def row_of(url: str) -> ConfigRow:
    (row,) = inventory({"work": url}, resolve(Selection(), {}, {}), {}, NOW)
    return row


@pytest.mark.parametrize(
    "url, state, renewable",
    [
        (login(), State.VALID, True),
        (login(key_id="key-1"), State.VALID, True),
        (login(left=10), State.REFRESHABLE, True),
        (login(left=-3600), State.REFRESHABLE, True),
        (login(left=-3600, refresh=None), State.NEEDS_LOGIN, False),
        (login(left=10, refresh=None), State.VALID, False),
        (with_record(login(left=-3600), Kind.STARTED), State.REFRESHABLE, True),
        (with_record(login(left=-3600), Kind.RETRIED), State.NEEDS_LOGIN, False),
        (with_record(login(), Kind.RETRIED), State.VALID, False),
        (with_record(login(left=-3600), Kind.REFUSED), State.NEEDS_LOGIN, False),
        (with_record(login(), Kind.REFUSED), State.NEEDS_LOGIN, False),
        (with_record(login(left=-3600, refresh="rt2"), Kind.REFUSED), State.REFRESHABLE, True),
        (login(left=-3600) + "&refresh_state=nonsense", State.REFRESHABLE, True),
        ("cloudinary://acme?oauth_token=&refresh_token=rt&issued_at=1&expires_at=2", State.NEEDS_LOGIN, False),
        ("cloudinary://acme?oauth_token=at&refresh_token=rt", State.REFRESHABLE, False),
        ("cloudinary://acme?oauth_token=at&refresh_token=rt&expires_at=" + "9" * 5000, State.REFRESHABLE, False),
    ],
    ids=[
        "fresh",
        "encrypted",
        "about to expire",
        "expired",
        "expired, no refresh token",
        "no refresh token",
        "started",
        "interrupted twice",
        "interrupted twice, fresh",
        "refused",
        "refused, fresh",
        "another token refused",
        "unreadable record",
        "no token",
        "no times",
        "absurd time",
    ],
)
def test_the_list_shows_the_state_of_a_login(url: str, state: State, renewable: bool) -> None:
    row = row_of(url).as_json()
    assert list(row) == [*KEYS, "state", "expires_at", "scopes", "renewable_until"]
    assert row["state"] == state.value
    assert row["renewable_until"] == (NOW - 300 + 90 * DAY if renewable and "issued_at" in url else None)


def test_percent_encoded_keys_and_values_are_read() -> None:
    url = login(scopes="upload offline_access").replace("expires_at", "expires%5Fat")
    row = row_of(url).as_json()
    assert (row["state"], row["expires_at"], row["scopes"]) == ("valid", NOW + 3600, "upload offline_access")


def test_an_api_key_has_no_state() -> None:
    assert list(row_of("cloudinary://k:s@a?x=1").as_json()) == KEYS


def test_a_token_of_the_environment_is_not_renewable() -> None:
    environ = {"CLOUDINARY_URL": login()}
    (row,) = inventory({}, resolve(Selection(), {}, environ), environ, NOW)
    assert (row.as_json()["state"], row.as_json()["renewable_until"]) == ("valid", None)


def test_a_claimable_cloud_keeps_the_documented_meaning_of_its_keys() -> None:
    url = login() + "&claim_url=https%3A%2F%2Fx"
    row = row_of(url).as_json()
    assert row["claimable_cloud"] is True and row["expires_at"] == str(NOW + 3600)


def test_the_table_shows_state_expiry_renewal_and_scopes() -> None:
    snapshot: Dict[str, Any] = {
        "work": login(left=300, scopes="openid upload"),
        "dead": with_record(login(left=-1), Kind.REFUSED),
        "far": login(issued=10**17, left=10**17),
        "key": "cloudinary://k:s@c",
    }
    lines = render_config_table(inventory(snapshot, resolve(Selection(), {}, {}), {}, NOW), NOW).split("\n")
    assert re.split("  +", lines[0])[5:] == ["STATE", "EXPIRES IN", "RENEW BY", "SCOPES"]
    assert lines[1].split()[3:] == ["valid", "5m", "2027-02-22", "openid", "upload"]
    assert lines[2].split()[3:] == ["needs", "login"]
    assert "out of range" in lines[3] and lines[4].split() == ["key", "c", "api_key"]


@pytest.mark.parametrize("width, has_scopes", [(78, False), (80, False), (120, True)])
def test_the_table_omits_the_scopes_where_they_would_be_cut(width: int, has_scopes: bool) -> None:
    snapshot: Dict[str, Any] = {"work": login(left=300, scopes="openid upload"), "key": "cloudinary://k:s@c"}
    rows = inventory(snapshot, resolve(Selection(), {}, {}), {}, NOW)
    table = render_config_table(rows, NOW, width)
    assert ("openid upload" in table) is ("SCOPES" in table) is has_scopes
    assert "EXPIRES IN" in table and "2027-02-22" in table
    assert max(map(len, table.splitlines())) <= width
    assert "SCOPES:     openid upload" in render_config_table(rows, NOW, 40)


@pytest.mark.parametrize("days, warned", [(0, False), (75, False), (77, True), (95, True)])
def test_a_login_that_was_not_renewed_for_long_ends_soon(days: int, warned: bool) -> None:
    state = row_of(login(issued=NOW - days * DAY)).login
    assert state is not None and state.ends_soon(NOW) is warned


def test_the_warning_names_the_logins_and_the_command() -> None:
    assert renewal_warning({"two words": NOW}).endswith(
        "'two words': not used for long, and probably cannot be renewed after 2026-11-24. "
        "Renew now: cld config -r 'two words'"
    )
    many = renewal_warning({f"login{n}": NOW for n in range(7)})
    assert "and 2 more" in many and many.endswith("cld config -ra") and "login6" not in many
    assert "\x1b" not in renewal_warning({"\x1b[31m": NOW})
