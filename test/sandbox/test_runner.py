"""`cld sandbox start` and `run` as real processes."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from cloudinary_cli.sandbox.server import SandboxServer

from .helpers import session

CLD = [sys.executable, "-m", "cloudinary_cli"]
SHOW = "import os; print(*(k + '=' + v for k, v in os.environ.items() if 'CLOUDINARY' in k), sep='\\n')"


def run(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*CLD, "sandbox", "run", *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*CLD, "sandbox", "start", "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


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


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
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


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
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


def test_missing_extra_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "flask.py").write_text("raise ModuleNotFoundError(\"No module named 'flask'\", name='flask')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = run("--", "true", env={**os.environ, "PYTHONPATH": path})
    lines: List[str] = done.stderr.strip().splitlines()
    assert done.returncode == 1 and len(lines) == 1 and "pip install 'cloudinary-cli[sandbox]'" in lines[0]


def test_server_starts_and_stops_quickly(sandbox: SandboxServer) -> None:
    started = time.monotonic()
    sandbox.stop()
    with SandboxServer(sandbox.settings) as again:
        assert session().get(again.base_url + "/sandbox/stats").status_code == 200
    assert time.monotonic() - started < 2
