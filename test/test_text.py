"""Escaping, redaction and JSON text."""

from __future__ import annotations

import json

import pytest

from cloudinary_cli import defaults
from cloudinary_cli.auth.flow import build_authorize_url
from cloudinary_cli.text import one_line, printable, redact, secrets_in, to_json


@pytest.mark.parametrize(
    "text, shown",
    [
        ("cloudinary://k:S3CRET@c", "cloudinary://k:****@c"),
        ("cloudinary://k:S3@CRET@c?x=1", "cloudinary://k:****@c?x=1"),
        ("account://k:S3CRET@id and http://u:S3CRET@h", "account://k:****@id and http://u:****@h"),
        ("'api_secret': 'S3CRET'", "'api_secret': '****'"),
        ('"oauth_token": "S3CRET"', '"oauth_token": "****"'),
        ("?refresh_token=S3CRET&x=1", "?refresh_token=****&x=1"),
        ("Authorization: Bearer S3CRET", "Authorization: Bearer ****"),
        ("got eyJhbGci.eyJzdWI.c2ln!", "got ****!"),
        ("auth_token[key]=S3CRET", "auth_token[key]=****"),
    ],
)
def test_redact(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_an_empty_value_of_a_secret_hides_nothing() -> None:
    secrets = secrets_in(["-o", "password", "", "-o", "api_secret", " ", "client_secret= ", "api_secret", "S3 CRET"])
    assert redact("error: no such file, S3 CRET", secrets) == "error: no such file, ****"


@pytest.mark.parametrize(
    "text",
    [
        defaults.NO_CONFIG_MESSAGE,
        defaults.INCOMPLETE_CONFIG_MESSAGE,
        "https://h/path?email=a@b",
        "see http://host:80/x",
        build_authorize_url("challenge", "state", "http://127.0.0.1:49421/callback", "api"),
    ],
)
def test_guidance_and_login_urls_pass_unchanged(text: str) -> None:
    assert redact(text) == text


def test_printable_keeps_tab_and_newline_only() -> None:
    assert printable("a\tb\n\x1b[1m\x07\r\x9b\u202e") == "a\tb\n\\x1b[1m\\x07\\r\\x9b\\u202e"
    assert one_line("a\tb\nc") == "a\\tb\\nc"
    assert one_line("x" * 300) == "x" * 197 + "..."
    assert one_line("x" * 300, None) == "x" * 300


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "iso-8859-1", None, "no-such-encoding"])
def test_json_has_plain_characters_where_the_stream_can_carry_them(encoding: str) -> None:
    value = {"é": "日本\u202e\x9b\ud800\u2028"}
    text = to_json(value, encoding)
    assert json.loads(text) == value
    assert ("日本" in text) is (encoding == "utf-8")
    assert not set("\u202e\x9b\ud800\u2028") & set(text)
    text.encode("utf-8" if encoding == "utf-8" else "ascii")
