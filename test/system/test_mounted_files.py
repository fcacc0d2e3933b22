"""Files that are mount points, as a container has them: `docker run -v FILE:FILE`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from cloudinary_cli.system.files import PendingFile
with PendingFile("mounted", 4096, "name") as pending:
    pending.commit(b"new")
"""


def test_a_mounted_file_is_overwritten(tmp_path: Path) -> None:
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces (Linux)")
    (tmp_path / "outside").write_text("old content")
    (tmp_path / "mounted").touch()
    script = 'mount --bind outside mounted || exit 77; exec "$@"'
    words = ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-c", PROGRAM]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("needs to mount a file")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outside").read_text() == "new"
    assert not list(tmp_path.glob(".tmp-*"))
