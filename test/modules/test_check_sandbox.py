"""`cld check` after `cld sync` against the sandbox, in both folder modes and with faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from test.support.commands import Run
from test.support.faults import FAULTS
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make


@pytest.fixture
def boxed(server_of_mode: Any, invoke: Run, home: Path) -> Run:
    """Run `cld ARGS` against a sandbox, once in each folder mode."""
    SandboxClient(server_of_mode).reset()
    env = server_of_mode.environment(home)
    return lambda *args: invoke(*args, env=env)


def test_everything_is_equal_after_a_push_and_after_a_pull(boxed: Run, tmp_path: Path) -> None:
    names = [
        "a.jpg",
        "a.jpeg",
        "a.JPG",
        "s/b.PNG",
        "s/t/c.mp4",
        "e & f.jpg",
        "same.jpg",
        "same.png",
        "raw.txt",
        "LICENSE",
    ]
    make(tmp_path / "d", *names, "caf\u00e9.jpg", "cafe\u0301 2.jpg", "x (1).jpg")
    assert boxed("sync", "d", "checked", "--push").code == 0
    done = boxed("check", "d", "checked")
    assert done.code == 0 and {line[:2] for line in done.out.splitlines()} == {"= "}
    assert len(done.out.splitlines()) == 13
    assert boxed("sync", "p", "checked", "--pull").code == 0
    done = boxed("check", "p", "checked")
    assert done.code == 0 and {line[:2] for line in done.out.splitlines()} == {"= "}


def test_changes_on_both_sides_are_found(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "s/b.jpg", "c.txt")
    boxed("sync", "d", "changed", "--push")
    make(tmp_path / "d", **{"a.jpg": b"A.jpg", "new.jpg": b"new"})
    (tmp_path / "d/c.txt").unlink()
    done = boxed("check", "d", "changed")
    assert done.code == 1 and done.out == "* a.jpg\n- c.txt\n+ new.jpg\n= s/b.jpg\n"


@pytest.mark.parametrize("fault", FAULTS[:6], ids=str)
def test_a_fault_of_the_listing_is_retried(
    box: SandboxClient, cld: Run, env: Dict[str, str], tmp_path: Path, fault: Dict[str, Any]
) -> None:
    make(tmp_path / "d", "a.jpg")
    assert cld("sync", "d", "retried", "--push", env=env).code == 0
    box.fault("/v1_1/sandbox/resources/search", 1, method="POST", **fault)
    done = cld("check", "d", "retried", env=env)
    assert done.code == 0 and done.out == "= a.jpg\n"
