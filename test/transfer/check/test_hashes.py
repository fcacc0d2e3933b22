"""The hashes of a check: computed in the background, with a reason for each file that has none."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from cloudinary_cli.progress import Progress
from cloudinary_cli.transfer.check.file_table import FileTable
from cloudinary_cli.transfer.check.hashes import Hashes
from cloudinary_cli.transfer.scan import scan
from test.support.sync_account import make, md5
from test.support.waiting import wait_until


@pytest.fixture
def hashes(tmp_path: Path) -> Iterator[Hashes]:
    make(tmp_path / "d", "a.jpg", "b.JPG", "s/c.jpg")
    table = FileTable(str(tmp_path / "d"), scan(str(tmp_path / "d")).files, lambda file: False)
    hashes = Hashes(table, Progress())
    yield hashes
    hashes.close()


def test_each_file_has_the_md5_of_its_content(hashes: Hashes) -> None:
    for row in range(3):
        hashes.request(row)
    assert [hashes.result(row) for row in range(3)] == [md5(b"a.jpg"), md5(b"b.JPG"), md5(b"s/c.jpg")]
    assert not any(hashes.error(row) for row in range(3))
    assert hashes.etag(hashes.table.file(2)) == md5(b"s/c.jpg")


def test_a_deleted_and_a_changed_file_have_a_reason_and_no_hash(hashes: Hashes, tmp_path: Path) -> None:
    (tmp_path / "d/a.jpg").unlink()
    make(tmp_path / "d", **{"s/c.jpg": b"longer content"})
    assert [hashes.result(row) for row in range(3)] == ["", md5(b"b.JPG"), ""]
    assert hashes.error(0) == "it cannot be read: No such file or directory"
    assert hashes.error(2) == "it has changed since the command was started"


def test_close_ends_the_threads(hashes: Hashes) -> None:
    hashes.result(0)
    hashes.close()
    wait_until(lambda: not any(thread.is_alive() for thread in hashes.threads))
    assert hashes.threads and not any(thread.is_alive() for thread in hashes.threads)
