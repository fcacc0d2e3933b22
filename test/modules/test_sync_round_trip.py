"""A pull restores what a push has uploaded, with the same names: images, raw files, unusual extensions."""

from __future__ import annotations

from pathlib import Path

import pytest

from test.support.commands import Run
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make, tree


def test_a_pushed_tree_is_pulled_unchanged(
    box: SandboxClient, cld: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = box.server.environment(home)
    names = ["a.jpg", "b.png", "c.mp4", "notes.md", "s/data.json", "s/archive.tar.gz", "LICENSE", "odd.c++", "t.x_y"]
    make(tmp_path / "here", *names)
    assert cld("sync", "here", "box", "--push", env=env).code == 0
    assert cld("sync", "there", "box", "--pull", env=env).code == 0
    pushed = {name: content for name, content in tree(tmp_path / "here").items() if name != ".cld-sync"}
    pulled = tree(tmp_path / "there")
    pushed["odd"] = pushed.pop("odd.c++")  # a public ID cannot contain a plus sign
    assert pulled == pushed
    again = cld("sync", "there", "box", "--pull", env=env)
    assert again.code == 0 and f"Skipping {len(names)} items" in again.err


def test_ids_of_raw_assets_end_in_their_extension(box: SandboxClient, cld: Run, home: Path, tmp_path: Path) -> None:
    env = box.server.environment(home)
    make(tmp_path / "d", "a.jpg", "b.MD")
    assert cld("upload_dir", str(tmp_path / "d"), env=env).code == 0
    ids = {asset["display_name"]: asset["public_id"] for asset in box.server.state.assets("sandbox").all()}
    assert ids["b"].endswith(".md") and "." not in ids["a"]
