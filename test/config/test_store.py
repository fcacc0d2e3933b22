"""config.json as a store: its format, the cache, names and the default."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudinary_cli.config.rules import DefaultStatus
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ConfigNotFound
from cloudinary_cli.utils import config_utils
from test.support.config_files import A, B, C, content_of, write

# -- format


def test_format_is_an_object_with_indent_two_in_insertion_order_without_a_final_newline(store: ConfigStore) -> None:
    store.save({"b": B, "ä": A})
    assert Path(store.path).read_bytes() == f'{{\n  "b": "{B}",\n  "ä": "{A}"\n}}'.encode()


def test_a_new_value_keeps_its_place_and_unknown_reserved_keys_survive(store: ConfigStore) -> None:
    write(store, {"a": A, "__future__": {"x": 1}, "b": B})
    store.save_named("a", C, False, False)
    assert list(content_of(store).items()) == [("a", C), ("__future__", {"x": 1}), ("b", B)]


def test_a_name_that_is_not_utf8_does_not_make_the_file_unreadable(store: ConfigStore) -> None:
    name = b"\xff\xe9".decode("utf-8", "surrogateescape")
    store.save_named(name, A, False, False)
    assert ConfigStore(store.path).load() == {name: A, "__default__": name}
    store.save_named("b", B, False, False)
    assert ConfigStore(store.path).load()[name] == A


def test_a_missing_file_is_empty_and_reading_creates_nothing(store: ConfigStore, home: Path) -> None:
    assert store.load() == {} and store.mtime() == 0
    assert not home.exists()


# -- the cache


def test_a_load_returns_a_copy(store: ConfigStore) -> None:
    write(store, {"a": A})
    store.load()["b"] = B
    assert store.load() == {"a": A}


def test_the_cache_is_used_while_the_file_is_the_same(store: ConfigStore) -> None:
    path = write(store, {"a": A})
    assert store.load() == {"a": A}
    stamp = path.stat()
    data = path.read_bytes()
    with open(path, "r+b") as file:  # in place with the same size, which no tool does
        file.write(data.replace(b"@a", b"@z"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert store.load() == {"a": A}
    assert store.load_fresh() == {"a": A.replace("@a", "@z")}


def test_a_change_by_another_process_is_seen(store: ConfigStore) -> None:
    store.save({"a": A})
    assert store.load() == {"a": A}
    ConfigStore(store.path).save({"b": B})
    assert store.load() == {"b": B}


def test_a_replacement_of_the_same_size_in_the_same_tick_is_seen(store: ConfigStore) -> None:
    store.save({"a": A})
    assert store.load() == {"a": A}
    before = os.stat(store.path)
    ConfigStore(store.path).save({"a": B})
    os.utime(store.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(store.path)
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    assert store.load() == {"a": B}


def test_mtime_is_in_nanoseconds(store: ConfigStore) -> None:
    store.save({"a": A})
    assert store.mtime() == os.stat(store.path).st_mtime_ns > 10**18


def test_nothing_is_written_when_the_block_of_a_transaction_raises_or_changes_nothing(store: ConfigStore) -> None:
    path = write(store, {"a": A})
    before = path.stat()
    with pytest.raises(KeyError), store.transaction() as cfg:
        cfg["b"] = B
        raise KeyError
    with store.transaction() as cfg:
        cfg["a"] = str(A)
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


# -- names and the default


def test_a_dangling_default_is_ignored_and_replaced_by_the_next_write(store: ConfigStore) -> None:
    for dangling in ("gone", 7, None, "__default__"):
        write(store, {"__default__": dangling})
        assert store.load() == {}
        assert store.save_named("a", A, False, False) is DefaultStatus.MADE
        assert content_of(store) == {"a": A, "__default__": "a"}


def test_the_default_is_checked_under_the_lock(store: ConfigStore) -> None:
    write(store, {"a": A})
    assert store.load() == {"a": A}
    with pytest.raises(ConfigNotFound):
        store.set_default("b")
    with pytest.raises(ConfigNotFound):
        store.set_default("__default__")
    store.set_default("a")
    assert config_utils.get_default_config_name() == "a"
    assert store.clear_default() and not store.clear_default()


def test_bad_entries_do_not_break_the_work_on_others(store: ConfigStore) -> None:
    write(store, {"n": 1, "o": {"x": 1}, "u": None, "g": "garbage", "__default__": "g"})
    assert store.save_named("a", A, False, False) is DefaultStatus.NO
    assert store.remove_named("g", False) and store.remove_named("n", False)
    assert content_of(store) == {"o": {"x": 1}, "u": None, "a": A}
    assert [config_utils.config_type(value) for value in (1, None, {"x": 1}, "garbage")] == ["api_key"] * 4


def test_module_functions_use_the_current_home() -> None:
    config_utils.update_config({"a": A, "b": B})
    config_utils.set_default_config("a")
    assert config_utils.remove_config_keys("b", "zz") == ["zz"]
    assert config_utils.save_named_config("c", C) is DefaultStatus.NO
    assert config_utils.user_config_names() == ["a", "c"]
    assert config_utils.remove_named_config("a")
    assert config_utils.get_default_config_name() == "c"
    assert config_utils.clear_default_config()
    with config_utils.config_lock():
        config_utils.update_config({"d": A})
    assert config_utils.config_mtime() > 0
    assert config_utils.is_env_configured({"CLOUDINARY_CLOUD_NAME": "x"})
