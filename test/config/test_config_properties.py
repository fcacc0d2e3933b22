"""Properties of the URL codec and of masking, over generated input."""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from cloudinary_cli import text as text_utils
from cloudinary_cli.auth.refresh_rules import relogin_command
from cloudinary_cli.auth.session import Session, from_cloudinary_url, to_cloudinary_url, with_tokens
from cloudinary_cli.config import file as config_file
from cloudinary_cli.config import store as config_store
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config import view as config_view
from cloudinary_cli.config.rules import check_config_name, is_reserved_config_name
from cloudinary_cli.core.auth import login
from cloudinary_cli.errors import ConfigError, InvalidConfigUrl

pytest.importorskip("hypothesis")
import hypothesis  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

text = st.text(st.characters(max_codepoint=0xD7FF), max_size=30)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
pairs = st.lists(st.tuples(text.filter(bool), text), max_size=6)
printable_ascii = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
tokens = st.from_regex(r"[!-~]{1,80}", fullmatch=True)
quick = hypothesis.settings(max_examples=80, deadline=None)


@quick
@hypothesis.given(names, st.dictionaries(text.filter(bool), text, max_size=6))
def test_build_then_parse_gives_the_parts_back(cloud: str, params: Dict[str, str]) -> None:
    parsed = config_url.parse(config_url.build_config_url(cloud, params, "key", "secret"))
    assert (parsed.cloud_name, parsed.api_key, parsed.api_secret) == (cloud, "key", "secret")
    assert dict(parsed.query) == params


@quick
@hypothesis.given(names, pairs, st.dictionaries(st.sampled_from("abc"), st.one_of(st.none(), text), max_size=3))
def test_replace_query_changes_what_it_was_told_and_nothing_else(
    cloud: str, before: List[Tuple[str, str]], changes: Dict[str, "str | None"]
) -> None:
    url = f"cloudinary://{cloud}" + (f"?{urlencode(before)}" if before else "")
    after = parse_qsl(config_url.replace_query(url, changes).partition("?")[2], keep_blank_values=True)
    assert [pair for pair in after if pair[0] not in changes] == [pair for pair in before if pair[0] not in changes]
    assert {key: value for key, value in after if key in changes} == {k: v for k, v in changes.items() if v is not None}


@quick
@hypothesis.given(names, pairs, tokens, tokens)
def test_unknown_keys_survive_a_token_rotation(cloud: str, extra: List[Tuple[str, str]], old: str, new: str) -> None:
    extra = [(f"x{key}", value) for key, value in extra]
    session = Session(cloud, old, "rt_old", 1, 2, "api-eu", "https://issuer/")
    url = to_cloudinary_url(session) + "".join(f"&{urlencode([pair])}" for pair in extra)
    rotated = with_tokens(url, Session(cloud, new, "rt_new", 3, 4, "api-eu", "https://issuer/"))
    assert [pair for pair in config_url.parse(rotated).query if pair[0].startswith("x")] == extra
    again = from_cloudinary_url(rotated)
    assert (again.access_token, again.refresh_token, again.issued_at, again.expires_at) == (new, "rt_new", 3, 4)
    assert [key for key, _ in config_url.parse(rotated).query][:7] == [
        "oauth_token", "refresh_token", "issued_at", "expires_at", "region", "issuer", "upload_prefix",
    ]  # fmt: skip


@quick
@hypothesis.given(printable_ascii)
def test_a_mask_shows_at_most_four_characters_and_no_length(secret: str) -> None:
    masked = config_view.mask(secret)
    assert masked in ("****", "****" + secret[-4:])
    assert len(secret) >= 16 or masked == "****"


@quick
@hypothesis.given(printable_ascii, st.sampled_from(["api_secret", "oauth_token", "x_password", "auth_token"]))
def test_no_view_shows_more_than_the_tail(secret: str, key: str) -> None:
    secret = f"<<{secret}>>"
    fields = {
        "cloud_name": "c",
        key: secret,
        "outer": {key: secret},
        "auth_token_": {"key": secret},
        "list": [{key: secret}],
    }
    shown = config_view.text(fields, 0) + str(config_view.details(fields, 0))
    assert secret[:-4] not in shown


@quick
@hypothesis.given(printable_ascii, names)
def test_no_view_shows_a_password_inside_a_value(password: str, user: str) -> None:
    password = f"<<{password}>>"
    fields = {"api_proxy": f"http://{user}:{password}@host:1", "other": f"{user}:{password}@host"}
    assert password not in config_view.text(fields, 0) + str(config_view.details(fields, 0))


@quick
@hypothesis.given(st.one_of(st.integers(), text, st.floats(), st.booleans(), st.none()))
def test_no_time_breaks_a_view(value: object) -> None:
    fields = {"cloud_name": "c", "issued_at": value, "expires_at": value}
    assert "cloud_name:" in config_view.text(fields, 1e9)
    assert config_view.details(fields, 1e9)["cloud_name"] == "c"


