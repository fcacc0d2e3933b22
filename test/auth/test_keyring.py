"""`cld login --keyring` as a user meets it: real processes, the sandbox, and a real backend of the package keyring."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict

import pytest

from cloudinary_cli.auth.sealing import PREFIX, vault
from cloudinary_cli.auth.session import from_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import parse
from cloudinary_cli.defaults import keyring_timeout
from test.auth.test_login import browser
from test.conftest import Result
from test.support.keychain import KeychainFile
from test.support.sandbox_client import SandboxClient

Cld = Callable[..., Result]
posix = pytest.mark.skipif(os.name == "nt", reason="process groups and signals of POSIX")


@pytest.fixture
def env(login_env: Dict[str, str]) -> Dict[str, str]:
    return login_env


@pytest.fixture
def logged_in(cld: Cld, env: Dict[str, str], keychain: KeychainFile) -> Dict[str, str]:
    """A login called work, sealed; returns the environment."""
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 0, done.err
    keychain.forget_calls()
    return env


def lives_on(pid: int) -> bool:
    """Whether a process is there 10 s later; one that is dead and waits for init's attention is not."""
    for _ in range(100):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        if not state or state.startswith("Z"):
            return False
        time.sleep(0.1)
    return True


def entry(store: ConfigStore, name: str = "work") -> str:
    return str(store.load_fresh()[name])


def test_login_keeps_no_token_in_clear(
    cld: Cld,
    env: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
    box: SandboxClient,
) -> None:
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 0 and done.out == "" and "the key is in the keychain" in done.err
    parsed = parse(entry(store))
    assert parsed.get("oauth_token").startswith(PREFIX) and parsed.get("refresh_token").startswith(PREFIX)
    assert list(keychain.secrets) == [f"cloudinary-cli/{parsed.get('keyring')}"]
    opened = vault().open(from_cloudinary_url(entry(store)))
    file = Path(store.path).read_text()
    for secret in (opened.access_token, opened.refresh_token, *keychain.secrets.values()):
        assert str(secret) not in file and str(secret) not in done.text
    assert all(isinstance(value, str) for value in json.loads(file).values()), "one flat object of strings"
    assert box.is_refresh_token_alive(opened.refresh_token)


def test_the_sdk_parses_a_sealed_entry(logged_in: Dict[str, str], store: ConfigStore) -> None:
    """What other versions of the tool do with it: parse and list; the type is decided by the key oauth_token."""
    code = "import cloudinary; c = cloudinary.config(); print(c.cloud_name, c.oauth_token[:8], c.upload_prefix)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CLOUDINARY_URL": entry(store)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"sandbox {PREFIX} {logged_in['CLOUDINARY_UPLOAD_PREFIX']}\n", done.stderr


def test_the_whole_life_of_a_sealed_login(
    cld: Cld,
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}
    box.call("POST", "clock", {"offset": 1000})  # the server calls the token expired
    again = cld("admin", "ping")
    assert json.loads(again.out) == {"status": "ok"} and again.err == ""
    assert box.stats["refresh_exchanges"] == 1
    assert cld("config", "--refresh-all", "--force").code == 0
    assert box.stats["refresh_exchanges"] == 2
    last = vault().open(from_cloudinary_url(entry(store)))
    out = cld("logout", "work")
    assert out.code == 0 and "revoked and removed" in out.err
    assert store.load_fresh() == {} and keychain.secrets == {}
    assert not box.is_refresh_token_alive(last.refresh_token)


