"""config.json: modes, links, locking between real processes, crashes, bad files, cache, migration."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from cloudinary_cli import defaults
from cloudinary_cli.config.rules import DefaultStatus
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.console import Console, install_logging
from cloudinary_cli.errors import ConfigFileError, ConfigNotFound, LockTimeout
from cloudinary_cli.utils import config_utils

A, B, C = "cloudinary://k:s@a", "cloudinary://k:s@b", "cloudinary://k:s@c"
posix = pytest.mark.skipif(os.name != "posix", reason="file modes, links and signals of POSIX")


@pytest.fixture
def store(home: Path) -> ConfigStore:
    return ConfigStore(str(home / "config.json"), lock_timeout=5)


def content_of(store: ConfigStore) -> Dict[str, Any]:
    result: Dict[str, Any] = json.loads(Path(store.path).read_text(encoding="utf-8"))
    return result


def write(store: ConfigStore, data: Any) -> Path:
    path = Path(store.path)
    path.parent.mkdir(exist_ok=True)
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        path.write_text(json.dumps(data), encoding="utf-8")
    return path


def mode_of(path: Any) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def python(code: str, *args: str, **kw: Any) -> "subprocess.Popen[str]":
    """Another process, in the isolated home of the test."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *args],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **kw,
    )


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


# -- modes


