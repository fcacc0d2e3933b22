"""What users and machines do to a command line tool: closed and full streams, odd files, odd names, odd numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Callable, List
from urllib.parse import urlencode

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.conftest import Result
from test.support.cloudinary_server import CloudinaryServer
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Result]
URL = "cloudinary://key:secret@cloud"
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files, descriptors and names")
linux = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


def run_in_shell(line: str) -> "subprocess.CompletedProcess[str]":
    """`cld ...` with a shell's redirections."""
    line = line.replace("cld ", f"'{sys.executable}' -m cloudinary_cli ", 1)
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60)


@posix
@pytest.mark.parametrize("command", ["config -ls", "config -s a --json", "admin -ls", "-C a url x", "-C a config"])
def test_closed_stdout_is_one_clear_line(config_json: Path, command: str) -> None:
    config_json.write_text(json.dumps({"a": URL}))
    done = run_in_shell(f"cld {command} >&-")
    assert (done.returncode, done.stderr) == (1, "error: The output cannot be written: stdout is closed.\n")


@posix
def test_closed_stderr_does_not_change_the_result(config_json: Path) -> None:
    config_json.write_text(json.dumps({"a": URL}))
    done = run_in_shell("cld config -d a 2>&-")
    assert done.returncode == 0 and json.loads(config_json.read_text())["__default__"] == "a"
    assert run_in_shell("cld config -rm nope 2>&-").returncode == 1
    assert run_in_shell("cld config -ls <&- 2>&-").stdout.startswith("NAME ")


@linux
@pytest.mark.parametrize("command", ["config -ls", "config -s a --json", "admin -ls", "-C a url x"])
def test_a_full_disk_behind_stdout_is_one_clear_line(config_json: Path, command: str) -> None:
    config_json.write_text(json.dumps({"a": URL}))
    done = run_in_shell(f"cld {command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr == "error: The output cannot be written: No space left on device.\n"


@posix
def test_a_named_pipe_in_the_place_of_the_file_is_not_waited_for(invoke: Run, config_json: Path) -> None:
    os.mkfifo(config_json)
    for command in (["config", "-ls"], ["config", "-ud"], ["login"], ["logout", "a"]):
        done = invoke(*command)
        assert done.code == 1 and f"{config_json} is not a regular file." in done.err
        assert len(done.err.splitlines()) == 1, done.err


@pytest.mark.parametrize("content", ["{", "", "[]", "a directory"])
def test_an_unusable_file_is_met_before_the_browser_opens(invoke: Run, config_json: Path, content: str) -> None:
    if content == "a directory":
        config_json.mkdir()
    else:
        config_json.write_text(content)
    done = invoke("login")
    assert done.code == 1 and done.err.startswith("error: Login failed: ") and str(config_json) in done.err
    assert "oauth2/auth" not in done.err and len(done.err.splitlines()) == 1


@pytest.mark.parametrize("key", ["_live", "_uri_scheme", "invalidate_token", "flush", "has_oauth", "update"])
def test_a_query_key_cannot_replace_what_the_program_needs(invoke: Run, server: CloudinaryServer, key: str) -> None:
    url = f"cloudinary://c?oauth_token=TOKEN123&{key}=1&upload_prefix={server.url}"
    done = invoke("-c", url, "admin", "ping")
    assert done.code == 0, done.err
    assert server.requests[-1].headers["authorization"] == "Bearer TOKEN123"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("upload_prefix", "foo"),
        ("upload_prefix", "file:///etc"),
        ("upload_prefix", "http://[bad"),
        ("upload_prefix", "http://127.0.0.1:99999"),
        ("api_proxy", "user:TOPSECRET@proxy:1"),
        ("timeout", "soon"),
        ("timeout", "-1"),
        ("timeout", "nan"),
        ("timeout", "inf"),
        ("oauth_token", "TOPSECRET\r\nX-Evil: 1"),
        ("oauth_token", "TOPSECRET\u20ac"),
    ],
)
def test_a_setting_that_no_request_can_have_is_named(invoke: Run, name: str, value: str) -> None:
    for command in (["admin", "ping"], ["uploader", "destroy", "x", "-F"]):
        done = invoke("-c", f"{URL}?{urlencode({name: value})}", *command)
        assert done.code == 1 and done.err.startswith(f"error: The configuration's {name} "), done.err
        assert len(done.err.splitlines()) == 1 and "TOPSECRET" not in done.text


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "9" * 5000, "1e999", "nan", "0x10"])
def test_absurd_times_of_a_login_count_as_expired(invoke: Run, config_json: Path, number: str) -> None:
    url = f"cloudinary://c?oauth_token=t&refresh_token=&issued_at={number}&expires_at={number}"
    config_json.write_text(json.dumps({"a": url}))
    for command in (["config", "-ls"], ["-C", "a", "config"], ["-C", "a", "config", "--json"]):
        assert invoke(*command).code == 0
    done = invoke("config", "-r", "a")
    assert done.code == 1 and done.err.startswith("error: The login 'a' has no refresh token. Run: cld login a")


