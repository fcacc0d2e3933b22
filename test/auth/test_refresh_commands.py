"""The refresh as a user meets it: `cld` commands with a stale login, a full disk, an unusable response, a removed entry.

Real processes against the sandbox. The rules behind are in test_refresh.py; the rows are of spec/tokens.md.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from cloudinary_cli.auth.refresh import refresh_lock
from cloudinary_cli.auth.session import from_cloudinary_url, to_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import replace_query
from test.conftest import Result
from test.support.processes import start
from test.support.sandbox_client import SandboxClient
from test.support.tls import TinyServer, reply
from test.support.waiting import wait_until

Cld = Callable[..., Result]
posix = pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files (RLIMIT_FSIZE)")


def full_disk() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


# -- a disk that is full


@posix
def test_a_full_disk_spends_no_token(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    """An expired access token, which the sandbox's clock still takes: the command goes on with it, and says so."""
    box.save_login(store)
    before = Path(store.path).read_bytes()
    done = cld("-C", "box", "admin", "ping", preexec_fn=full_disk)
    assert json.loads(done.out) == {"status": "ok"} and store.path in done.err and "too large" in done.err
    done = cld("config", "-r", "box", preexec_fn=full_disk)
    assert done.code == 1 and f"Cannot write {store.path}" in done.err and "cld login box" in done.err
    assert box.stats["refresh_exchanges"] == 0 and Path(store.path).read_bytes() == before
    assert cld("-C", "box", "admin", "ping").code == 0 and box.stats["refresh_exchanges"] == 1


def test_new_tokens_that_cannot_be_saved_serve_this_command_and_are_saved_at_its_end(
    box: SandboxClient, store: ConfigStore
) -> None:
    old = box.save_login(store)
    box.fault(mode="after", delay=3)
    box.fault("/v1_1/sandbox/ping", mode="after", delay=3)
    process = start("-C", "box", "admin", "ping")
    wait_until(lambda: box.stats["refresh_exchanges"])
    os.rename(store.path, f"{store.path}.moved")
    os.mkdir(store.path)  # a directory cannot be replaced by a file
    wait_until(lambda: box.requests("/v1_1/sandbox/ping"))
    os.rmdir(store.path)
    os.rename(f"{store.path}.moved", store.path)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and json.loads(out) == {"status": "ok"}, err
    assert (
        err.startswith("warning: Cannot ")
        and store.path in err
        and "kept in memory for this command" in err
        and "saved now" in err
    )
    saved = from_cloudinary_url(store.load_fresh()["box"])
    assert saved.refresh_token != old.refresh_token and box.is_refresh_token_alive(saved.refresh_token)


# -- unusable responses


@pytest.mark.parametrize("status, body", [(200, "[]"), (200, "{}"), (200, "null"), (400, "[1]"), (400, "{}")])
def test_the_error_of_an_unusable_response_says_what_to_type(
    cld: Cld, box: SandboxClient, store: ConfigStore, status: int, body: str
) -> None:
    box.save_login(store)
    box.call("POST", "clock", {"offset": 1000})
    box.fault(times=None, status=status, body=body)
    done = cld("-C", "box", "admin", "ping")
    assert done.code == 1 and done.out == "" and "cld login box" in done.err
    assert done.err.startswith("warning: Refreshing 'box' failed") and done.err.count("\n") == 2
    assert "Internal error" not in done.err and "object has no" not in done.err


def test_a_dead_login_is_presented_once_by_a_command_with_threads_and_by_the_next(
    cld: Cld, box: SandboxClient, store: ConfigStore, tmp_path: Path
) -> None:
    box.save_login(store, refresh_token="dead")
    box.call("DELETE", "requests")
    (tmp_path / "up").mkdir()
    for number in range(12):
        (tmp_path / "up" / f"{number}.txt").write_text(str(number))
    for args in (["upload_dir", "up", "-w", "4"], ["admin", "ping"], ["token"]):
        done = cld("-C", "box", *args)
        assert done.code == 1 and done.err.count("cld login box") == 1, done.err
    assert len(box.requests("/oauth2/token")) == 1 and not box.requests("/v1_1")


# -- what others do to config.json meanwhile


