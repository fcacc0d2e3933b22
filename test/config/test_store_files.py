"""config.json on the disk: modes, the home directory, symbolic links."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cloudinary_cli import defaults
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ConfigFileError
from cloudinary_cli.utils import config_utils
from test.support.config_files import A, B, mode_of, posix, python, write

# -- modes


@posix
def test_every_file_is_private_from_its_creation(store: ConfigStore, home: Path) -> None:
    script = """
        import os, sys
        from cloudinary_cli.config.store import ConfigStore
        fsync, replace = os.fsync, os.replace
        def printing_fsync(handle):  # the content is written, and no mode has been set yet
            print(oct(os.fstat(handle).st_mode & 0o777))
            fsync(handle)
        def printing_replace(source, target):  # the last moment of the temporary file
            print(oct(os.stat(source).st_mode & 0o777))
            replace(source, target)
        os.fsync, os.replace = printing_fsync, printing_replace
        os.umask(0)
        store = ConfigStore(sys.argv[1])
        with store.reserve("r") as pending:
            print(oct(os.stat(pending.path).st_mode & 0o777))
            with store.transaction(pending) as cfg:
                cfg["a"] = "x"
        store.save({"a": "y"})
    """
    done = python(script, store.path)
    out, err = done.communicate(timeout=30)
    written = ["0o600", "0o600", "0o700"]  # the file at fsync() and before its renaming, then its directory
    # On a file system without fallocate(), the reservation is flushed too, which prints its mode once more.
    assert out.split()[-7:] == ["0o600", *written, *written] and set(out.split()[:-7]) <= {"0o600"}, err
    assert [mode_of(home), mode_of(store.path), mode_of(store.path + ".lock")] == [0o700, 0o600, 0o600]


@posix
def test_a_file_that_others_can_read_is_tightened_by_a_read(store: ConfigStore) -> None:
    path = write(store, {"a": A})
    path.chmod(0o644)
    assert store.load() == {"a": A}
    assert mode_of(path) == 0o600


@posix
def test_the_standard_home_directory_is_tightened_by_a_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CLOUDINARY_HOME")
    directory = tmp_path / "user" / ".cloudinary-cli"
    directory.mkdir(mode=0o755)
    config_utils.save_config({"a": A})
    assert mode_of(directory) == 0o700 and (directory / "config.json").exists()


def test_an_empty_home_variable_does_not_put_secrets_into_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("CLOUDINARY_HOME", "")
    config_utils.save_config({"a": A})
    assert list((tmp_path / "cwd").iterdir()) == []
    assert (tmp_path / "user" / ".cloudinary-cli" / "config.json").exists()


def test_a_changed_home_takes_effect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config_utils.update_config({"a": A})
    monkeypatch.setenv("CLOUDINARY_HOME", str(tmp_path / "other"))
    assert config_utils.load_config() == {}
    config_utils.update_config({"b": B})
    assert json.loads((tmp_path / "other" / "config.json").read_text()) == {"b": B}
    assert str(tmp_path / "other" / "config.json") == defaults.CLOUDINARY_CLI_CONFIG_FILE


# -- links


@posix
def test_a_link_stays_a_link_and_its_target_is_replaced(store: ConfigStore, home: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "real.json"
    real.parent.mkdir()
    real.write_text(json.dumps({"a": A}))
    home.mkdir()
    os.symlink(real, store.path)
    store.save_named("b", B, False, False)
    assert os.path.islink(store.path) and os.readlink(store.path) == str(real)
    assert json.loads(real.read_text()) == {"a": A, "b": B}
    assert mode_of(real) == 0o600
    assert sorted(p.name for p in real.parent.iterdir()) == ["real.json", "real.json.lock"]


@posix
def test_a_dangling_link_is_an_error_not_an_empty_configuration(store: ConfigStore, home: Path) -> None:
    home.mkdir()
    os.symlink("/nonexistent/real.json", store.path)
    for action in (store.load, lambda: store.save_named("a", A, False, False)):
        with pytest.raises(ConfigFileError, match="config.json is a symbolic link to /nonexistent/real.json"):
            action()


@posix
def test_a_linked_lock_file_is_explained(store: ConfigStore, home: Path, tmp_path: Path) -> None:
    home.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.symlink(victim, store.path + ".lock")
    with pytest.raises(ConfigFileError, match=r"config\.json\.lock is a symbolic link\. Remove it: rm "):
        store.save({"a": A})
    assert victim.read_text() == "precious"
