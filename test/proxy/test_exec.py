"""`cld exec`: real programs with the SDK run through the proxy of a saved login, against the sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from cloudinary_cli.auth import flow
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.proxy.run import child_environment
from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings
from test.support.sandbox_client import SandboxClient

CLD_EXEC = [sys.executable, "-m", "cloudinary_cli", "exec"]
# What the child does is written as a script of the Python SDK, which reads CLOUDINARY_URL when it is imported.
SDK = "import cloudinary, cloudinary.api, cloudinary.uploader, json, os, sys\n"


def run(*args: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*CLD_EXEC, *args], capture_output=True, text=True, timeout=120, **options)


def python(script: str, *args: str) -> List[str]:
    return ["--", sys.executable, "-c", SDK + textwrap.dedent(script), *args]


@pytest.fixture
def short_box(tmp_path: Path) -> Iterator[SandboxClient]:
    """A sandbox whose access tokens live for six seconds. They are renewed after three."""
    settings = SandboxSettings(data_dir=tmp_path / "sandbox", auto_approve=True, ttl=6)
    with SandboxServer(settings, threads=40) as server:
        client = SandboxClient(server)
        client.reset()
        yield client


def test_a_program_uploads_and_searches_without_a_secret(
    box: SandboxClient, store: ConfigStore, tmp_path: Path
) -> None:
    box.save_login(store, "box", stale=False)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + os.urandom(12_000_000) + b"\xff\xd9")
    script = """
        made = cloudinary.uploader.upload(sys.argv[1], public_id="seen")
        found = cloudinary.Search().expression("public_id=seen").execute()
        large = cloudinary.uploader.upload_large(sys.argv[1], public_id="parts", chunk_size=5_500_000)
        print(json.dumps([made["bytes"], found["total_count"], large["bytes"]]))
    """
    done = run("box", *python(script, str(photo)))
    assert done.returncode == 0, done.stderr
    size = photo.stat().st_size
    assert json.loads(done.stdout) == [size, 1, size] and done.stderr == ""


def test_no_token_is_in_the_environment_or_the_command_line(box: SandboxClient, store: ConfigStore) -> None:
    session = box.save_login(store, "box", stale=False)
    script = """
        environ = open(f"/proc/{os.getpid()}/environ").read()
        parent = open(f"/proc/{os.getppid()}/cmdline").read() + open(f"/proc/{os.getppid()}/environ").read()
        print(json.dumps([dict(os.environ), environ, parent]))
    """
    done = run(
        "box", *python(script), env={**os.environ, "CLOUDINARY_API_SECRET": "old", "CLOUDINARY_CLOUD_NAME": "old"}
    )
    assert done.returncode == 0, done.stderr
    for token in (session.access_token, session.refresh_token):
        assert token and token not in done.stdout
    child: Dict[str, str] = json.loads(done.stdout)[0]
    assert "CLOUDINARY_API_SECRET" not in child and "CLOUDINARY_CLOUD_NAME" not in child
    assert child["CLOUDINARY_URL"].startswith("cloudinary://sandbox?oauth_token=proxied&upload_prefix=http%3A%2F%2F127")
    assert "127.0.0.1" in child["NO_PROXY"]


def test_a_long_job_has_no_401_with_tokens_that_live_for_seconds(short_box: SandboxClient, store: ConfigStore) -> None:
    short_box.save_login(store, "box", stale=False)
    script = """
        import time
        end = time.time() + 13
        calls = 0
        while time.time() < end:
            cloudinary.api.ping()
            calls += 1
            time.sleep(0.1)
        print(calls)
    """
    done = run("box", *python(script))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
    assert {request["status"] for request in short_box.requests("/v1_1/")} == {200}
    assert short_box.stats["refresh_exchanges"] >= 3


def test_parallel_calls_with_a_stale_token_make_one_exchange(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, "box", stale=False)
    script = """
        from concurrent.futures import ThreadPoolExecutor
        cloudinary.api.ping()
        input()
        with ThreadPoolExecutor(32) as pool:
            assert all(r["status"] == "ok" for r in pool.map(lambda n: cloudinary.api.ping(), range(32)))
    """
    process = subprocess.Popen(
        [*CLD_EXEC, "box", *python(script)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not box.requests("/v1_1/"):
        assert process.poll() is None
        time.sleep(0.02)
    box.call("POST", "clock", {"offset": 400})  # the server's tokens have expired, and the client does not know
    box.call("DELETE", "stats")
    _, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0, err
    assert box.stats["refresh_exchanges"] == 1


def test_the_exit_status_is_that_of_the_command(box: SandboxClient, store: ConfigStore, tmp_path: Path) -> None:
    box.save_login(store, "box", stale=False)
    assert run("box", "--", "sh", "-c", "exit 7").returncode == 7
    missing = run("box", "--", "no-such-program")
    assert missing.returncode == 127 and missing.stderr == "error: Command not found: no-such-program\n"
    (tmp_path / "file").write_text("not a program")
    assert run("box", "--", str(tmp_path / "file")).returncode == 126


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_command(box: SandboxClient, store: ConfigStore, number: int) -> None:
    box.save_login(store, "box", stale=False)
    script = "trap 'echo caught; exit 9' HUP INT TERM; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [*CLD_EXEC, "box", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # without the terminal of this test, whose Ctrl-C would reach both processes
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 9 and out == "caught\n"


def test_an_api_key_configuration_is_in_the_variables_of_the_command_only(store: ConfigStore) -> None:
    with store.transaction() as cfg:
        cfg["key"] = "cloudinary://k:s1@demo?secure_distribution=cdn.example"
    done = run(
        "key", *python("c = cloudinary.config(); print(c.cloud_name, c.api_key, c.api_secret, c.secure_distribution)")
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "demo k s1 cdn.example\n", "")


def test_the_sdk_of_the_command_builds_the_same_urls(store: ConfigStore) -> None:
    with store.transaction() as cfg:
        cfg["key"] = "cloudinary://k:s1@demo?auth_token[key]=00ff"
    script = 'print(cloudinary.utils.cloudinary_url("x", secure=True)[0], cloudinary.config().auth_token)'
    url, names = (
        "https://res.cloudinary.com/demo/image/upload/x",
        ("CLOUD_NAME", "API_KEY", "API_SECRET", "PRIVATE_CDN"),
    )
    assert run("key", *python(script)).stdout == f"{url} {{'key': '00ff'}}\n"
    variables = {f"CLOUDINARY_{name}": value for name, value in zip(names, ("demo", "k", "s", "false"))}
    assert run(*python(script), env={**os.environ, **variables}).stdout == f"{url} None\n"
    assert run(*python(script), env={**os.environ, "CLOUDINARY_URL": "cloudinary://k:s@demo"}).stdout == f"{url} None\n"


def test_a_command_that_is_cld_uses_the_same_configuration(box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store, "box", stale=False)
    with store.transaction() as cfg:
        cfg.update({"other": "cloudinary://k:s@other", "__default__": "other"})
    done = run("box", "--", sys.executable, "-m", "cloudinary_cli", "whoami", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "box"
    done = run("-c", "cloudinary://k:s@third", "--", sys.executable, "-m", "cloudinary_cli", "whoami", "--json")
    assert (done.returncode, done.stderr) == (0, "") and json.loads(done.stdout)["cloud_name"] == "third"


@pytest.mark.parametrize(
    ("environ", "upper", "lower"),
    [
        ({}, "127.0.0.1", "127.0.0.1"),
        ({"NO_PROXY": "intra.example"}, "intra.example,127.0.0.1", "intra.example,127.0.0.1"),
        ({"no_proxy": "a.example", "NO_PROXY": "b.example"}, "b.example,127.0.0.1", "a.example,127.0.0.1"),
        ({"NO_PROXY": "*"}, "*", "*"),
    ],
)
def test_the_command_reaches_the_same_hosts_without_a_proxy_as_before(
    environ: Dict[str, str], upper: str, lower: str
) -> None:
    child = child_environment(environ, "cloudinary://demo", None, "127.0.0.1")
    assert (child["NO_PROXY"], child["no_proxy"]) == (upper, lower)


def test_an_unknown_name_fails_before_the_command_starts(store: ConfigStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    done = run("nobody", "--", "touch", str(made))
    assert done.returncode == 1 and "no saved configuration is named 'nobody'" in done.stderr
    assert not made.exists()


def test_a_dead_login_fails_before_the_command_starts(box: SandboxClient, store: ConfigStore, tmp_path: Path) -> None:
    box.save_login(store, "box", refresh_token="never-issued")
    made = tmp_path / "made"
    done = run("box", "--", "touch", str(made))
    assert done.returncode == 1 and "cld login box" in done.stderr and "Traceback" not in done.stderr
    assert not made.exists()


@pytest.mark.parametrize("args", [[], ["box"], ["box", "--"], ["a", "b", "--", "true"]])
def test_without_a_command_after_two_dashes_it_says_how_to_write_it(args: List[str]) -> None:
    done = run(*args)
    assert done.returncode == 1 and "cld exec [NAME] -- COMMAND" in done.stderr


def test_a_login_that_ends_while_the_command_runs_is_told_to_the_command(
    box: SandboxClient, store: ConfigStore
) -> None:
    session = box.save_login(store, "box", stale=False)
    script = """
        cloudinary.api.ping()
        input()
        try:
            cloudinary.api.ping()
        except cloudinary.exceptions.AuthorizationRequired as error:
            print(error)
    """
    process = subprocess.Popen(
        [*CLD_EXEC, "box", *python(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not box.requests("/v1_1/"):
        assert process.poll() is None
        time.sleep(0.02)
    flow.revoke(session.refresh_token or "", "api", base_url=box.url)
    box.call("POST", "clock", {"offset": 400})
    out, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0, err
    assert "cld login box" in out
