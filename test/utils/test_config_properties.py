"""Properties of the URL codec and of masking, over generated input."""

from __future__ import annotations

from typing import Dict, List, Tuple
from urllib.parse import parse_qsl, urlencode

import pytest

from cloudinary_cli.auth.session import Session, from_cloudinary_url, to_cloudinary_url, with_tokens
from cloudinary_cli.utils import config_url, config_view
from cloudinary_cli.utils.config_rules import (
    drop_entry,
    is_reserved_config_name,
    put_entry,
    stored_default,
    user_config_names,
)

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
def test_c3_a_mask_shows_at_most_four_characters_and_no_length(secret: str) -> None:
    masked = config_view.mask(secret)
    assert masked in ("****", "****" + secret[-4:])
    assert len(secret) >= 16 or masked == "****"


@quick
@hypothesis.given(printable_ascii, st.sampled_from(["api_secret", "oauth_token", "x_password", "auth_token"]))
def test_c2_no_view_shows_more_than_the_tail(secret: str, key: str) -> None:
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
def test_c2_no_view_shows_a_password_inside_a_value(password: str, user: str) -> None:
    password = f"<<{password}>>"
    fields = {"api_proxy": f"http://{user}:{password}@host:1", "other": f"{user}:{password}@host"}
    assert password not in config_view.text(fields, 0) + str(config_view.details(fields, 0))


@quick
@hypothesis.given(st.one_of(st.integers(), text, st.floats(), st.booleans(), st.none()))
def test_c7_no_time_breaks_a_view(value: object) -> None:
    fields = {"cloud_name": "c", "issued_at": value, "expires_at": value}
    assert "cloud_name:" in config_view.text(fields, 1e9)
    assert config_view.details(fields, 1e9)["cloud_name"] == "c"


@quick
@hypothesis.given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans()), max_size=8))
def test_the_default_always_names_a_saved_entry(steps: List[Tuple[str, bool, bool]]) -> None:
    cfg: Dict[str, object] = {"__future__": "kept"}
    for name, remove, flag in steps:
        if remove:
            drop_entry(cfg, name, flag)
        else:
            put_entry(cfg, name, "cloudinary://c", flag, False)
        assert "__default__" not in cfg or stored_default(cfg) is not None
        assert cfg["__future__"] == "kept" and not any(map(is_reserved_config_name, user_config_names(cfg)))
