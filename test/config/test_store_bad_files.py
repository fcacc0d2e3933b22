"""A config.json that cannot be used is named in an error and never changed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.console import Console
from cloudinary_cli.errors import ConfigFileError
from cloudinary_cli.logs import install_logging
from test.support.config_files import A, B, write

# -- bad files

BAD_FILES = [
    (b"{", "is not valid JSON"),
    (b" \n", "is empty"),
    (b"", "is empty"),
    (b"\0" * 64, "is empty"),
    (b"\xff{}", "is not UTF-8"),
    (b"[]", "does not hold a JSON object"),
    (b'"x"', "does not hold a JSON object"),
    (b"null", "does not hold a JSON object"),
    (b"[" * 100_000, "is (nested too deeply|not valid JSON)"),
]


@pytest.mark.parametrize("data, reason", BAD_FILES, ids=[repr(data[:4]) for data, _ in BAD_FILES])
def test_a_bad_file_is_named_and_never_touched(store: ConfigStore, data: bytes, reason: str) -> None:
    path = write(store, data)
    actions = (store.load, lambda: store.save_named("a", A, False, False), lambda: store.remove_named("a", False))
    for action in actions:
        with pytest.raises(ConfigFileError, match=f"config.json {reason}") as caught:
            action()
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == data


def test_a_byte_order_mark_is_read_with_a_warning_and_not_overwritten(store: ConfigStore) -> None:
    told = io.StringIO()
    install_logging(Console(stderr=told))
    data = b"\xef\xbb\xbf" + json.dumps({"a": A}).encode()
    path = write(store, data)
    assert store.load() == {"a": A}
    assert told.getvalue() == f"warning: {path} starts with a byte order mark. Save it as UTF-8 without BOM.\n"
    with pytest.raises(ConfigFileError, match="byte order mark"):
        store.save_named("b", B, False, False)
    assert path.read_bytes() == data


def test_a_directory_or_a_file_in_the_way_is_named(home: Path, tmp_path: Path) -> None:
    (home / "config.json").mkdir(parents=True)
    with pytest.raises(ConfigFileError, match=r"Cannot read .*config\.json: Is a directory\. Move it away\."):
        ConfigStore(str(home / "config.json")).load()
    (tmp_path / "file").write_text("x")
    store = ConfigStore(str(tmp_path / "file" / "config.json"))
    with pytest.raises(ConfigFileError, match=r"Cannot read .*config\.json: Not a directory"):
        store.load()
    with pytest.raises(ConfigFileError, match="Cannot use the directory .*file.*\\. Set CLOUDINARY_HOME to one"):
        store.save({"a": A})
