"""The exit statuses of docs/exit-codes.md: the default ones, and those of CLOUDINARY_CLI_EXIT_CODES=detailed."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest

from cloudinary_cli import errors
from cloudinary_cli.auth.session import Session, to_cloudinary_url
from cloudinary_cli.errors import ApiError, AuthenticationError, CliError, Delivery, TokenEndpointError
from test.conftest import REPO
from test.support.cloudinary_server import CloudinaryServer, Reply

Run = Callable[..., Any]
DETAILED = {"CLOUDINARY_CLI_EXIT_CODES": "detailed"}
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals or locks")


@pytest.fixture
def codes(invoke: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., List[int]]:
    """The default and the detailed exit status of one command; `input` is its stdin."""

    def run(*args: str, env: Optional[Dict[str, str]] = None, input: str = "") -> List[int]:
        def once(**more: str) -> Any:
            # main() reads the standard input of the process, which pytest does not provide.
            monkeypatch.setattr(sys, "stdin", io.StringIO(input))
            return invoke(*args, env={**(env or {}), **more})

        plain, detailed = once(), once(**DETAILED)
        assert (plain.out, plain.err) == (detailed.out, detailed.err), "nothing but the status differs"
        return [plain.code, detailed.code]

    return run


def test_success_is_0(codes: Run) -> None:
    assert codes("--version") == [0, 0]
    assert codes("config", "-ls") == [0, 0]


@pytest.mark.parametrize(
    "args", [["nosuch"], ["--nosuch"], ["config", "--nosuch"], ["make", "-ll", "-F"], ["config", "-s", "x"]]
)
def test_usage_is_2(codes: Run, args: List[str]) -> None:
    assert codes(*args) == [1, 2]


def test_configuration_is_3(codes: Run, config_json: Path) -> None:
    assert codes("admin", "ping") == [1, 3], "none"
    assert codes("-C", "nope", "config", "-ls") == [1, 3], "unknown"
    assert codes("admin", "ping", env={"CLOUDINARY_URL": "foo"}) == [1, 3], "invalid"
    config_json.write_text("{")
    assert codes("config", "-ls") == [1, 3], "unreadable"


@pytest.mark.parametrize(
    "api, status, expected",
    [
        ("admin", 401, 4),
        ("admin", 404, 5),
        ("admin", 403, 1),
        ("admin", 418, 1),
        ("admin", 500, 7),
        ("uploader", 401, 4),
        ("uploader", 404, 5),
        ("uploader", 418, 1),
        ("uploader", 500, 7),
    ],
)
def test_an_http_status(codes: Run, server: CloudinaryServer, api: str, status: int, expected: int) -> None:
    server.on("*", "", Reply(status, {"error": {"message": "no"}}))
    args = ["admin", "delete_folder", "x", "-F"] if api == "admin" else ["uploader", "destroy", "x", "-F"]
    assert codes("-c", server.config_url(), *args) == [1, expected]


@pytest.mark.parametrize("status", [420, 429])
def test_rate_limited_is_6(codes: Run, server: CloudinaryServer, status: int) -> None:
    server.on("*", "", Reply(status, {"error": {"message": "slow"}}, {"Retry-After": "9999"}))
    assert codes("-c", server.config_url(), "admin", "ping") == [1, 6]
    assert codes("-c", server.config_url(), "uploader", "destroy", "x", "-F") == [1, 6]


@pytest.mark.parametrize(("status", "expected"), [(401, 4), (420, 6)])
def test_a_search_that_ends_after_a_page_has_the_status_of_its_error(
    codes: Run, server: CloudinaryServer, status: int, expected: int
) -> None:
    error = Reply(status, {"error": {"message": "no"}}, {"Retry-After": "9999"})
    first = {"resources": [{"public_id": "a"}], "next_cursor": "2"}
    server.on("POST", "/resources/search", lambda request: error if "next_cursor" in request.json else first)
    assert codes("-c", server.config_url(), "search", "-A", "-F") == [1, expected]


def test_a_login_that_cannot_be_renewed_is_4(codes: Run, config_json: Path) -> None:
    config_json.write_text(json.dumps({"a": to_cloudinary_url(Session("c", "token", None, 1, 2))}))
    assert codes("-C", "a", "whoami") == [1, 4]


def test_an_unknown_name_to_log_out_is_2(codes: Run) -> None:
    assert codes("logout", "nope") == [1, 2]
    assert codes("logout", "https://example.com") == [1, 2]


def test_a_url_that_is_not_saved_has_the_status_of_its_check(codes: Run, server: CloudinaryServer) -> None:
    server.on("GET", "/ping", Reply(401, {"error": {"message": "no"}}))
    assert codes("config", "-n", "x", server.config_url()) == [1, 4]


def test_no_response_is_7(codes: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: refused
        url = f"cloudinary://k:s@c?upload_prefix=http://127.0.0.1:{unused.getsockname()[1]}"
        assert codes("-c", url, "admin", "ping") == [1, 7]
        assert codes("-c", url, "uploader", "destroy", "x", "-F") == [1, 7]


def test_a_response_that_is_not_json_counts_by_its_status(codes: Run, server: CloudinaryServer) -> None:
    server.on("*", "", Reply(500, b"<html>"))
    assert codes("-c", server.config_url(), "admin", "delete_folder", "x", "-F") == [1, 7]


def test_a_missing_choice_is_8(codes: Run, config_json: Path) -> None:
    claim = "cloudinary://k:s@c?claim_url=https%3A%2F%2Fx"
    config_json.write_text(json.dumps({"a": claim, "b": claim}))
    assert codes("agent", "cloud", "claim") == [1, 8]


def test_a_failed_item_of_a_bulk_command_is_8(invoke: Run, server: CloudinaryServer, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.txt").write_text("a")
    server.on("GET", "/config", {"settings": {"folder_mode": "dynamic"}})
    server.on("POST", "/upload", Reply(400, {"error": {"message": "no"}}))
    args = ["-c", server.config_url(), "upload_dir", str(tmp_path / "d")]
    assert [invoke(*args, env=env).code for env in ({}, DETAILED)] == [1, 8]


def test_a_question_answered_with_no_or_by_nobody_is_8(codes: Run, server: CloudinaryServer) -> None:
    server.on("*", "", {"resources": [{"public_id": "a"}], "next_cursor": "2"})
    for args in (["admin", "delete_resources_by_tag", "x"], ["admin", "resources", "-A"], ["search", "-A"]):
        assert codes("-c", server.config_url(), *args) == [1, 8], "nobody"
        assert codes("-c", server.config_url(), *args, input="n\n") == [1, 8], "no"


@posix
def test_a_lock_is_75(cld: Run, config_json: Path) -> None:
    import fcntl

    config_json.write_text('{"a": "cloudinary://k:s@c"}')
    with open(f"{config_json}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # In a process of its own, so that its time limit can be shortened without changing this process.
        code = (
            "import sys; from cloudinary_cli.utils import config_utils; config_utils.ConfigStore().lock_timeout = 0.1;"
            "from cloudinary_cli.cli import main; sys.exit(main(sys.argv[1:]))"
        )
        for env in ({}, DETAILED):
            args = [sys.executable, "-c", code, "config", "-d", "a"]
            assert subprocess.run(args, env={**os.environ, **env}, capture_output=True).returncode == 75


@posix
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (getattr(signal, "SIGTERM", 15), 143)])
@pytest.mark.parametrize("env", [{}, DETAILED])
def test_signals(number: int, status: int, env: Dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        url = f"cloudinary://k:s@c?upload_prefix=http://127.0.0.1:{server.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudinary_cli", "-c", url, "admin", "ping"],
            env={**os.environ, **env},
            stderr=subprocess.DEVNULL,
        )
        with server.accept()[0] as connection:
            connection.recv(1)  # it waits for the response now
            process.send_signal(number)
            assert process.wait(20) == status


def test_another_value_of_the_variable_means_the_default_statuses(invoke: Run) -> None:
    assert invoke("nosuch", env={"CLOUDINARY_CLI_EXIT_CODES": "yes"}).code == 1
    assert invoke("nosuch", env={"CLOUDINARY_CLI_EXIT_CODES": ""}).code == 1


# -- the exceptions and the page


def test_statuses_of_errors() -> None:
    assert AuthenticationError("x").detailed_exit_code == 4
    assert [ApiError("x", status).detailed_exit_code for status in (None, 404, 420, 429, 503, 422)] == [
        7,
        5,
        6,
        6,
        7,
        1,
    ]
    statuses = [
        TokenEndpointError("x", Delivery.RESPONDED, status).detailed_exit_code for status in (400, 401, 429, 500)
    ]
    assert statuses == [4, 4, 6, 7]
    assert TokenEndpointError("x", Delivery.NEVER_SENT).detailed_exit_code == 7


def test_the_page_lists_every_status() -> None:
    page = (REPO / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    classes = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, CliError)]
    used = {int(code) for item in classes for code in (item.exit_code, item.detailed_exit_code)}
    assert documented == used | set(map(int, errors.DetailedExit)) | {0, 129, 130, 143}
