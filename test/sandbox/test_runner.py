"""`cld sandbox start`, `run`, `shell` and `demo` as real processes."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from test.support.ports import free_port
from test.support.terminal import Terminal

from .helpers import session

CLD = [sys.executable, "-m", "cloudinary_cli"]
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX shells and signals")
SHOW = "import os; print(*(k + '=' + v for k, v in os.environ.items() if 'CLOUDINARY' in k), sep='\\n')"


def run(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*CLD, "sandbox", "run", *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


def start(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    command = [*CLD, "sandbox", "start", "--port", "0", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def exports(process: "subprocess.Popen[str]") -> Dict[str, str]:
    """The variables that `start` prints."""
    found: Dict[str, str] = {}
    assert process.stdout is not None
    while "no_proxy" not in found:
        line = process.stdout.readline()
        assert line.startswith("export "), line
        name, _, value = shlex.split(line)[1].partition("=")
        found[name] = value
    return found


def test_run_sets_the_environment_and_cleans_up() -> None:
    done = run("--", sys.executable, "-c", SHOW, env={**os.environ, "CLOUDINARY_CLOUD_NAME": "real"})
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert done.returncode == 0, done.stderr
    assert "CLOUDINARY_CLOUD_NAME" not in seen and "@sandbox?" in seen["CLOUDINARY_URL"]
    assert not Path(seen["CLOUDINARY_HOME"]).exists()
    port = int(seen["CLOUDINARY_OAUTH_BASE_URL"].rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_run_with_oauth_leaves_the_key_out() -> None:
    done = run("--oauth", "--", sys.executable, "-c", SHOW)
    assert "CLOUDINARY_URL=" not in done.stdout and "CLOUDINARY_OAUTH_BASE_URL=" in done.stdout


def test_run_lets_the_sdk_talk_to_the_sandbox() -> None:
    program = "import cloudinary.api, cloudinary.uploader; print(cloudinary.api.ping()['status'])"
    done = run("--", sys.executable, "-c", program)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


def test_run_passes_on_the_exit_status() -> None:
    assert run("--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7
    assert run(sys.executable, "-c", "raise SystemExit(3)").returncode == 3
    assert run("--", "no-such-command-here").returncode == 127
    assert run().returncode != 0


@posix
def test_run_passes_signals_on() -> None:
    program = (
        "import os, signal, time; signal.signal(15, lambda *a: os._exit(9)); print('up', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [*CLD, "sandbox", "run", "--", sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 9
    process.stdout.close()


@posix
def test_a_signal_at_the_start_of_the_command_ends_no_more_than_the_command() -> None:
    script = 'trap "exit 9" TERM; kill -TERM $PPID; sleep 30 & wait'
    assert run("--", "/bin/sh", "-c", script, stdin=subprocess.DEVNULL).returncode == 9


@posix
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_start_serves_until_a_signal(tmp_path: Path, number: signal.Signals, status: int) -> None:
    process = start("--data", str(tmp_path / "data"), "--auto-approve")
    variables = exports(process)
    base = variables["CLOUDINARY_OAUTH_BASE_URL"]
    assert session().get(base + "/sandbox/stats").json()["uploads"] == 0
    assert variables["CLOUDINARY_HOME"] == str(tmp_path / "data" / "home")
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == status and out == "" and re.search(r"sandbox on http://127\.0\.0\.1:\d+", err)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2])), timeout=5)


def test_start_says_when_the_port_is_taken(sandbox: SandboxServer) -> None:
    done = subprocess.run(
        [*CLD, "sandbox", "start", "--port", str(sandbox.port)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1 and done.stdout == ""
    assert f"Cannot listen on 127.0.0.1:{sandbox.port}" in done.stderr


@posix
def test_start_with_a_relative_data_directory_prints_absolute_paths(tmp_path: Path) -> None:
    process = start("--data", "box", cwd=tmp_path)
    assert exports(process)["CLOUDINARY_HOME"] == str(tmp_path.resolve() / "box" / "home")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


@pytest.mark.parametrize("name", ["sandbox.sqlite3", "tmp"])
def test_start_says_when_the_data_directory_cannot_be_used(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("not a database, not a directory")
    process = start("--data", str(tmp_path))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1 and out == "" and "Cannot listen" not in err
    assert len(err.splitlines()) == 1 and str(tmp_path) in err


def test_a_second_server_on_the_same_data_directory_is_refused(tmp_path: Path) -> None:
    first = start("--data", str(tmp_path))
    exports(first)
    second = start("--data", str(tmp_path))
    out, err = second.communicate(timeout=60)
    assert second.returncode == 75 and out == ""
    assert err.startswith(f"error: Another sandbox uses the data directory {tmp_path}. ") and "--data" in err
    first.terminate()
    first.communicate(timeout=20)
    third = start("--data", str(tmp_path))
    exports(third)
    third.terminate()
    third.communicate(timeout=20)


def test_missing_extra_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "flask.py").write_text("raise ModuleNotFoundError(\"No module named 'flask'\", name='flask')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = run("--", "true", env={**os.environ, "PYTHONPATH": path})
    lines: List[str] = done.stderr.strip().splitlines()
    assert done.returncode == 1 and len(lines) == 1 and "pip install 'cloudinary-cli[sandbox]'" in lines[0]


@posix
def test_shell_runs_the_users_shell_against_a_fresh_sandbox() -> None:
    done = subprocess.run(
        [*CLD, "sandbox", "shell"],
        input=f'"{sys.executable}" -m cloudinary_cli admin ping && exit 7',
        env={**os.environ, "SHELL": "/bin/sh"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, json.loads(done.stdout)) == (7, {"status": "ok"})
    assert re.fullmatch(r'Cloudinary sandbox on http://127\.0\.0\.1:\d+, cloud "sandbox"\. `exit` .+\n', done.stderr)


@posix
def test_shell_without_the_variable_runs_sh() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SHELL"}
    done = subprocess.run([*CLD, "sandbox", "shell"], input=b"echo $0", env=environment, stdout=subprocess.PIPE)
    assert done.stdout == b"/bin/sh\n"


@posix
def test_shell_in_a_terminal_ends_with_exit() -> None:
    with Terminal.cld("sandbox", "shell", "--oauth", env={"SHELL": "/bin/sh", "PS1": "ready> "}) as terminal:
        terminal.expect("ready> ")
        terminal.type("echo [$CLOUDINARY_URL$CLOUDINARY_OAUTH_BASE_URL]")
        terminal.expect("[http://127.0.0.1:")
        terminal.expect("ready> ")
        terminal.press("\x03")
        terminal.expect("ready> ")
        terminal.type("exit 5")
        assert terminal.wait() == 5


@posix
def test_terminating_the_command_ends_its_interactive_shell() -> None:
    with Terminal.cld("sandbox", "shell", env={"SHELL": "/bin/sh", "PS1": "ready> "}) as terminal:
        terminal.expect("ready> ")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait() == 128 + signal.SIGHUP


@posix
def test_run_under_nohup_survives_a_hangup() -> None:
    program = "import signal; print(signal.getsignal(1) == signal.SIG_IGN, flush=True); input(); print('end')"
    script = 'trap "" HUP; exec "$@"'
    process = subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", *CLD, "sandbox", "run", "--", sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "True\n"
    process.send_signal(signal.SIGHUP)
    assert process.communicate("\n", timeout=60) == ("end\n", None) and process.returncode == 0


@posix
def test_the_demo_ends_with_commands_that_work(tmp_path: Path) -> None:
    (tmp_path / "cld").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cloudinary_cli "$@"\n')
    (tmp_path / "cld").chmod(0o755)
    env = {**os.environ, "SHELL": "/bin/sh", "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    demo = subprocess.run(["cld", "sandbox", "demo"], env=env, capture_output=True, text=True, timeout=120)
    assert demo.returncode == 0, demo.stderr
    first, *others = re.findall(r"^  \$ (.+)$", demo.stdout.partition("Type this")[2], re.M)
    assert first.startswith("cld sandbox shell") and others[-1] == "exit"
    env["CLOUDINARY_OAUTH_REDIRECT_PORT"] = str(free_port())
    script = "set -e\n" + "\n".join(others)
    done = subprocess.run(first.split(), input=script, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and '"status": "ok"' in done.stdout, done.stderr


def test_a_stopped_server_starts_again(sandbox: SandboxServer) -> None:
    sandbox.stop()
    with SandboxServer(sandbox.settings) as again:
        assert session().get(again.base_url + "/sandbox/stats").status_code == 200
