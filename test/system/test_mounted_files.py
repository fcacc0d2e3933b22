"""Files that are mount points, as a container has them: `docker run -v FILE:FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from test.support.mounts import run_with_mount

PROGRAM = """
from cloudinary_cli.system.files import PendingFile
with PendingFile("mounted", 4096, "name") as pending:
    pending.commit(b"new")
"""


def test_a_mounted_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("old content")
    (tmp_path / "mounted").touch()
    done = run_with_mount(tmp_path / "outside", tmp_path / "mounted", sys.executable, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outside").read_text() == "new"
    assert not list(tmp_path.glob(".tmp-*"))