anything = st.text(max_size=40)
urls = st.one_of(
    anything,
    st.builds("cloudinary://{}".format, anything),
    st.builds("{}://{}@{}/{}?{}#{}".format, st.sampled_from(["cloudinary", "Cloudinary", "account"]), *[anything] * 5),
    st.lists(st.sampled_from(list("aZ0:/?#@[]&=%+ \t\r\n\0é～") + ["cloudinary://", "%41"]), max_size=25).map("".join),
)


@hypothesis.settings(max_examples=400, deadline=None)
@hypothesis.given(urls)
def test_a_url_is_read_as_urlsplit_and_parse_qsl_read_it(url: str) -> None:
    try:
        expected = urlsplit(url)
    except ValueError:
        with pytest.raises(InvalidConfigUrl):
            config_url.parse(url)
        return
    parts = config_url._parts(url, "")
    assert parts == (expected.scheme, expected.netloc, expected.path, expected.query)
    try:
        parsed = config_url.parse(url)
    except InvalidConfigUrl as error:
        assert len(url) < 20 or url not in str(error), "it may hold a secret"
        return
    pairs = parse_qsl(expected.query, keep_blank_values=True)
    assert list(parsed.query) == pairs and parsed.keys() == [key for key, _ in pairs]
    for key, value in reversed(pairs):
        assert parsed.has(key)
        assert parsed.get(key) == next((v for k, v in pairs if k == key and v), "")
    assert (
        parsed.api_secret is None
        or len(parsed.api_secret) < 3
        or parsed.api_secret not in repr(parsed).replace(repr(parsed.cloud_name), "").replace(repr(parsed.api_key), "")
    )


@quick
@hypothesis.given(urls)
def test_any_saved_text_has_a_session_or_a_reason(url: str) -> None:
    try:
        session = from_cloudinary_url(url)
    except InvalidConfigUrl:
        return
    assert session.issued_at >= 0 or session.issued_at < 0
    assert not session.is_fresh(now=2**40) or session.expires_at > 2**40


@quick
@hypothesis.given(names, tokens, st.one_of(st.none(), tokens), st.integers(0, 2**33), st.integers(0, 2**33))
def test_a_session_comes_back(cloud: str, access: str, refresh: "str | None", issued: int, expires: int) -> None:
    session = Session(cloud, access, refresh, issued, expires, "api-eu", "https://i/?a=b&c#d", None, "https://api.x")
    assert from_cloudinary_url(to_cloudinary_url(session)) == session


rows = st.dictionaries(anything, st.one_of(anything, st.integers(), st.booleans(), st.none(), st.floats()), max_size=4)


@quick
@hypothesis.given(st.lists(st.one_of(rows, rows, st.just({"a": [1]}), st.just({})), max_size=5))
def test_the_quick_way_to_write_json_writes_the_same(value: List[Dict[str, Any]]) -> None:
    expected = json.dumps(value, indent=2, ensure_ascii=False)
    assert text_utils.to_json(value) == re.sub(
        text_utils._TERMINAL_UNSAFE, lambda match: f"\\u{ord(match.group(0)):04x}", expected
    )


@quick
@hypothesis.given(st.dictionaries(anything, st.one_of(anything, anything, st.integers()), max_size=5))
def test_config_json_is_written_with_an_indent_of_two(content: Dict[str, Any]) -> None:
    assert config_file.serialize(content).decode() == json.dumps(content, indent=2, ensure_ascii=False)


@quick
@hypothesis.given(anything)
def test_one_line_is_one_line_and_keeps_what_is_harmless(value: str) -> None:
    shown = text_utils.one_line(value, None)
    assert shown == re.sub(text_utils._UNSAFE_OR_BREAK, text_utils._escaped, value)
    assert len(shown.splitlines()) <= 1


@quick
@hypothesis.given(names, st.from_regex(r"S3[!$-.0-9:-<>@-~]{2,30}", fullmatch=True), names)
def test_no_log_line_shows_the_secret_of_a_url(user: str, secret: str, cloud: str) -> None:
    for url in (f"cloudinary://{user}:{secret}@{cloud}", f"account://{user}:{secret}@{cloud}"):
        for line in (url, f"x {url} y", f"['{url}']"):
            assert secret not in text_utils.redact(line).replace(user, "").replace(cloud, "")


@quick
@hypothesis.given(st.text(min_size=1, max_size=20))
@hypothesis.example("-x")
@hypothesis.example("--")
@hypothesis.example("a b'c")
def test_a_name_that_may_be_saved_can_be_saved_shown_and_typed(name: str) -> None:
    try:
        check_config_name(name)
    except ConfigError:
        assert is_reserved_config_name(name)
        return
    with tempfile.TemporaryDirectory() as directory:
        store = config_store.ConfigStore(str(Path(directory) / "config.json"))
        store.save_named(name, "cloudinary://c", True, False)
        assert store.load_fresh() == {name: "cloudinary://c", "__default__": name}
        assert store.remove_named(name, False) and store.load_fresh() == {}
    for region in ("api", "api-eu"):
        program, command, *args = shlex.split(relogin_command(name, region))
        assert (program, command) == ("cld", "login")
        typed = login.make_context("login", args).params
        assert typed["name"] == name and typed["region"] in (region, None)
