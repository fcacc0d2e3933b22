"""The rules of saved configurations: reserved names, the default, and what saving and removing do to it."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudinary_cli.config.rules import (
    DefaultStatus,
    check_config_name,
    drop_dangling_default,
    drop_entry,
    is_reserved_config_name,
    put_entry,
    stored_default,
    user_config_names,
)
from cloudinary_cli.errors import ConfigError

A, B, C = "cloudinary://k:s@a", "cloudinary://k:s@b", "cloudinary://k:s@c"


@pytest.mark.parametrize(
    "name, told",
    [("__default__", "reserved"), ("__x__", "reserved"), ("____", "reserved"), ("__", "reserved"), ("", "empty")],
)
def test_reserved_and_empty_names_are_refused(name: str, told: str) -> None:
    cfg: Dict[str, Any] = {"a": A}
    with pytest.raises(ConfigError, match=f"{told}.*(Give a name|Choose another)"):
        put_entry(cfg, name, B, True, False)
    assert cfg == {"a": A}


@pytest.mark.parametrize("name", ["a b", "a/b", "?", "-x", "__x", "x__", "_", "ünï", "a\tb"])
def test_other_names_are_free(name: str) -> None:
    assert check_config_name(name) == name and not is_reserved_config_name(name)
    assert user_config_names({"__default__": name, name: A, "__future__": 1}) == [name]


@pytest.mark.parametrize(
    "cfg, default",
    [
        ({"a": A, "__default__": "a"}, "a"),
        ({"a": A}, None),
        ({"a": A, "__default__": "gone"}, None),
        ({"a": A, "__default__": 7, 7: A}, None),
        ({"a": A, "__default__": None}, None),
        ({"a": A, "__default__": "__default__"}, None),
        ({"a": A, "__default__": "__future__", "__future__": A}, None),
    ],
)
def test_the_default_is_a_saved_entry_or_none(cfg: Dict[str, Any], default: Any) -> None:
    assert stored_default(cfg) == default
    rest = {name: value for name, value in cfg.items() if name != "__default__"}
    drop_dangling_default(cfg)
    assert cfg == ({**rest, "__default__": default} if default else rest)


def test_a_sole_entry_becomes_the_default_where_the_environment_names_none() -> None:
    cfg: Dict[str, Any] = {}
    assert put_entry(cfg, "a", A, False, env_configured=True) is DefaultStatus.NO
    assert put_entry(cfg, "a", A, False, env_configured=False) is DefaultStatus.MADE
    assert put_entry(cfg, "a", B, False, env_configured=False) is DefaultStatus.ALREADY
    assert put_entry(cfg, "b", B, False, env_configured=False) is DefaultStatus.NO
    assert put_entry(cfg, "b", B, True, env_configured=True) is DefaultStatus.MADE
    assert cfg == {"a": B, "b": B, "__default__": "b"}


def test_one_of_several_entries_is_never_the_default_by_itself() -> None:
    cfg: Dict[str, Any] = {"a": A}
    assert put_entry(cfg, "b", B, False, env_configured=False) is DefaultStatus.NO
    assert cfg == {"a": A, "b": B}


def test_a_dangling_default_does_not_prevent_a_new_default() -> None:
    cfg: Dict[str, Any] = {"__default__": "gone"}
    assert put_entry(cfg, "a", A, False, env_configured=False) is DefaultStatus.MADE
    cfg = {"__default__": "gone", "a": A}
    assert put_entry(cfg, "b", B, False, env_configured=False) is DefaultStatus.NO
    assert cfg == {"a": A, "b": B}, "and it does not come back when an entry of that name does"


@pytest.mark.parametrize(
    "cfg, env_configured, left",
    [
        ({"a": A, "b": B, "__default__": "a"}, False, {"b": B, "__default__": "b"}),
        ({"a": A, "b": B, "__default__": "a"}, True, {"b": B}),  # the environment is a choice already
        ({"a": A, "b": B, "c": C, "__default__": "a"}, False, {"b": B, "c": C}),
        ({"a": A, "b": B, "__default__": "b"}, False, {"b": B, "__default__": "b"}),
        ({"a": A, "b": B}, False, {"b": B}),  # no default before, none after
        ({"a": A, "b": B, "__default__": "gone"}, False, {"b": B}),
        ({"a": A, "__default__": "a"}, False, {}),
    ],
)
def test_after_a_removal_the_only_remaining_entry_becomes_the_default(
    cfg: Dict[str, Any], env_configured: bool, left: Dict[str, Any]
) -> None:
    assert drop_entry(cfg, "a", env_configured) is True
    assert cfg == left


def test_a_missing_entry_and_a_reserved_key_are_not_removed() -> None:
    cfg: Dict[str, Any] = {"a": A, "__default__": "a", "__future__": "kept"}
    for name in ("b", "__default__", "__future__"):
        assert drop_entry(cfg, name, False) is False
    assert cfg == {"a": A, "__default__": "a", "__future__": "kept"}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans()), max_size=8))
def test_the_default_always_names_a_saved_entry(steps: List[Tuple[str, bool, bool]]) -> None:
    cfg: Dict[str, object] = {"__future__": "kept"}
    for name, remove, flag in steps:
        if remove:
            drop_entry(cfg, name, flag)
        else:
            put_entry(cfg, name, "cloudinary://c", flag, False)
        assert "__default__" not in cfg or stored_default(cfg) is not None
        assert cfg["__future__"] == "kept" and not any(map(is_reserved_config_name, user_config_names(cfg)))
