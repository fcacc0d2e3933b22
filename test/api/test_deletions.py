"""Methods that delete data ask first."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Callable, List, Tuple

import pytest

from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


def on_a_terminal(args: List[str], answer: str) -> Tuple[int, str]:
    """Run `cld ARGS` with a terminal as stdin, type `answer`; exit code and stderr."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    try:
        os.write(master, answer.encode())
        done = subprocess.run(
            [sys.executable, "-m", "cloudinary_cli", *args], stdin=slave, capture_output=True, timeout=60
        )
    finally:
        os.close(master)
        os.close(slave)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("args", [("delete_all_resources",), ("delete_resources_by_prefix", "a")])
def test_mass_deletions_need_an_answer(server: CloudinaryServer, admin: Run, cld: Run, args: Tuple[str, ...]) -> None:
    closed = admin(*args)
    assert (closed.code, closed.out) == (1, "")
    assert f"Admin API method '{args[0]}'. Continue? (y/N)" in closed.err
    assert "warning: No input available. Use --force (-F)" in closed.err
    assert closed.err.endswith("Stopping.\n")
    refused = cld("-c", server.config_url(), "admin", *args, input="n\n")
    assert (refused.code, refused.out) == (1, "")
    assert server.requests == []
    assert cld("-c", server.config_url(), "admin", *args, input="Y\n").code == 0
    assert admin(*args, "-F").code == 0
    assert [request.method for request in server.requests] == ["DELETE", "DELETE"]


def test_other_deletions_ask_too(server: CloudinaryServer, admin: Run) -> None:
    args = ["-c", server.config_url(), "admin", "delete_folder", "x"]
    code, err = on_a_terminal(args, "n\n")
    assert code == 1
    assert "'delete_folder' deletes data. Continue? (y/N)" in err
    assert server.requests == []
    assert on_a_terminal(args, "y\n")[0] == 0
    code, err = on_a_terminal([*args, "-F"], "")
    assert (code, err) == (0, "")
    closed = admin("delete_folder", "x")
    assert closed.code == 1 and "warning: No input available. Use --force (-F)" in closed.err
    assert admin("delete_folder", "x", "-F").code == 0
    assert server.paths() == ["DELETE /v1_1/demo/folders/x"] * 3


@pytest.mark.parametrize(
    "args",
    [
        ("admin", "delete_resources", "x"),
        ("admin", "delete_resources_by_asset_ids", "x"),
        ("admin", "delete_derived_resources", "x"),
        ("provisioning", "delete_user", "u"),
        ("provisioning", "delete_sub_account", "s"),
        ("uploader", "destroy", "x"),
    ],
    ids=" ".join,
)
def test_each_deletion_asks_a_person(
    server: CloudinaryServer, monkeypatch: pytest.MonkeyPatch, args: Tuple[str, ...]
) -> None:
    monkeypatch.setenv("CLOUDINARY_ACCOUNT_URL", "account://ak:as@acc-1")
    code, err = on_a_terminal(["-c", server.config_url(), *args], "n\n")
    assert (code, server.requests) == (1, [])
    assert err == f"'{args[1]}' deletes data. Continue? (y/N) Stopping.\n"
    assert on_a_terminal(["-c", server.config_url(), *args, "-F"], "") == (0, "")
    assert len(server.requests) == 1
