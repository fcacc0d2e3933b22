"""Group commit: no change is lost, each is on the disk when its thread continues, and every thread gets its error."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from cloudinary_cli.config.group_commit import GroupCommit
from cloudinary_cli.config.store import ConfigStore


def test_many_threads_lose_no_change_and_share_writes(tmp_path: Path) -> None:
    store = ConfigStore(str(tmp_path / "config.json"))
    inodes = set()

    def add(number: int) -> bool:
        store.change(lambda cfg: cfg.update({f"c{number}": f"cloudinary://c{number}"}))
        content = json.loads((tmp_path / "config.json").read_text())
        inodes.add((tmp_path / "config.json").stat().st_mtime_ns)
        return f"c{number}" in content  # on disk as soon as change() returns

    with ThreadPoolExecutor(40) as pool:
        assert all(pool.map(add, range(200)))
    assert len(store.load_fresh()) == 200
    assert len(inodes) < 200, "some writes were shared"


def test_waiting_threads_share_the_next_transaction_and_its_failure() -> None:
    entered, go_on = threading.Event(), threading.Event()
    transactions: List[int] = []

    @contextmanager
    def transaction(reserved: Any) -> Iterator[Dict[str, Any]]:
        transactions.append(reserved)
        if len(transactions) == 1:
            entered.set()
            assert go_on.wait(10)
        yield {}
        if len(transactions) == 2:
            raise OSError("disk full")

    group = GroupCommit(transaction)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(group.run, lambda content: "first", 0)
        assert entered.wait(10)
        others = [pool.submit(group.run, lambda content: "never", number) for number in range(1, 9)]
        while len(group._waiting) < 8:
            pass
        go_on.set()
        assert first.result() == "first"
        for other in others:
            with pytest.raises(OSError, match="disk full"):
                other.result()
    assert len(transactions) == 2 and transactions[0] == 0
    assert group.run(lambda content: "later") == "later", "a failure does not stay"