@posix
def test_everything_is_private_from_birth(store: ConfigStore, home: Path) -> None:
    script = """
        import os, sys
        from cloudinary_cli.config.store import ConfigStore
        fsync, replace = os.fsync, os.replace
        def told_fsync(handle):  # the content is written, and no mode has been set yet
            print(oct(os.fstat(handle).st_mode & 0o777))
            fsync(handle)
        def told_replace(source, target):  # the last moment of the temporary file
            print(oct(os.stat(source).st_mode & 0o777))
            replace(source, target)
        os.fsync, os.replace = told_fsync, told_replace
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
    written = ["0o600", "0o600", "0o700"]  # the file before and at its renaming, then its directory
    # A file system without fallocate() flushes the reservation, and so tells one more mode.
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


def test_a_changed_home_is_honoured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
def test_a_link_into_nowhere_is_an_error_not_an_empty_configuration(store: ConfigStore, home: Path) -> None:
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


# -- the lock

HOLDER = """
    import fcntl, sys, time
    file = open(sys.argv[1], "a")
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def lock_held_by_another_process(path: str) -> Iterator[None]:
    """Plain flock(2), as any other implementation would take it."""
    Path(path).parent.mkdir(exist_ok=True)
    holder = python(HOLDER, path, stdin=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        yield
    finally:
        holder.communicate(input="", timeout=10)


@posix
def test_a_lock_held_too_long_is_an_error_that_names_the_file_and_changes_nothing(store: ConfigStore) -> None:
    path = write(store, {"a": A})
    short = ConfigStore(store.path, lock_timeout=0.3)
    with lock_held_by_another_process(store.path + ".lock"):
        assert short.load() == {"a": A}, "reading needs no lock"
        with pytest.raises(LockTimeout, match=r"locked by another process \(waited 0\.3 s for .*config\.json\.lock\)"):
            short.save_named("b", B, False, False)
        assert LockTimeout.exit_code == 75
    assert json.loads(path.read_text()) == {"a": A}
    short.save_named("b", B, False, False)
    assert "b" in content_of(store)


@posix
def test_the_lock_is_the_flock_that_others_see_and_is_reentrant(store: ConfigStore) -> None:
    import fcntl

    with store.lock(), store.lock():
        with store.transaction() as cfg:
            cfg["a"] = A
        with open(store.path + ".lock") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open(store.path + ".lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert os.path.getsize(store.path + ".lock") == 0


def test_threads_do_not_lose_each_others_changes(store: ConfigStore) -> None:
    def save(number: int) -> None:
        for turn in range(5):
            store.save_named(f"t{number}.{turn}", A, False, False)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(config_utils.user_config_names(content_of(store))) == 40


WRITER = """
    import sys
    from cloudinary_cli.config.store import ConfigStore
    store = ConfigStore(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(5):
        store.save_named(f"p{sys.argv[2]}.{turn}", "cloudinary://k:s@c", False, False)
"""


def test_many_processes_save_at_once_and_nothing_is_lost(store: ConfigStore) -> None:
    writers = [python(WRITER, store.path, str(number), stdin=subprocess.PIPE) for number in range(14)]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    assert errors == [""] * 14
    cfg = content_of(store)
    assert len(config_utils.user_config_names(cfg)) == 70
    assert cfg["__default__"].endswith(".0"), "exactly the first one became the default"
    assert [p.name for p in Path(store.path).parent.iterdir() if p.name.startswith(".tmp-")] == []


ENDLESS_WRITER = """
    import sys
    from cloudinary_cli.config.store import ConfigStore
    store = ConfigStore(sys.argv[1])
    turn = 0
    while True:
        turn += 1
        store.save_named(f"{sys.argv[2]}.{turn}", "cloudinary://k:s@c?pad=" + "x" * 20000, False, False)
        print(turn, flush=True)
"""


@posix
def test_a_killed_writer_leaves_a_whole_file_and_no_lost_entry(store: ConfigStore) -> None:
    store.save({"precious": A})
    for life in range(8):
        writer = python(ENDLESS_WRITER, store.path, str(life))
        assert writer.stdout is not None
        last = int(writer.stdout.readline())
        time.sleep(0.002 * life)  # a different moment of the write each time
        writer.kill()
        reported = [int(line) for line in writer.stdout.read().split()]
        writer.communicate(timeout=10)
        last = max([last, *reported])
        cfg = content_of(store)
        assert cfg["precious"] == A
        assert {f"{life}.{turn}" for turn in range(1, last + 1)} <= set(cfg)
        store.save_named(f"after {life}", A, False, False)  # the kernel has freed the lock
    leftovers = [p.name for p in Path(store.path).parent.iterdir() if p.name.startswith(".tmp-")]
    assert leftovers == [], "the next write cleans up what a killed one left"


FULL_DISK = """
    import resource, signal, sys
    from cloudinary_cli.errors import ConfigFileError
    from cloudinary_cli.config.store import ConfigStore
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    store = ConfigStore(sys.argv[1])
    try:
        if sys.argv[2] == "reserve":
            store.reserve("r")
        else:
            store.save_named("big", "cloudinary://k:s@c?x=" + "y" * int(sys.argv[2]), False, False)
    except ConfigFileError as error:
        print(error)
"""


@posix
@pytest.mark.parametrize("what", ["4200", "100000", "reserve"])
def test_a_full_disk_leaves_the_old_file_and_no_temporary_one(store: ConfigStore, what: str) -> None:
    path = write(store, {"a": A})
    before = path.read_bytes()
    out, err = python(FULL_DISK, store.path, what).communicate(timeout=30)
    assert out.startswith(f"Cannot write {path}: ") and "It was not changed." in out, err
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) in (["config.json"], ["config.json", "config.json.lock"])


# A power cut cannot be made in a test; what a disk would keep follows from the order of these calls.
RECORDED = """
    import os, stat, sys
    from cloudinary_cli.config.store import ConfigStore
    fsync, replace = os.fsync, os.replace
    def told_fsync(handle):
        is_directory = stat.S_ISDIR(os.fstat(handle).st_mode)
        print("directory" if is_directory else f"file of {os.fstat(handle).st_size}")
        fsync(handle)
    def told_replace(source, target):
        print("rename", os.path.getsize(source))
        replace(source, target)
    os.fsync, os.replace = told_fsync, told_replace
    ConfigStore(sys.argv[1]).save({"a": "x" * 70})
"""


@posix
def test_content_then_rename_then_directory_reach_the_disk(store: ConfigStore) -> None:
    out, err = python(RECORDED, store.path).communicate(timeout=30)
    size = os.path.getsize(store.path)
    assert out.splitlines() == [f"file of {size}", f"rename {size}", "directory"], err


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_write_frees_the_lock_and_leaves_no_temporary_file(store: ConfigStore, number: int) -> None:
    script = """
        import signal, sys, time
        from cloudinary_cli.config.store import ConfigStore
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
        with ConfigStore(sys.argv[1]).transaction() as cfg:
            cfg["a"] = "changed"
            print("inside", flush=True)
            time.sleep(30)
    """
    path = write(store, {"a": A})
    writer = python(script, store.path)
    assert writer.stdout is not None and writer.stdout.readline() == "inside\n"
    writer.send_signal(number)
    writer.communicate(timeout=10)
    assert json.loads(path.read_text()) == {"a": A}
    ConfigStore(store.path, lock_timeout=1).save_named("b", B, False, False)
    assert sorted(p.name for p in path.parent.iterdir()) == ["config.json", "config.json.lock"]


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
    with open(path, "r+b") as file:  # in place, same size: what no other tool does, so the cache may not see it
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


def test_a_dangling_default_is_ignored_and_healed_by_the_next_write(store: ConfigStore) -> None:
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


@posix
def test_a_name_that_goes_while_the_command_waits_does_not_become_the_default(store: ConfigStore) -> None:
    path = write(store, {"a": A, "b": B})
    outcome = []

    def choose() -> None:
        try:
            store.set_default("a")
        except ConfigNotFound as error:
            outcome.append(error)

    with lock_held_by_another_process(store.path + ".lock"):
        waiting = threading.Thread(target=choose)
        waiting.start()
        time.sleep(0.3)  # a check before the lock would have been made by now
        path.write_text(json.dumps({"b": B}))
    waiting.join(20)
    assert [error.name for error in outcome] == ["a"] and content_of(store) == {"b": B}


@posix
@pytest.mark.parametrize(
    "change", ['store.save_named("n", "x", True, False)', 'store.remove_named("a", False)', 'store.set_default("b")']
)
def test_entry_and_default_change_in_one_write(store: ConfigStore, change: str) -> None:
    write(store, {"a": A, "b": B, "__default__": "a"})
    script = RECORDED.replace(
        'ConfigStore(sys.argv[1]).save({"a": "x" * 70})', f"store = ConfigStore(sys.argv[1]); {change}"
    )
    out, err = python(script, store.path).communicate(timeout=30)
    assert sum(line.startswith("rename") for line in out.splitlines()) == 1, err
    assert content_of(store)["__default__"] in ("n", "b")


def test_bad_entries_do_not_break_the_work_on_others(store: ConfigStore) -> None:
    write(store, {"n": 1, "o": {"x": 1}, "u": None, "g": "garbage", "__default__": "g"})
    assert store.save_named("a", A, False, False) is DefaultStatus.NO
    assert store.remove_named("g", False) and store.remove_named("n", False)
    assert content_of(store) == {"o": {"x": 1}, "u": None, "a": A}
    assert [config_utils.config_type(value) for value in (1, None, {"x": 1}, "garbage")] == ["api_key"] * 4


def test_module_functions_over_the_present_home() -> None:
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


# -- the old format's file


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    path = tmp_path / "user" / ".cloudinary-cli-config"
    assert str(path) == defaults.legacy_config_file()
    return path


def test_the_old_file_is_merged_and_deleted(store: ConfigStore, legacy: Path) -> None:
    write(store, {"a": A, "b": B, "__default__": "b"})
    legacy.write_text(json.dumps({"a": C, "old": A, "__default__": "old"}))
    assert config_utils.migrate_old_config() is True
    assert content_of(store) == {"a": C, "b": B, "__default__": "old", "old": A}
    assert not legacy.exists()
    assert config_utils.migrate_old_config() is False


@pytest.mark.parametrize("data", [b"{", b"[]", b"", b"\xff"])
def test_a_corrupt_old_file_is_named_kept_and_stops_nothing(
    store: ConfigStore, legacy: Path, data: bytes, cld: Any
) -> None:
    legacy.write_bytes(data)
    done = cld("config", "-ls", "--json")
    assert (done.code, done.out) == (0, "[]\n")
    assert done.err.startswith(f"warning: {legacy} ") and "Traceback" not in done.err and done.err.count("\n") == 1
    assert legacy.read_bytes() == data
    assert cld("--version").code == 0


def test_an_old_file_that_cannot_be_taken_over_now_is_kept(store: ConfigStore, legacy: Path, cld: Any) -> None:
    write(store, b"{")
    legacy.write_text(json.dumps({"old": A}))
    done = cld("-c", "cloudinary://k:s@c", "config", "-ud")
    assert done.code == 1 and "config.json is not valid JSON" in done.err
    assert json.loads(legacy.read_text()) == {"old": A} and Path(store.path).read_bytes() == b"{"


def test_many_first_commands_take_the_old_file_over_once(store: ConfigStore, legacy: Path) -> None:
    write(store, {"a": A})
    legacy.write_text(json.dumps({"old": B}))
    script = "import sys; from cloudinary_cli.cli import main; sys.exit(main(['config', '-ls']))"
    commands = [python(script) for _ in range(8)]
    results = [(*command.communicate(timeout=60), command.returncode) for command in commands]
    assert [(code, err) for _, err, code in results] == [(0, "")] * 8
    assert all("old" in out for out, _, _ in results)
    assert content_of(store) == {"a": A, "old": B} and not legacy.exists()