@posix
def test_bytes_that_are_not_utf8(cld: Run, invoke: Run, config_json: Path, server: CloudinaryServer) -> None:
    config_json.write_text(json.dumps({"a": URL}))
    odd = os.fsdecode(b"z\xff")
    for command in (["-C", odd, "admin", "ping"], ["config", "-s", odd], ["config", "-d", odd], [odd], ["logout", odd]):
        done = invoke(*command)
        assert done.code == 1 and "z\\udcff" in done.err and "codec" not in done.err
    done = cld("-c", server.config_url(), "admin", "resource", odd)
    assert (done.code, done.out) == (1, "")
    assert done.err == "error: 'z\\udcff' is not UTF-8 text. Retype it in a UTF-8 terminal.\n"


def test_names_with_line_breaks_forge_no_line(cld: Run, config_json: Path) -> None:
    config_json.write_text(json.dumps({"x\nerror: y": "cloudinary://c?oauth_token=t&refresh_token="}))
    for command in (["logout", "a\nerror: b"], ["-C", "a\nerror: b", "admin", "ping"]):
        done = cld(*command)
        assert done.code == 1 and "a\\nerror: b" in done.err and len(done.err.splitlines()) == 1
    asked = cld("logout", input="n\n")
    assert "Log out of 'x\\nerror: y'?" in asked.err
    done = cld("logout", "x\nerror: y")
    assert done.code == 0 and done.err == "Logged out: 'x\\nerror: y' was revoked and removed.\n"


def test_a_librarys_warnings_are_shown_on_demand_only() -> None:
    code = (
        "import sys, warnings, cloudinary_cli.cli_group as group; from cloudinary_cli.cli import main\n"
        "group._show_guidance = lambda app: warnings.warn('old Python', FutureWarning)\n"
        "sys.exit(main([]))"
    )
    for flags, count in (([], 0), (["-W", "default"], 1)):
        done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr.count("FutureWarning: old Python") == count, done.stderr


def test_a_refused_connection_is_told_without_an_objects_address(invoke: Run) -> None:
    done = invoke("-c", f"{URL}?upload_prefix=http://127.0.0.1:1", "admin", "ping")
    assert done.code == 1 and done.err.startswith("error: Unexpected error ") and "refused" in done.err
    assert " object at 0x" not in done.err


def test_the_advice_after_a_401_can_be_pasted(invoke: Run, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, "my login", stale=False, region="api-eu")
    box.fault("/v1_1/", times=None, status=401, body={"error": {"message": "no"}})
    box.fault(status=400, body={"error": "invalid_grant"})
    done = invoke("-C", "my login", "admin", "ping")
    assert done.code == 1, done.err
    assert done.err.endswith("error: Error 401 - no. Run: cld login 'my login' --region api-eu\n"), done.err


@linux
@pytest.mark.parametrize("command", [["logout", "box"], ["config", "-rm", "box"]])
def test_a_logout_that_cannot_be_saved_says_what_is_true(
    cld: Run, box: SandboxClient, store: ConfigStore, command: List[str]
) -> None:
    import resource

    box.save_login(store, "another one, so that the file stays large")
    session = box.save_login(store, stale=False)
    before = Path(store.path).read_bytes()
    done = cld(*command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
    assert done.code == 1 and "'box' was revoked at the server, but is still saved here." in done.err
    assert store.path in done.err and len(done.err.splitlines()) == 1, done.err
    assert Path(store.path).read_bytes() == before and not box.is_refresh_token_alive(session.refresh_token)