def test_a_write_during_two_running_commands_rotates_nothing(
    box: SandboxClient, store: ConfigStore, tmp_path: Path
) -> None:
    for name in ("f", "g"):
        box.save_login(store, name, stale=False)
        (tmp_path / name).mkdir()
        for number in range(6):
            (tmp_path / name / f"{number}.txt").write_text(f"{name}{number}")
    box.fault("/v1_1", times=None, mode="after", delay=0.2)
    running = [start("-C", name, "upload_dir", str(tmp_path / name), "-w", "1") for name in ("f", "g")]
    for number in range(3):
        wait_until(lambda: len(box.requests("/v1_1")) > 2 * number)
        store.set_default("fg"[number % 2])
    assert [process.communicate(timeout=60) and process.returncode for process in running] == [0, 0]
    assert box.stats["refresh_exchanges"] == 0 and box.stats["uploads"] == 12


@pytest.fixture
def waiting(box: SandboxClient, store: ConfigStore) -> Iterator["Callable[[Dict[str, str]], Result]"]:
    """Run `cld -C box admin ping` with a stale login, and change the file while the command waits for the lock."""
    session = box.save_login(store)

    def change_to(content: Dict[str, str]) -> Result:
        with refresh_lock(store, "box"):
            process = start("-v", "DEBUG", "-C", "box", "admin", "ping")
            assert process.stderr and "Waiting for the login 'box'" in process.stderr.readline()
            store.save(content)
        out, err = process.communicate(timeout=60)
        return Result(process.returncode, out, err)

    yield change_to
    assert not box.requests("/v1_1"), "nothing was sent"
    assert box.is_refresh_token_alive(session.refresh_token), "nor spent"


def test_a_removed_login_stays_removed(waiting: Callable[..., Result], store: ConfigStore) -> None:
    done = waiting({"other": "cloudinary://k:s@c"})
    assert done.code == 1 and "The login 'box' was removed. Run: cld login box" in done.err
    assert store.load_fresh() == {"other": "cloudinary://k:s@c"}


@pytest.mark.parametrize("changed", [{"cloud_name": "victim"}, {"issuer": "https://elsewhere.example/"}])
def test_another_accounts_login_is_not_used_in_its_place(
    waiting: Callable[..., Result], store: ConfigStore, changed: Dict[str, str]
) -> None:
    mine = from_cloudinary_url(store.load()["box"])
    expires = int(time.time()) + 300
    stranger = to_cloudinary_url(replace(mine, access_token="stranger", expires_at=expires, **changed))  # type: ignore[arg-type]
    done = waiting({"box": stranger})
    assert done.code == 1 and "belongs to another account" in done.err and "Run the command again" in done.err
    assert store.load_fresh() == {"box": stranger}


