"""The root command: help, version, usage errors, and how a name finds its command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.version import __version__
from test.conftest import Result
from test.support.cloudinary_server import CloudinaryServer
from test.support.command_tree import leaf_commands

Run = Callable[..., Result]

URL = "cloudinary://key:secret@cloud"


@pytest.fixture
def saved(config_json: Path) -> Path:
    config_json.write_text(json.dumps({"a": URL, "b": URL, "__default__": "a"}))
    return config_json


def test_version_is_three_lines_on_stdout(cld: Run) -> None:
    done = cld("--version", env={"CLOUDINARY_URL": "foo", "CLOUDINARY_OAUTH_REDIRECT_PORT": "abc"})
    lines = done.out.splitlines()
    assert (done.code, done.err, len(lines)) == (0, "", 3)
    assert lines[0] == f"Cloudinary CLI, version {__version__}"
    assert lines[1].startswith("Cloudinary SDK, version 1.") and lines[2].startswith("Python, version 3.")


def test_bare_cld_shows_guidance_on_stderr_and_help_on_stdout(cld: Run, config_json: Path) -> None:
    done = cld()
    assert done.code == 0 and done.out.startswith("Usage: cld [OPTIONS] ")
    assert done.err.startswith("No Cloudinary configuration found.\n") and done.err.count("cld login") == 1
    config_json.write_text(json.dumps({"a": URL, "b": URL}))
    assert "cld config -d <name>" in cld().err
    done = cld("-C", "a")
    assert done.code == 0 and done.err == "" and "Usage:" in done.out


@pytest.mark.parametrize("args", [("-h",), ("--help",), ("config", "-h"), ("config", "--help"), ("logout", "-h")])
def test_help_by_both_names(invoke: Run, args: Any) -> None:
    done = invoke(*args)
    assert done.code == 0 and done.out.startswith("Usage: cld") and done.err == ""


@pytest.mark.parametrize("data", [b"{", b"[]"])
def test_help_and_version_need_no_readable_config(invoke: Run, config_json: Path, data: bytes) -> None:
    config_json.write_bytes(data)
    for args in (("--help",), ("--version",), ("config", "--help"), ("login", "--help")):
        assert invoke(*args).code == 0
    done = invoke()
    assert done.code in (0, 1) and str(config_json) in done.err and "Traceback" not in done.err


@pytest.mark.parametrize("args", [(), ("--help",), ("config", "--help"), ("config", "-ls"), ("--version",)])
def test_an_invalid_variable_blocks_only_who_needs_it(invoke: Run, args: Any) -> None:
    env = {"CLOUDINARY_URL": "foo", "CLOUDINARY_ACCOUNT_URL": "bar", "CLOUDINARY_OAUTH_REDIRECT_PORT": "abc"}
    done = invoke(*args, env=env)
    assert done.code == 0 and done.out and "Traceback" not in done.err


@pytest.mark.parametrize(
    "args",
    [
        *[("make", "-ll"), ("make", "video", "player"), ("sample",), ("dog",), ("completion", "bash")],
        *[(api, "-ls") for api in ("admin", "uploader", "provisioning", "utils")],
        *[("ping", "--help"), ("agent", "cloud", "list"), ("sandbox", "--help"), ("search", "x", "-sq")],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("url", [None, "foo"], ids=["no configuration", "an invalid one"])
def test_who_needs_no_account_hears_of_none(invoke: Run, args: Any, url: Any) -> None:
    done = invoke(*args, env={"CLOUDINARY_URL": url} if url else {})
    assert done.code == 0 and "onfiguration" not in done.err and "CLOUDINARY_URL" not in done.err


def test_a_bad_port_stops_a_login_only_and_is_named(invoke: Run) -> None:
    env = {"CLOUDINARY_OAUTH_REDIRECT_PORT": "abc", "CLOUDINARY_URL": URL}
    assert invoke("url", "x", env=env).code == 0
    done = invoke("login", env=env)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "CLOUDINARY_OAUTH_REDIRECT_PORT must be a port number" in done.err


@pytest.mark.parametrize(
    "args, reason",
    [
        (("-c", URL, "-C", "a", "config"), "mutually exclusive"),
        (("-c", "", "config"), "it is empty"),
        (("-C", "", "config"), "it is empty"),
        (("-c", "http://k:TOPSECRET@x", "config"), "cloudinary://<api_key>:<api_secret>@<cloud_name>"),
        (("-c", "cloudinary://", "config"), "cloudinary://<api_key>:<api_secret>@<cloud_name>"),
        (("-c", "a", "config"), "use -C a"),
        (("--nope",), "No such option"),
        (("config", "--nope"), "No such option"),
        (("-v", "LOUD", "config"), "CRITICAL"),
        (("config", "-v", "LOUD"), "CRITICAL"),
        (("-c",), "'-c' requires an argument"),
        (("config", "-n", "x"), "'-n' requires 2 arguments"),
    ],
)
def test_usage_errors_exit_1_on_stderr(invoke: Run, saved: Path, args: Any, reason: str) -> None:
    done = invoke(*args)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Usage: cld ")
    assert "Error: " in done.err and reason.lower() in done.err.lower() and "TOPSECRET" not in done.err


def test_an_unknown_saved_name_is_a_runtime_error_of_one_line(invoke: Run, saved: Path) -> None:
    done = invoke("-C", "nope", "config", "-ls")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith("error: Command execution failed, error: Config nope does not exist")


def test_a_typing_error_gets_a_suggestion(invoke: Run) -> None:
    done = invoke("confg")
    assert done.code == 1 and 'No such command "confg".\nDid you mean: config' in done.err
    assert "Did you mean" not in invoke("qqqqqqq").err
    assert "Did you mean: ping" in invoke("pingg").err, "methods are suggested too"
    assert "Did you mean: ping" in invoke("pnig").err, "the closest one first, method or command"


def test_a_url_in_the_place_of_a_command_is_not_repeated_in_clear(invoke: Run) -> None:
    done = invoke("cloudinary://key:TOPSECRET@cloud")
    assert done.code == 1 and "A URL is not a command" in done.err and "TOPSECRET" not in done.text


def test_the_last_of_a_repeated_option_wins(invoke: Run, saved: Path) -> None:
    rows = json.loads(invoke("-C", "nope", "-C", "b", "config", "-ls", "-j").out)
    assert [row["name"] for row in rows if row["active"]] == ["b"]


def test_main_returns_the_exit_status_and_other_entry_points_work(saved: Path, tmp_path: Path) -> None:
    from cloudinary_cli.cli import main
    from cloudinary_cli.cli_group import cli

    assert main(["config", "-ls", "-v", "error"]) == 0 and main(["config", "-s", "nope"]) == 1
    assert cli.name == "cli"
    for module in ("cloudinary_cli", "cloudinary_cli.cli"):
        done = subprocess.run([sys.executable, "-m", module, "config", "-ls"], capture_output=True, cwd=tmp_path)
        assert done.returncode == 0 and b"NAME" in done.stdout
    done = subprocess.run([sys.executable, "-m", "cloudinary_cli", "config", "-rm", "nope"], capture_output=True)
    assert done.returncode == 1


def test_a_method_name_is_routed_to_its_api(invoke: Run) -> None:
    for method, command in (("ping", "admin"), ("upload", "uploader")):
        done = invoke(method, "--help")
        assert done.code == 0 and done.out.startswith(f"Usage: cld {command}")


def test_shell_completion_script(cld: Run) -> None:
    done = cld(env={"_CLD_COMPLETE": "zsh_source"})
    assert done.code == 0 and "_CLD_COMPLETE=zsh_complete cld" in done.out


def test_the_table_of_commands_is_true() -> None:
    import importlib

    import click

    from cloudinary_cli.cli_group import COMMANDS

    missing: List[str] = []
    for name, entry in COMMANDS.items():
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command) or (command.name != name and not entry.hidden):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize(
    "args",
    [
        ["search", "x", "--max-results", "7", "--search_query"],
        ["search", "x", "--max_results=7", "--search-query"],
        ["search", "x", "-n", "7", "-sq"],
    ],
)
def test_long_options_take_dashes_and_underscores(args: "list[str]", invoke: Any) -> None:
    done = invoke("-c", "cloudinary://k:s@c", *args)
    assert done.code == 0 and json.loads(done.out)["max_results"] == 7, done.err


@pytest.mark.parametrize(
    "args",
    [
        ("build_eager", "x"),
        ("only", '{"a":1}', "a"),
        ("call_api", "get"),
        ("transformation_string", "x"),
        ("NotFound",),
    ],
    ids=lambda args: args[0],
)
def test_no_attribute_of_the_sdk_is_a_command_by_being_there(invoke: Run, args: Any) -> None:
    done = invoke("-c", URL, *args)
    assert (done.code, done.out) == (1, "")
    assert f'Error: No such command "{args[0]}".\n' in done.err and done.err.count("\n") == 3


def test_a_name_gets_the_closest_of_commands_and_methods_else_the_way_to_the_list(invoke: Run) -> None:
    assert invoke("pong").err.endswith('No such command "pong".\nDid you mean: ping, config?\n')
    assert invoke("qqqqqqq").err.endswith('No such command "qqqqqqq".\nSee the commands with: cld --help\n')


def test_every_command_takes_verbosity_after_its_name(invoke: Run) -> None:
    commands = [*leaf_commands(), ("agent",), ("agent", "cloud"), ("sandbox",)]
    without = [words for words in commands if "--verbosity" not in invoke(*words, "--help").out]
    assert without == []
    # Here -v is another option.
    done = invoke("-c", URL, "migrate", "m", "nofile", "--verbosity", "critical")
    assert (done.code, done.out, done.err) == (1, "", "")


@pytest.mark.parametrize("data", [b"{bad", b"\xff"])
def test_a_url_given_with_c_needs_no_file(
    server: CloudinaryServer, invoke: Run, config_json: Path, data: bytes
) -> None:
    config_json.write_bytes(data)
    server.on("GET", "/ping", {"status": "ok"})
    done = invoke("-c", server.config_url(), "ping")
    assert (done.code, json.loads(done.out), done.err) == (0, {"status": "ok"}, "")
    # A default might be stored in it, and would come before the environment: which account is meant is unknown.
    done = invoke("ping", env={"CLOUDINARY_URL": server.config_url()})
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1) and done.err.startswith(f"error: {config_json} ")
    assert len(server.requests) == 1 and config_json.read_bytes() == data


@pytest.mark.parametrize("api", ["admin", "uploader", "provisioning", "utils"])
@pytest.mark.parametrize("option", [[], ["-ls"]], ids=["without words", "-ls"])
def test_a_list_of_methods_is_data_at_any_verbosity(cld: Run, api: str, option: List[str]) -> None:
    done = cld("-v", "critical", api, *option)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) >= 9 and all("(" in line for line in done.out.splitlines())
