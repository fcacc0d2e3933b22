"""`cld login --keyring` with a keychain that is locked, missing or hangs: real processes and the sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict

import pytest

from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from cloudinary_cli.defaults import keyring_timeout
from test.support.commands import Cld
from test.support.keychain import KeychainFile
from test.support.sandbox_client import SandboxClient
from test.support.tokens import saved_url
from test.support.waiting import wait_until

posix = pytest.mark.skipif(os.name == "nt", reason="process groups and signals of POSIX")


def is_running(pid: int) -> bool:
    """Whether a process is still there after 10 s; a zombie is not."""
    for _ in range(100):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        if not state or state.startswith("Z"):
            return False
        time.sleep(0.1)
    return True


UNUSABLE = [
    ("keyring.backends.fail.Keyring", "This system has no keychain"),
    ("keyring.backends.null.Keyring", "did not store the key"),
    ("LockedKeyring", "The keychain is locked"),
]


@pytest.mark.parametrize("backend, reason", UNUSABLE)
def test_login_warns_when_it_cannot_encrypt(
    cld: Cld,
    env: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
    backend: str,
    reason: str,
) -> None:
    keychain.use(backend)
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 0 and reason in done.err and "encrypted; the key" not in done.err
    assert "The tokens are saved in config.json (0600) without encryption." in done.err
    if "null" not in backend:  # that one shows its nature at the first write only
        assert done.err.index("will be saved without encryption (Ctrl-C to stop)") < done.err.index("/oauth2/auth?")
    assert not parse(saved_url(store)).has("keyring")
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


def test_a_missing_package_is_reported_with_the_command_that_installs_it(
    cld: Cld,
    env: Dict[str, str],
    tmp_path: Path,
    keychain: KeychainFile,
) -> None:
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "keyring.py").write_text("raise ImportError('hidden by the test', name='keyring')\n")
    env["PYTHONPATH"] = f"{hiding}{os.pathsep}{os.environ['PYTHONPATH']}"
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 0 and "pip install 'cloudinary-cli[keyring]'" in done.err and "without encryption" in done.err


@posix
def test_a_hanging_keychain_leads_to_a_one_line_error_and_leaves_no_process(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    before = saved_url(store)
    keychain.use("HangingKeyring", timeout="3")
    done = cld("admin", "ping", timeout=60)
    assert done.code == 1 and done.out == ""
    assert done.err.strip().count("\n") == 0 and "did not respond within 3 s" in done.err
    assert "cld login work --no-keyring" in done.err and saved_url(store) == before
    assert len(keychain.started) == 2 and not any(map(is_running, keychain.started))
    keychain.use("FileKeyring")
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


@posix
def test_a_hanging_helper_ends_even_if_cld_was_killed(
    logged_in: Dict[str, str],
    keychain: KeychainFile,
) -> None:
    keychain.use("HangingKeyring", timeout="4")
    command = [sys.executable, "-m", "cloudinary_cli", "admin", "ping"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: keychain.started or running.poll() is not None)
    running.kill()
    running.wait()
    assert keychain.started and not is_running(keychain.started[0])
    for pid in keychain.started[1:]:  # programs of the backend, which the dead helper cannot end
        os.kill(pid, signal.SIGKILL)


@posix
def test_login_with_a_hanging_keychain_waits_for_it_once(
    cld: Cld,
    env: Dict[str, str],
    keychain: KeychainFile,
) -> None:
    keychain.use("HangingKeyring", timeout="1")
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 0 and "did not respond within 1 s" in done.err and len(keychain.calls) <= 1


def test_refresh_all_waits_for_a_hanging_keychain_once(
    cld: Cld,
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    for name in ("a", "b", "c"):
        keychain.save_login(box, store, name)
    keychain.use("HangingKeyring", timeout="2")
    done = cld("config", "-ra", "--json")
    assert done.code == 1 and len(keychain.calls) <= 1
    assert {row["name"]: row["outcome"] for row in json.loads(done.out)} == {
        "work": "fresh",
        "a": "failed",
        "b": "failed",
        "c": "failed",
    }


def test_logout_keeps_the_entry_while_the_keychain_is_locked(
    cld: Cld,
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.use("LockedKeyring")
    done = cld("logout", "work")
    assert done.code == 1 and "locked" in done.err and "cld config -rm work" in done.err
    assert parse(saved_url(store)).has("keyring")
    keychain.use("FileKeyring")
    assert cld("logout", "work").code == 0 and keychain.secrets == {}


def test_config_rm_removes_a_login_with_a_locked_keychain_and_reports_it(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.use("LockedKeyring")
    done = cld("config", "-rm", "work")
    assert done.code == 1 and "deleted here, but not revoked" in done.err and "remains in the keychain" in done.err
    assert store.load_fresh() == {}


def test_a_deleted_key_requires_a_login(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.path.unlink()
    done = cld("admin", "ping")
    assert done.code == 1 and "its key is not in this keychain. Run: cld login work" in done.err
    out = cld("logout", "work")
    assert out.code == 1 and "may stay valid" in out.err and store.load_fresh() == {}, "it can never be revoked"


@posix
def test_the_helper_has_no_terminal_and_the_output_of_a_backend_is_discarded(
    cld: Cld,
    logged_in: Dict[str, str],
    keychain: KeychainFile,
) -> None:
    keychain.use("ChattyKeyring")
    done = cld("admin", "ping")
    assert done.code == 0 and json.loads(done.out) == {"status": "ok"} and done.err == ""


def test_the_helper_imports_nothing_from_the_working_directory(
    cld: Cld,
    logged_in: Dict[str, str],
    tmp_path: Path,
    keychain: KeychainFile,
) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    for module in ("keyring", "json", "cloudinary_cli", "cryptography"):
        (trap / f"{module}.py").write_text(f"open({str(trap / 'sprung')!r}, 'w')\n")
    # Like the installed command: the working directory is not on the import path of the parent.
    code = "import sys; sys.path.remove('') if '' in sys.path else None; from cloudinary_cli.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "admin", "ping"], cwd=str(trap), capture_output=True, text=True)
    assert json.loads(done.stdout) == {"status": "ok"}, done.stderr
    assert not (trap / "sprung").exists()


def test_the_default_timeout_is_three_seconds() -> None:
    assert keyring_timeout() == 3.0


@pytest.mark.parametrize("value", ["0", "-1", "abc", "601", "1e3"])
def test_the_timeout_must_be_a_number(cld: Cld, logged_in: Dict[str, str], value: str, keychain: KeychainFile) -> None:
    keychain.use("FileKeyring", timeout=value)
    done = cld("admin", "ping")
    assert done.code == 1 and "CLOUDINARY_CLI_KEYRING_TIMEOUT must be a number of seconds" in done.err
