"""The directory of the CLI's files: a missing or impossible home directory, and who may read the files."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from test.conftest import Result
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Result]
posix = pytest.mark.skipif(os.name != "posix", reason="users, modes and /dev/null")
KEY = "cloudinary://key:secret@demo"
# A user namespace whose only user has no entry in the user database, and the file permissions of the user of the tests.
NAMELESS = ["unshare", "-U", "--map-user=54321", "--map-group=54321"]


def sandbox_url(box: SandboxClient) -> str:
    settings = box.server.settings
    return f"cloudinary://{settings.api_key}:{settings.api_secret}@{settings.cloud_name}?upload_prefix={box.url}"


def _has_namespaces() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run([*NAMELESS, "true"], capture_output=True).returncode == 0


@pytest.fixture
def nameless(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run `cld` as a user without HOME and without an entry in the user database."""
    if os.name != "posix" or not _has_namespaces():
        pytest.skip("needs user namespaces (unshare -U)")

    def run(*args: str, env: Dict[str, str] = {}, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        base = {key: value for key, value in os.environ.items() if key not in ("HOME", "CLOUDINARY_HOME")}
        folder = tmp_path / "cwd"
        folder.mkdir(exist_ok=True)
        command = [*NAMELESS, sys.executable, "-m", "cloudinary_cli", *args]
        done = subprocess.run(
            command, env={**base, **env}, cwd=folder, input=stdin, capture_output=True, text=True, timeout=60
        )
        assert list(folder.iterdir()) == [], "nothing lands in the working directory"
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.mark.parametrize(
    "args", [["config", "-n", "x", "-"], ["login", "x", "--no-browser"], ["config", "-d", "x"], ["logout", "x"]]
)
def test_without_a_home_directory_a_save_says_what_to_set(
    nameless: Callable[..., Any], box: SandboxClient, args: List[str]
) -> None:
    done = nameless(*args, stdin=sandbox_url(box))
    assert done.returncode == 1 and done.stdout == ""
    assert "export CLOUDINARY_HOME=" in done.stderr or "does not exist" in done.stderr


def test_without_a_home_directory_the_environment_works(nameless: Callable[..., Any]) -> None:
    done = nameless("url", "sample", env={"CLOUDINARY_URL": KEY})
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "https://res.cloudinary.com/demo/image/upload/sample\n",
        "",
    )
    for args in (["config"], ["whoami"], ["config", "-ls"], ["make", "python", "upload"]):
        assert nameless(*args, env={"CLOUDINARY_URL": KEY}).returncode == 0


def test_without_a_home_directory_nothing_is_configured(nameless: Callable[..., Any]) -> None:
    done = nameless("ping")
    assert done.returncode == 1 and "No Cloudinary configuration found." in done.stderr


def test_without_a_home_directory_a_transfer_works(
    nameless: Callable[..., Any], box: SandboxClient, tmp_path: Path
) -> None:
    files = tmp_path / "photos"
    files.mkdir()
    (files / "a.txt").write_text("a")
    env = {"CLOUDINARY_URL": sandbox_url(box)}
    done = nameless("sync", str(files), "photos", "--push", "-F", env=env)
    assert done.returncode == 0, done.stderr


@posix
@pytest.mark.parametrize(
    "args", [["url", "sample"], ["config"], ["config", "-ls"], ["whoami"], ["make", "python", "upload"]]
)
def test_a_home_of_dev_null_is_no_home(cld: Run, monkeypatch: pytest.MonkeyPatch, args: List[str]) -> None:
    monkeypatch.delenv("CLOUDINARY_HOME")
    result = cld(*args, env={"HOME": "/dev/null", "CLOUDINARY_URL": KEY})
    assert result.code == 0 and "Not a directory" not in result.err
    refused = cld("config", "-n", "x", "-", env={"HOME": "/dev/null"}, input=KEY)
    assert refused.code == 1 and "Traceback" not in refused.err


@posix
@pytest.mark.parametrize("first", ["save", "sync", "lock", "report"])
def test_the_home_is_private_whoever_makes_it(
    cld: Run, box: SandboxClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    home = tmp_path / "deep" / "er" / "home"
    monkeypatch.setenv("CLOUDINARY_HOME", str(home))
    monkeypatch.setenv("CLOUDINARY_URL", sandbox_url(box))
    files = tmp_path / "photos"
    files.mkdir()
    (files / "a.txt").write_text("a")
    commands = {
        "save": ["config", "-n", "x", os.environ["CLOUDINARY_URL"]],
        "sync": ["sync", str(files), "photos", "--push", "-F"],
        "lock": ["config", "-ud"],
        "report": ["upload_dir", str(files), "--report", str(tmp_path / "report.jsonl")],
    }
    if first == "sync":
        # A hash is cached only if the file is older than two seconds, and if there is an asset to compare it with.
        assert cld(*commands[first], env={"CLOUDINARY_HOME": str(tmp_path / "other")}).code == 0
        time.sleep(2.5)
    result = cld(*commands[first], preexec_fn=lambda: os.umask(0))
    assert result.code in (0, 1) and "Traceback" not in result.err
    made = [path for path in (home, home.parent, home.parent.parent) if path.exists()]
    assert made or first == "report", "nothing was made"
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} <= {0o700}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in home.rglob("*") if path.is_file())
