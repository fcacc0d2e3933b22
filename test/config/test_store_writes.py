"""Writes of config.json: locks between real processes, crashes, full disks, interrupts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ConfigNotFound, LockTimeout
from cloudinary_cli.utils import config_utils
from test.support.config_files import A, B, content_of, posix, python, write

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
    """Hold the lock with a plain flock(2), as another implementation would."""
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


# A test cannot cut the power. The order of these calls determines the content of the disk after a power failure.
RECORDED = """
    import os, stat, sys
    from cloudinary_cli.config.store import ConfigStore
    fsync, replace = os.fsync, os.replace
    def printing_fsync(handle):
        is_directory = stat.S_ISDIR(os.fstat(handle).st_mode)
        print("directory" if is_directory else f"file of {os.fstat(handle).st_size}")
        fsync(handle)
    def printing_replace(source, target):
        print("rename", os.path.getsize(source))
        replace(source, target)
    os.fsync, os.replace = printing_fsync, printing_replace
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


@posix
def test_a_name_that_is_removed_while_the_command_waits_does_not_become_the_default(store: ConfigStore) -> None:
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
        time.sleep(0.3)  # a check before the lock would have run by now
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
