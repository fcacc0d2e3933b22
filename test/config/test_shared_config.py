"""config.json used under several names and by several processes, even where file locks have no effect."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any, List

import pytest

from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ConfigFileError
from cloudinary_cli.system.files import PendingFile, remove_orphan
from test.support.sandbox_client import SandboxClient

pytestmark = pytest.mark.skipif(os.name == "nt", reason="symbolic links and flock")

WRITER = """
    import os, sys, time
    if sys.argv[4] == "unlocked":
        # Patched: a network file system whose flock() has no effect cannot be mounted here.
        import fcntl
        fcntl.flock = lambda handle, operation: None
    from cloudinary_cli.config.store import ConfigStore
    store = ConfigStore(sys.argv[1])
    for turn in range(int(sys.argv[3])):
        with store.transaction() as cfg:
            assert cfg["precious"] == "kept", cfg
            cfg[f"{sys.argv[2]}.{turn}"] = "x" * 3000
    print("done")
"""


def start(*args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def homes(tmp_path: Path) -> List[Path]:
    """Three homes that share one config.json: the real one, a linked file, and a linked directory."""
    real, linked_file, linked_directory = (tmp_path / name for name in ("real", "linked-file", "linked-directory"))
    real.mkdir()
    linked_file.mkdir()
    (real / "config.json").write_text('{"precious": "kept"}')
    (linked_file / "config.json").symlink_to(real / "config.json")
    linked_directory.symlink_to(real)
    return [real, linked_file, linked_directory]


def test_homes_that_link_one_config_lose_nothing(homes: List[Path]) -> None:
    writers = [start(str(homes[number % 3] / "config.json"), str(number), "12", "locked") for number in range(6)]
    assert [writer.communicate(timeout=120) for writer in writers] == [("done\n", "")] * 6
    content = json.loads((homes[0] / "config.json").read_text())
    assert set(content) == {"precious", *(f"{number}.{turn}" for number in range(6) for turn in range(12))}
    assert (homes[1] / "config.json").is_symlink()
    assert sorted(path.name for path in homes[0].iterdir()) == ["config.json", "config.json.lock"]
    assert [path.name for path in homes[1].iterdir()] == ["config.json"]


def test_without_working_locks_the_file_is_whole_at_every_moment(homes: List[Path]) -> None:
    path = homes[0] / "config.json"
    seen: List[Any] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.append(json.loads(path.read_bytes())["precious"])

    reader = threading.Thread(target=read)
    reader.start()
    writers = [start(str(path), str(number), "20", "unlocked") for number in range(4)]
    ends = [writer.communicate(timeout=120) for writer in writers]
    stop.set()
    reader.join(30)
    assert ends == [("done\n", "")] * 4
    assert set(seen) == {"kept"} and len(seen) > 10
    assert [name.name for name in homes[0].iterdir() if name.name.startswith(".tmp-")] == []


def test_a_save_of_another_process_during_a_transaction_is_kept(homes: List[Path]) -> None:
    path = homes[0] / "config.json"
    store = ConfigStore(str(path))
    store.save({"precious": "kept", "removed here": "1", "removed there": "2", "changed": "3"})
    with store.transaction() as cfg:
        cfg["changed"] = "here"
        cfg["new here"] = "4"
        del cfg["removed here"]
        # Another process, whose lock has no effect.
        path.write_text(json.dumps({"precious": "there", "removed here": "1", "changed": "3", "new there": "5"}))
    assert json.loads(path.read_text()) == {
        "precious": "there",
        "changed": "here",
        "new there": "5",
        "new here": "4",
    }


def test_processes_of_linked_homes_make_one_exchange(
    box: SandboxClient, store: ConfigStore, homes: List[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    box.save_login(ConfigStore(str(homes[0] / "config.json")))
    started = []
    for home in homes * 2:
        monkeypatch.setenv("CLOUDINARY_HOME", str(home))
        started.append(
            subprocess.Popen([sys.executable, "-m", "cloudinary_cli", "-C", "box", "ping"], stdout=subprocess.DEVNULL)
        )
    assert [process.wait(60) for process in started] == [0] * 6
    assert box.stats["refresh_exchanges"] == 1 and box.stats["refresh_replays"] == 0


# -- temporary files


def test_a_temporary_file_that_was_replaced_is_not_renamed(tmp_path: Path) -> None:
    target = tmp_path / "config.json"
    target.write_text("old")
    with PendingFile(str(target), name="config.json") as pending:
        os.unlink(pending.path)
        Path(pending.path).write_text("somebody else's")
        with pytest.raises(OSError, match="another process has replaced the temporary file"):
            pending.commit(b"new")
    assert target.read_text() == "old"


def test_temporary_files_have_names_of_their_own(tmp_path: Path) -> None:
    target = str(tmp_path / "config.json")
    with PendingFile(target, 10, "x") as first, PendingFile(target, 10, "x") as second:
        assert first.path != second.path and os.path.exists(first.path) and os.path.exists(second.path)


def test_only_the_temporary_file_of_a_dead_process_is_removed(tmp_path: Path) -> None:
    target = str(tmp_path / "config.json")
    script = "import sys, time; from cloudinary_cli.system.files import PendingFile; "
    script += "p = PendingFile(sys.argv[1], 10, 'x'); print(p.path, flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script, target], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = process.stdout.readline().strip()
    assert not remove_orphan(path)
    with PendingFile(target, 10, "x"):
        assert os.path.exists(path), "a living process writes it"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    os.symlink("config.json", tmp_path / ".tmp-x-0123456789abcdef")
    (tmp_path / ".tmp-x-notes").write_text("the user's")
    with PendingFile(target, 10, "x"):
        assert not os.path.exists(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tmp-x-0123456789abcdef", ".tmp-x-notes", "user"]


def test_where_locks_do_nothing_only_old_files_are_orphans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    # Patched: a network file system whose flock() has no effect cannot be mounted here.
    monkeypatch.setattr(fcntl, "flock", lambda handle, operation: None)
    path = tmp_path / ".tmp-x-0123456789abcdef"
    path.write_text("")
    assert not remove_orphan(str(path)) and path.exists()
    os.utime(path, (1, 1))
    assert remove_orphan(str(path)) and not path.exists()


def test_a_linked_lock_file_is_refused(homes: List[Path]) -> None:
    (homes[0] / "config.json.lock").symlink_to("victim")
    with pytest.raises(ConfigFileError, match="is a symbolic link"):
        ConfigStore(str(homes[1] / "config.json")).save({})
    assert not (homes[0] / "victim").exists()
