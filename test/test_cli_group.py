"""The Click group called without main(), as other code and Click's CliRunner do it; and -C before a command's help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest
from click.testing import CliRunner

from cloudinary_cli.cli_group import COMMANDS, cli
from cloudinary_cli.sdk import loader
from cloudinary_cli.utils import json_utils
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


def test_log_lines_and_errors_appear_when_the_group_is_called_directly(server: CloudinaryServer) -> None:
    runner = CliRunner()
    done = runner.invoke(cli, ["-c", server.config_url(), "admin", "resource", ""])
    assert done.exit_code == 1 and "error: The argument 'public_id' of 'resource' is empty." in done.output
    done = runner.invoke(cli, ["config", "-s", "nope"])
    assert done.exit_code == 2 and "no saved configuration is named 'nope'" in done.output  # as Click ends usage errors
    done = runner.invoke(cli, ["-C", "nope", "ping"])
    assert done.exit_code == 1 and "error: Command execution failed, error: Config nope does not exist" in done.output
    done = runner.invoke(cli, ["-c", server.config_url(), "admin", "resources", "max_result=5"])
    assert done.exit_code == 0 and "warning: Method 'resources' has no option 'max_result'" in done.output
    done = runner.invoke(cli, ["config", "-ls"])
    assert done.exit_code == 0


@pytest.mark.parametrize(
    "args", [[], ["ping"], ["admin", "--help"], ["config", "-ls"], ["login", "--help"], ["url", "x"], ["--help"]]
)
def test_an_unknown_name_after_capital_c_fails(invoke: Run, args: Any) -> None:
    done = invoke("-C", "nope", *args)
    if args == ["--help"]:  # the help of cld itself needs nothing
        assert done.code == 0
        return
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: Command execution failed, error: Config nope does not exist."
        " Run `cld config -ls` to see the saved ones.\n"
    )


def test_a_signature_that_does_not_match_prints_nothing(invoke: Run) -> None:
    arguments = ["public_id=a", "version=1", "signature=0000000000000000000000000000000000000000"]
    done = invoke("-c", "cloudinary://k:s@demo", "utils", "verify_api_response_signature", *arguments)
    assert (done.code, done.out, done.err) == (1, "", "")


@pytest.mark.parametrize(
    "args", [["admin", "delete_resources", "x"], ["admin", "delete_folder", "x"], ["destroy", "x"]]
)
def test_a_deletion_without_a_terminal_needs_the_option_that_says_yes(
    server: CloudinaryServer, cld: Run, args: Any
) -> None:
    done = cld("-c", server.config_url(), *args)
    assert (done.code, done.out, server.requests) == (1, "", [])
    assert "Use --force (-F) to skip the question." in done.err and done.err.endswith("Stopping.\n")
    assert cld("-c", server.config_url(), *args, "-F").code == 0 and len(server.requests) == 1
    assert cld("-c", server.config_url(), *args, input="y\n").code == 0


def test_no_command_hides_a_method_of_the_sdk() -> None:
    """`cld METHOD` runs a method of the API. `config` was a command before the SDK had a method of that name."""
    methods = {name for api in ("admin", "uploader", "provisioning") for name in loader.api_methods(api)}
    assert set(COMMANDS) & methods == {"config"}


def test_json_files_are_updated_and_written(tmp_path: Path) -> None:
    path = str(tmp_path / "a.json")
    json_utils.update_json_file({"b": 1}, path)
    json_utils.update_json_file({"a": {"é": None}}, path, indent=None, sort_keys=True, atomic=True, mode=0o600)
    assert Path(path).read_text(encoding="utf-8") == '{"a": {"é": null}, "b": 1}'
    assert json_utils.read_json_from_file(path) == {"a": {"é": None}, "b": 1}
    json_utils.write_json_to_file([1], path)
    assert Path(path).read_text() == "[\n  1\n]" == json.dumps([1], indent=2)
    with pytest.raises(ValueError, match="does not hold a JSON object"):
        json_utils.update_json_file({}, path)