def test_views_and_default_rules_touch_no_keychain(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.use("HangingKeyring")
    rows = json.loads(cld("config", "-ls", "--json").out)
    assert [(row["name"], row["cloud_name"], row["type"], row["default"]) for row in rows] == [
        ("work", "sandbox", "oauth", True)
    ]
    assert "work" in cld("config", "-ls").out
    shown = json.loads(cld("config", "-s", "work", "--json").out)
    assert shown["type"] == "oauth" and shown["oauth_token"].startswith("****") and shown["keyring"]
    for args in (["config"], ["config", "-s", "work"], ["config", "-ud"], ["config", "-d", "work"], ["url", "a"]):
        assert cld(*args).code == 0
    assert keychain.calls == []


def test_many_processes_make_one_exchange(
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.save_login(box, store, "work")  # stale by the local clock
    command = [sys.executable, "-m", "cloudinary_cli", "-C", "work", "admin", "ping"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    answers = [run.communicate(timeout=120) for run in runs]
    assert [json.loads(out) for out, _ in answers] == [{"status": "ok"}] * 8, answers
    assert box.stats["refresh_exchanges"] == 1


# -- logging in again


def test_the_choice_sticks_and_the_replaced_session_is_revoked_with_its_key(
    cld: Cld,
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    old, old_keys = vault().open(from_cloudinary_url(entry(store))), set(keychain.secrets)
    again = cld("login", "work", env=logged_in)
    assert again.code == 0 and "The previous session of that name was revoked." in again.err, again.err
    assert parse(entry(store)).get("oauth_token").startswith(PREFIX)
    assert len(keychain.secrets) == 1 and not old_keys & set(keychain.secrets)
    assert not box.is_refresh_token_alive(old.refresh_token)
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


def test_no_keyring_goes_back_to_the_plain_file(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    assert cld("login", "work", "--no-keyring", env=logged_in).code == 0
    assert not parse(entry(store)).has("keyring") and PREFIX not in entry(store) and keychain.secrets == {}
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


def test_a_derived_name_keeps_the_choice_too(
    cld: Cld,
    env: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    assert cld("login", "--keyring", env=env).code == 0
    assert cld("login", env=env).code == 0
    assert parse(entry(store, "sandbox")).has("keyring") and len(keychain.secrets) == 1


def test_a_login_that_cannot_be_saved_leaves_no_key(
    cld: Cld,
    env: Dict[str, str],
    config_json: Path,
    tmp_path: Path,
    keychain: KeychainFile,
) -> None:
    taken = json.dumps({"work": "cloudinary://k:s@other"})
    env["BROWSER"] = browser(tmp_path, f"open({str(config_json)!r}, 'w').write({taken!r})\nget(url)")
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 1 and "API-key configuration" in done.err
    assert keychain.secrets == {} and "set" in keychain.calls and config_json.read_text() == taken


def test_config_new_that_replaces_a_sealed_login_revokes_it_and_removes_the_key(
    cld: Cld,
    logged_in: Dict[str, str],
    box: SandboxClient,
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    old = vault().open(from_cloudinary_url(entry(store)))
    url = box.server.environment(Path("unused"))["CLOUDINARY_URL"]
    done = cld("config", "-n", "work", url, "--force")
    assert done.code == 0 and "was revoked" in done.err, done.err
    assert entry(store) == url and keychain.secrets == {} and not box.is_refresh_token_alive(old.refresh_token)


# -- a keychain that does not work


UNUSABLE = [
    ("keyring.backends.fail.Keyring", "This system has no keychain"),
    ("keyring.backends.null.Keyring", "does not keep what it is given"),
    ("LockedKeyring", "The keychain is locked"),
]


@pytest.mark.parametrize("backend, reason", UNUSABLE)
def test_login_falls_back_aloud(
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
    assert not parse(entry(store)).has("keyring")
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


def test_a_missing_package_is_named_with_the_command_that_installs_it(
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
def test_a_hanging_keychain_ends_with_one_line_and_no_process(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    before = entry(store)
    keychain.use("HangingKeyring", timeout="3")
    done = cld("admin", "ping", timeout=60)
    assert done.code == 1 and done.out == ""
    assert done.err.strip().count("\n") == 0 and "did not answer within 3 s" in done.err
    assert "cld login work --no-keyring" in done.err and entry(store) == before
    assert len(keychain.started) == 2 and not any(map(lives_on, keychain.started))
    keychain.use("FileKeyring")
    assert json.loads(cld("admin", "ping").out) == {"status": "ok"}


@posix
def test_a_hanging_helper_ends_also_when_cld_was_killed(
    logged_in: Dict[str, str],
    keychain: KeychainFile,
) -> None:
    keychain.use("HangingKeyring", timeout="4")
    command = [sys.executable, "-m", "cloudinary_cli", "admin", "ping"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not keychain.started and running.poll() is None:
        time.sleep(0.02)
    running.kill()
    running.wait()
    assert keychain.started and not lives_on(keychain.started[0])
    for pid in keychain.started[1:]:  # what the backend started, and nobody is left to end
        os.kill(pid, signal.SIGKILL)


@posix
def test_login_with_a_hanging_keychain_waits_for_it_once(
    cld: Cld,
    env: Dict[str, str],
    keychain: KeychainFile,
) -> None:
    keychain.use("HangingKeyring", timeout="1")
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 0 and "did not answer within 1 s" in done.err and len(keychain.calls) <= 1


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
    assert parse(entry(store)).has("keyring")
    keychain.use("FileKeyring")
    assert cld("logout", "work").code == 0 and keychain.secrets == {}


def test_config_rm_removes_it_all_the_same_and_says_so(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.use("LockedKeyring")
    done = cld("config", "-rm", "work")
    assert done.code == 1 and "deleted here, but not revoked" in done.err and "stays in the keychain" in done.err
    assert store.load_fresh() == {}


def test_a_key_that_was_deleted_from_the_keychain(
    cld: Cld,
    logged_in: Dict[str, str],
    store: ConfigStore,
    keychain: KeychainFile,
) -> None:
    keychain.path.unlink()
    done = cld("admin", "ping")
    assert done.code == 1 and "its key is not in this keychain. Run: cld login work" in done.err
    out = cld("logout", "work")
    assert out.code == 1 and "may stay valid" in out.err and store.load_fresh() == {}, "nobody can ever revoke it"


@posix
def test_the_helper_has_no_terminal_and_a_backends_output_goes_nowhere(
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


def test_the_limit_is_three_seconds() -> None:
    assert keyring_timeout() == 3.0


@pytest.mark.parametrize("value", ["0", "-1", "abc", "601", "1e3"])
def test_the_limit_must_be_a_number(cld: Cld, logged_in: Dict[str, str], value: str, keychain: KeychainFile) -> None:
    keychain.use("FileKeyring", timeout=value)
    done = cld("admin", "ping")
    assert done.code == 1 and "CLOUDINARY_CLI_KEYRING_TIMEOUT must be a number of seconds" in done.err
