"""Masking, and the human and JSON views of one configuration."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from cloudinary_cli.config import view as config_view
from cloudinary_cli.config.view import details, duration, mask, mask_user_info, parse_time, text
from cloudinary_cli.utils import config_utils

LONG = "0123456789abcdefWXYZ"
NOW = 1_795_480_000


class TestConfigSecretMasking:
    @pytest.mark.parametrize(
        "secret, shown",
        [("s", "****"), ("12345", "****"), ("a" * 15, "****"), (LONG, "****WXYZ"), ("", "****"), (12345, "****")],
    )
    def test_fixed_width(self, secret: Any, shown: str) -> None:
        assert mask(secret) == shown

    @pytest.mark.parametrize(
        "key",
        """api_secret oauth_token refresh_token auth_token provisioning_api_secret client_secret password passwd
        passphrase private_key signature x_Secret_y encryption_key key id_token credentials""".split(),
    )
    def test_secret_keys(self, key: str) -> None:
        assert details({key: LONG}, NOW) == {key: "****WXYZ"}
        assert details({"outer": {key: LONG}}, NOW) == {"outer": {key: "****WXYZ"}}

    @pytest.mark.parametrize(
        "key", "api_key provisioning_api_key cloud_name private_cdn upload_prefix claim_url region issuer email".split()
    )
    def test_clear_keys(self, key: str) -> None:
        assert details({key: LONG}, NOW) == {key: LONG}

    def test_whatever_is_nested_under_a_secret_key_is_secret(self) -> None:
        fields = {"auth_token": {"key": LONG, "deep": {"x": [LONG]}}}
        assert details(fields, NOW) == {"auth_token": {"key": "****WXYZ", "deep": {"x": ["****WXYZ"]}}}
        assert LONG not in text(fields, NOW)

    @pytest.mark.parametrize(
        "value, shown",
        [
            ("http://u:pw@h:1", "http://u:****@h:1"),
            ("http://u:p@w/x?y#z@h:1/p", "http://u:****@h:1/p"),
            ("u:pw@h", "u:****@h"),
            ("http://:pw@h", "http://:****@h"),
            ("cloudinary://k:s@c", "cloudinary://k:****@c"),
            ("https://h/p?e=a@b", "https://h/p?e=a@b"),
            ("https://host:8080/path", "https://host:8080/path"),
            ("me@x.org", "me@x.org"),
        ],
    )
    def test_user_info(self, value: str, shown: str) -> None:
        assert mask_user_info(value) == shown
        assert details({"api_proxy": value}, NOW) == {"api_proxy": shown}

    def test_a_token_inside_another_value_is_masked(self) -> None:
        jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln"
        assert jwt not in text({"note": f"see {jwt}", "other": f"oauth_token={jwt}"}, NOW)

    def test_the_claim_url_is_shown_as_it_is(self) -> None:
        url = "https://127.0.0.1:8080/claim?token=abc&e=a@b"
        assert url in text({"claim_url": url}, NOW)


def test_text_is_aligned_and_omits_empty_and_internal_fields() -> None:
    fields = {
        "signature_version": 2,
        "cloud_name": "c",
        "api_key": None,
        "empty": "",
        "private_cdn": False,
        "signature_algorithm": "sha1",
        "_internal": 1,
        "refresh_state": "started.x.1.2",
        "upload_prefix": "http://h",
    }
    assert text(fields, NOW).split("\n") == [
        "signature_version: 2",
        "cloud_name:        c",
        "private_cdn:       False",
        "upload_prefix:     http://h",
    ]
    assert details(fields, NOW) == {
        "signature_version": 2,
        "cloud_name": "c",
        "private_cdn": False,
        "upload_prefix": "http://h",
    }
    assert "sha256" in text({"signature_algorithm": "sha256"}, NOW)
    assert text({}, NOW) == ""


def test_times() -> None:
    fields = {"issued_at": "1795479759", "expires_at": "1795480059"}
    assert text(fields, NOW).split("\n") == [
        "issued_at:  1795479759 (2026-11-24 00:22:39 UTC)",
        "expires_at: 1795480059 (2026-11-24 00:27:39 UTC, valid)",
    ]
    assert text(fields, NOW + 59).endswith("UTC, expired)")
    assert details(fields, NOW + 59) == {
        "issued_at": {"epoch": 1795479759, "utc": "2026-11-24 00:22:39 UTC"},
        "expires_at": {"epoch": 1795480059, "utc": "2026-11-24 00:27:39 UTC", "expired": True},
    }


@pytest.mark.parametrize("value", ["99999999999999999", "-99999999999999999", 10**19])
def test_a_time_out_of_range_is_shown_as_a_number(value: Any) -> None:
    assert text({"expires_at": value}, NOW) == f"expires_at: {value} (out of range)"
    assert details({"expires_at": value}, NOW)["expires_at"] == {
        "epoch": int(value),
        "utc": None,
        "expired": int(value) < 0,
    }


@pytest.mark.parametrize("value", ["zzz", "9" * 5000, "2026-99-99", "12:00", "2026-01-01T25:00:00Z"])
def test_a_time_that_is_none_is_shown_as_text(value: str) -> None:
    assert details({"expires_at": value}, NOW) == {"expires_at": value}
    assert text({"expires_at": value}, NOW) == f"expires_at: {value}"


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-24T00:26:40Z",
        "2026-11-24 00:26:40",
        "2026-11-24T00:26:40.123456789Z",
        "2026-11-24T02:26:40+02:00",
        "2026-11-23T22:26:40-0200",
        "1795480000",
        1795480000,
    ],
)
def test_parse_time_on_every_python(value: Any) -> None:
    moment = parse_time(value)
    assert moment is not None and int(moment.timestamp()) == NOW


def test_iso_expiry_gets_a_countdown() -> None:
    iso = "2026-11-24T08:26:40Z"
    assert text({"expires_at": iso}, NOW) == f"expires_at: {iso} (expires in 8h)"
    assert text({"expires_at": iso}, NOW + 8 * 3600) == f"expires_at: {iso} (expired)"
    assert text({"issued_at": iso}, NOW) == f"issued_at: {iso}"
    assert details({"expires_at": iso}, NOW) == {"expires_at": iso}


@pytest.mark.parametrize(
    "seconds, shown",
    [(1, "1m"), (89, "1m"), (90, "2m"), (3599, "60m"), (3600, "1h"), (5400, "2h"), (86400, "24h"), (129600, "2d")],
)
def test_duration(seconds: int, shown: str) -> None:
    assert duration(seconds) == shown


def test_account_section() -> None:
    fields = {"cloud_name": "c", "account_url": f"account://pk:{LONG}@acc", "z": "1"}
    assert text(fields, NOW).split("\n") == [
        "cloud_name: c",
        "z:          1",
        "",
        "Account (provisioning) API:",
        "account_id:              acc",
        "provisioning_api_key:    pk",
        "provisioning_api_secret: ****WXYZ",
    ]
    assert details(fields, NOW)["account"] == {
        "account_id": "acc",
        "provisioning_api_key": "pk",
        "provisioning_api_secret": "****WXYZ",
    }


def test_an_unparsable_account_url_is_one_masked_line() -> None:
    fields = {"account_url": f"acount://pk:{LONG}@acc"}
    assert text(fields, NOW) == "account_url: acount://pk:****@acc"
    assert details(fields, NOW) == {"account_url": "acount://pk:****@acc"}


def test_control_characters_are_escaped_in_the_human_view() -> None:
    shown = text({"x\x1b[31m": "a\x1b]0;t\x07\nforged: line\u202e"}, NOW)
    assert "\n" not in shown and all(character.isprintable() for character in shown)


def test_functions_for_an_sdk_config() -> None:
    config = SimpleNamespace(_uri_scheme="x", cloud_name="c", refresh_token=LONG, issued_at="1", signature_version=2)
    assert config_utils.config_to_dict(config) == {
        "cloud_name": "c",
        "refresh_token": LONG,
        "issued_at": "1",
        "signature_version": 2,
    }
    shown = config_utils.show_cloudinary_config(config)
    assert "refresh_token:     ****WXYZ" in shown and "issued_at:         1 (1970-01-01 00:00:01 UTC)" in shown
    assert config_utils.cloudinary_config_details(config)["refresh_token"] == "****WXYZ"
    json.dumps(config_utils.cloudinary_config_details(config))


def test_a_bound_login_is_shown_without_being_refreshed() -> None:
    from cloudinary_cli.auth.oauth_config import OAuthConfig

    # Stale, and with a server that does not exist: a refresh would warn and fail.
    url = "cloudinary://c?oauth_token=tok&refresh_token=rt&expires_at=1&oauth_base_url=http%3A%2F%2F127.0.0.1%3A1"
    config_utils.update_config({"x": url})
    shown = config_utils.cloudinary_config_details(OAuthConfig.bind_saved("x", url))
    assert shown["oauth_token"] == "****" and shown["expires_at"]["expired"] is True
    assert shown["oauth_base_url"] == "http://127.0.0.1:1"
    assert config_view.config_to_dict(OAuthConfig.bind_saved("x", url))["oauth_token"] == "tok"