def test_a_server_clock_behind_costs_one_exchange(cld: Cld, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.call("POST", "clock", {"offset": -400})
    for _ in range(3):
        assert cld("-C", "box", "admin", "ping").code == 0
    assert box.stats["refresh_exchanges"] == 1


# -- which credential is sent


@pytest.fixture
def api() -> Iterator[TinyServer]:
    with TinyServer(lambda handler: reply(handler, body='{"status": "ok"}')) as server:
        yield server


def test_a_users_own_token_is_sent(cld: Cld, box: SandboxClient, store: ConfigStore, api: TinyServer) -> None:
    box.save_login(store, stale=False, upload_prefix=api.url)
    assert cld("-C", "box", "admin", "ping", "-o", "oauth_token", "USERTOKEN").code == 0
    assert [seen.headers["Authorization"] for seen in api.seen] == ["Bearer USERTOKEN"]


@pytest.mark.parametrize("own", [["oauth_token", "USERTOKEN"], ["api_key", "k"]], ids=lambda own: own[0])
def test_a_refused_credential_of_the_users_is_not_blamed_on_the_login(
    cld: Cld, box: SandboxClient, store: ConfigStore, own: List[str]
) -> None:
    box.save_login(store, stale=False)
    done = cld("-C", "box", "admin", "ping", "-o", *own, "-o", "api_secret", "s")
    assert done.code == 1 and "401" in done.err and "cld login" not in done.err
    assert box.stats["refresh_exchanges"] == 0 and len(box.requests("/v1_1")) == 1


@pytest.mark.parametrize("chosen_by", ["-c", "-C", "default", "CLOUDINARY_CONFIG_NAME"])
def test_a_chosen_configuration_sends_nothing_of_the_environment(
    cld: Cld, store: ConfigStore, api: TinyServer, chosen_by: str
) -> None:
    url = f"cloudinary://key:secret@MixedCase?upload_prefix={api.url}"
    store.save({"a": url, **({"__default__": "a"} if chosen_by == "default" else {})})
    args = {"-c": ["-c", url], "-C": ["-C", "a"]}.get(chosen_by, [])
    env = {"CLOUDINARY_URL": "cloudinary://ek:es@envc?oauth_token=ENVTOK12345&api_proxy=http%3A%2F%2F127.0.0.1%3A1"}
    if chosen_by == "CLOUDINARY_CONFIG_NAME":
        env[chosen_by] = "a"
    done = cld(*args, "admin", "ping", env=env)
    assert done.code == 0, done.err
    assert [seen.path for seen in api.seen] == ["/v1_1/MixedCase/ping"], "S11: in the case it was given"
    assert [seen.headers["Authorization"] for seen in api.seen] == ["Basic a2V5OnNlY3JldA=="]
    shown = json.loads(cld(*args, "config", "--json", env=env).out)
    assert shown["cloud_name"] == "MixedCase" and not {"oauth_token", "api_proxy"} & set(shown)


def test_settings_of_the_entry_survive_and_a_bad_time_is_only_old(
    cld: Cld, box: SandboxClient, store: ConfigStore
) -> None:
    box.save_login(store)
    settings = {"secure_distribution": "my.cdn", "timeout": "7", "account_email": "a@b.c"}
    with store.transaction() as cfg:
        cfg["box"] = replace_query(cfg["box"], {**settings, "expires_at": "zzz"})
        cfg["__default__"] = "box"
    assert cld("config", "-ls").code == 0 and cld("config").code == 0
    done = cld("admin", "ping")
    assert done.code == 0 and done.err == ""
    shown = json.loads(cld("config", "-s", "box", "--json").out)
    assert {key: shown[key] for key in settings} == settings and shown["upload_prefix"] == box.url
    assert shown["expires_at"]["expired"] is False


# -- what is logged


@pytest.mark.parametrize("status", [400, 500])
def test_a_token_that_the_server_repeats_is_not_logged(
    cld: Cld, box: SandboxClient, store: ConfigStore, status: int
) -> None:
    session = box.save_login(store)
    token = str(session.refresh_token)
    box.fault(times=None, status=status, body={"error": "invalid_grant", "hint": f"unknown token {token} \x1b[31m"})
    done = cld("-v", "DEBUG", "-C", "box", "admin", "ping")
    assert "debug: Refresh of 'box' failed" in done.err and "unknown token ****" in done.err
    assert token not in done.text and session.access_token not in done.text and "\x1b" not in done.text


@pytest.mark.parametrize(
    "target",
    [
        "cloudinary://tkey:TARGETSECRET1234@other?upload_prefix={0}",
        "cloudinary://other?oauth_token=TARGETSECRET1234&refresh_token=TARGETSECRET5678&expires_at=9999999999"
        "&issued_at=1&region=api&upload_prefix={0}",
    ],
    ids=["a key", "a login"],
)
def test_the_debug_log_of_a_clone_that_fails_holds_no_secret(
    cld: Cld, box: SandboxClient, store: ConfigStore, target: str
) -> None:
    def respond(handler: Any) -> None:
        if handler.command == "GET":
            reply(handler, body='{"status": "ok"}')
        else:
            reply(handler, 400, '{"error": {"message": "refused"}}')

    box.put("a")
    session = box.save_login(store, "here")
    with TinyServer(respond) as there:
        with store.transaction() as cfg:
            cfg["there"] = target.format(there.url)
        done = cld("-v", "DEBUG", "-C", "here", "clone", "there", "-F")
    assert done.code == 1 and "refused" in done.err, done.err
    assert {seen.method for seen in there.seen} == {"GET", "POST"}
    for secret in ("TARGETSECRET", session.access_token, str(session.refresh_token)):
        assert secret not in done.text
