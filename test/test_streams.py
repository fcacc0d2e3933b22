"""stdout, stderr, terminals, signals, pipes and locales: what `cld` writes where."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Tuple

import pytest

from test.conftest import Result
from test.support.terminal import run_in_terminal

Run = Callable[..., Result]

URL = "cloudinary://key:secret@cloud"
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals, terminals or locales")


@pytest.fixture
def saved(config_json: Path) -> Path:
    config_json.write_text(json.dumps({"a": URL, "b": URL, "__default__": "a"}))
    return config_json


@pytest.fixture
def silent_server() -> Iterator[Tuple[str, socket.socket]]:
    """A server that accepts and never responds: (its URL, its socket)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield f"http://127.0.0.1:{server.getsockname()[1]}", server


def test_data_goes_to_stdout_and_prose_to_stderr(cld: Run, saved: Path) -> None:
    done = cld("config", "-ls", "--json")
    assert done.err == "" and len(json.loads(done.out)) == 2
    done = cld("config", "-d", "b")
    assert done.out == "" and done.err == "'b' is the default now.\n"


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("level", ["ERROR", "error", "Critical"])
def test_verbosity_before_and_after_the_command(invoke: Run, saved: Path, before: bool, level: str) -> None:
    option = ["-v", level]
    done = invoke(*(option if before else []), "config", "-ud", *([] if before else option))
    assert (done.code, done.out, done.err) == (0, "", "")
    assert invoke("config", "-ud").err == "No default was set.\n", "the level is not kept for the next command"


def test_debug_lines_are_prefixed_and_hold_no_secret(invoke: Run, saved: Path) -> None:
    done = invoke("-v", "DEBUG", "-c", "cloudinary://k:TOPSECRET0123456789@c", "config")
    assert done.code == 0 and "TOPSECRET" not in done.text
    assert all(line.startswith("debug: ") for line in done.err.splitlines())


@posix
def test_color_only_where_it_is_wanted(saved: Path) -> None:
    colored = run_in_terminal(["config", "-ls", "--json"])
    assert colored.code == 0 and "\x1b[" in colored.text
    uncolored = re.sub(r"\x1b\[[0-9;]*m", "", colored.text)
    assert uncolored == run_in_terminal(["config", "-ls", "--json"], pipe_stdout=True).out, "no stray line"
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = run_in_terminal(["config", "-ls", "--json"], env=env)
        assert "\x1b" not in plain.text and len(json.loads(plain.text)) == 2
        assert "\x1b" not in run_in_terminal(["-C", "nope", "config"], env=env).text
    assert "\x1b[" in run_in_terminal(["-C", "nope", "config"], env={"NO_COLOR": ""}).text
    assert "\x1b" not in run_in_terminal(["config", "-ls", "--json"], pipe_stdout=True).out


@posix
def test_questions_go_to_stderr(config_json: Path) -> None:
    config_json.write_text(json.dumps({"f": "cloudinary://c?oauth_token=t&refresh_token=r&expires_at=1"}))
    screen = run_in_terminal(["config", "-n", "f", URL, "--json"], [("(y/N) ", "")], pipe_stdout=True)
    assert (screen.code, screen.out) == (1, "") and "'f' is a login." in screen.text


def interrupted(silent_server: Tuple[str, socket.socket], number: int) -> Tuple[int, str]:
    """`cld config -n` with a ping that never ends, and then a signal."""
    address, server = silent_server
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "config", "-n", "x", f"{URL}?upload_prefix={address}"],
        stderr=subprocess.PIPE,
        text=True,
    )
    connection, _ = server.accept()
    with connection:
        connection.recv(1)  # the request is on its way, so the program waits for the response
        process.send_signal(number)
        return process.wait(20), process.stderr.read() if process.stderr else ""


@posix
def test_ctrl_c_is_one_line_and_130(silent_server: Any, config_json: Path) -> None:
    code, err = interrupted(silent_server, signal.SIGINT)
    assert code == 130 and err.split() == ["Interrupted."]
    assert not config_json.exists()


@posix
def test_sigterm_is_one_line_and_143(silent_server: Any, config_json: Path) -> None:
    code, err = interrupted(silent_server, signal.SIGTERM)
    assert code == 143 and err.count("\n") == 1 and "Terminated" in err
    assert not config_json.exists()


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_stops_early_causes_no_noise(config_json: Path, unbuffered: str) -> None:
    config_json.write_text(json.dumps({f"name-{number}": URL for number in range(20_000)}))
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    for args in (["-ls"], ["-ls", "--json"]):
        command = [sys.executable, "-m", "cloudinary_cli", "config", *args]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 1


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_fits_on_the_disk_only_in_part_is_an_error(
    tmp_path: Path, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system stores the part that fits, and reports no error for it."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    program = f"ulimit -f 8; {sys.executable} -m cloudinary_cli admin -ls --json > out"
    done = subprocess.run(["sh", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "error: The output cannot be written: File too large.\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sets the size of a pipe")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_slow_reader_of_a_pipe_that_does_not_block_gets_everything(
    cld: Run, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs such as npm pass on such pipes."""
    import fcntl

    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    whole = cld("admin", "-ls", "--json").out.encode()
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, 1031, 4096)  # F_SETPIPE_SZ; the module has its name since Python 3.10
    os.set_blocking(write_end, False)
    command = [sys.executable, "-m", "cloudinary_cli", "admin", "-ls", "--json"]
    process = subprocess.Popen(command, stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    with open(read_end, "rb") as reader:
        first = reader.read(1)
        time.sleep(1)
        assert first + reader.read() == whole
    assert process.communicate(timeout=60)[1] == b"" and process.returncode == 0


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", ">/dev/full", "2>/dev/full"])
def test_closed_and_full_streams_cause_no_traceback(
    saved: Path, redirection: str, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    for args in ("config -ls", "config -d nope", "config -ud"):
        done = subprocess.run(
            f"{sys.executable} -m cloudinary_cli {args} {redirection}", shell=True, capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr and done.stderr.count("\n") <= 4
        assert done.returncode in (0, 1)


@posix
@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "utf-8"},
    ],
)
def test_names_in_any_locale(cld: Run, config_json: Path, env: Dict[str, str]) -> None:
    config_json.write_text(json.dumps({"é日本": URL}), encoding="utf-8")
    done = cld("config", "-ls", env=env)
    assert (done.code, done.err) == (0, "") and len(done.out.splitlines()) == 2
    rows = json.loads(cld("config", "-ls", "-j", env=env).out)
    assert rows[0]["name"] == "é日本"
    assert ("é日本" in cld("config", "-ls", "-j", env=env).out) is (env.get("PYTHONIOENCODING") in (None, "utf-8"))
    done = cld("config", "-s", "ü", env=env)
    assert done.code == 1 and "Traceback" not in done.err and "no saved configuration" in done.err


@posix
def test_a_name_that_is_not_utf8_can_be_used_and_removed(config_json: Path, cld: Run) -> None:
    config_json.write_text(json.dumps({"a": URL}))
    raw = [os.fsencode(sys.executable), b"-m", b"cloudinary_cli", b"config", b"-s", b"\xff\xe9"]
    done = subprocess.run(raw, capture_output=True)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
