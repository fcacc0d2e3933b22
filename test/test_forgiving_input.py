"""Input that is nearly right: `-C` after the command, `cld help`, and suggestions for names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.cli_group import COMMANDS, SECTIONS
from cloudinary_cli.sdk import loader
from cloudinary_cli.version import __version__
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]
URL = "cloudinary://key:secret@cloud"


@pytest.fixture
def saved(server: CloudinaryServer, config_json: Path) -> Path:
    entries = {"prod": server.config_url("prod-cloud"), "staging": server.config_url("staging-cloud")}
    config_json.write_text(json.dumps({**entries, "__default__": "staging"}))
    return config_json


# -- -c and -C after the command


@pytest.mark.parametrize(
    "words",
    [
        ["ping", "-C", "prod"],
        ["-C", "staging", "ping", "-C", "prod"],
        ["admin", "-Cprod", "ping"],
        ["admin", "ping", "--config-saved", "prod"],
    ],
    ids=" ".join,
)
def test_capital_c_after_the_command(server: CloudinaryServer, saved: Path, invoke: Run, words: List[str]) -> None:
    assert invoke(*words).code == 0
    assert server.paths() == ["GET /v1_1/prod-cloud/ping"]


def test_c_after_the_command(server: CloudinaryServer, saved: Path, invoke: Run) -> None:
    assert invoke("search", "x", "--config", server.config_url("third")).code == 0
    assert invoke("whoami", "-c", URL).out.count("cloud") > 0
    assert server.paths()[0].startswith("POST /v1_1/third/")


@pytest.mark.parametrize("words", [["-c", URL, "ping", "-C", "prod"], ["ping", "-c", URL, "-C", "prod"]], ids=" ".join)
def test_both_options_exclude_each_other_wherever_they_stand(
    server: CloudinaryServer, saved: Path, invoke: Run, words: List[str]
) -> None:
    done = invoke(*words)
    assert done.code == 1 and "mutually exclusive" in done.err and server.requests == []


def test_an_option_of_the_command_keeps_its_meaning(server: CloudinaryServer, saved: Path, invoke: Run) -> None:
    assert invoke("search", "x", "-c", "CURSOR").code == 0
    assert server.requests[0].json["next_cursor"] == "CURSOR"


def test_a_subcommand_takes_it(saved: Path, invoke: Run) -> None:
    for words in (["agent", "cloud", "list", "-C", "nope"], ["agent", "-C", "nope", "cloud", "list"]):
        done = invoke(*words)
        assert done.code == 1 and "Config nope does not exist" in done.err


# -- help and version


def test_help_as_a_command(invoke: Run) -> None:
    assert invoke("help").out == invoke("--help").out
    for words in (["sync"], ["agent", "cloud", "create"], ["agent", "cloud"], ["ping"], ["help"]):
        wanted = invoke(*words, "--help")
        done = invoke("help", *words)
        assert (done.code, done.err) == (0, "") and done.out == wanted.out != "", words


def test_help_for_an_unknown_command_suggests_one(invoke: Run) -> None:
    done = invoke("help", "snyc")
    assert done.code == 1 and 'No such command "snyc".\nDid you mean: sync' in done.err


def test_version_by_three_names(invoke: Run) -> None:
    for words in (["version"], ["-V"], ["--version"]):
        done = invoke(*words)
        assert (done.code, done.err, len(done.out.splitlines())) == (0, "", 3)
        assert done.out.startswith(f"Cloudinary CLI, version {__version__}\n")


def test_new_commands_hide_no_method_of_the_sdk() -> None:
    # `cld config` has always been a command, so the method is `cld admin config`.
    methods = {name for api in ("admin", "uploader", "provisioning") for name in loader.api_methods(api)}
    assert set(COMMANDS) & methods == {"config"}


def test_every_visible_command_is_in_one_section_of_the_help() -> None:
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(name for name, entry in COMMANDS.items() if not entry.hidden)


def test_bare_cld_fits_a_terminal_of_24_rows_and_80_columns(invoke: Run, saved: Path) -> None:
    saved.unlink()  # the guidance for a new user is shown, too
    done = invoke()
    lines = done.err.splitlines() + done.out.splitlines()
    # The guidance has one line with a placeholder URL, which wraps once.
    rows = sum(-(-len(line) // 80) or 1 for line in lines)
    assert done.code == 0 and rows < 24 and all(len(line) <= 80 for line in done.out.splitlines())
    assert all(f" {name}" in done.out for names in SECTIONS.values() for name in names)


# -- suggestions


@pytest.mark.parametrize(
    "words, hint",
    [
        (["uplaod", "x"], "Did you mean: upload"),
        (["upload-dri"], "Did you mean: upload_dir"),
        (["PING"], "Did you mean: ping"),
        (["sub_accounts"], "Did you mean: cld provisioning sub_accounts?"),
        (["agent", "clod"], "Did you mean: cloud?"),
        (["agent", "cloud", "creat"], "Did you mean: create?"),
        (["agent", "cloud", "zzz"], "See the commands with: cld agent cloud --help"),
        (["login", "--set-defalt"], "Did you mean: --set-default"),
        (["search", "x", "--sort-bye", "a"], "Did you mean: --sort_by"),
        (["--config-savd", "x"], "Did you mean: --config_saved"),
        (["admin", "--auto-paginat", "resources"], "Did you mean: --auto_paginate"),
        (["admin", "resource", "x", "--phas", "true"], "Did you mean: phash"),
        (["admin", "pingg"], "Did you mean: ping"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_misspelled_name_gets_a_suggestion_in_the_documented_spelling(
    invoke: Run, saved: Path, words: List[str], hint: str
) -> None:
    done = invoke(*words)
    assert (done.code, done.out) == (1, "") and hint in done.err, done.err


@pytest.mark.parametrize(
    "words",
    [
        ["-C", "prd", "ping"],
        ["ping", "-C", "PROD"],
        *[["config", option, "prd"] for option in ("-s", "-d", "-rm", "-r")],
        ["token", "prd"],
        ["clone", "prd"],
        ["agent", "cloud", "claim", "prd"],
        ["exec", "prd", "--", "true"],
    ],
    ids=" ".join,
)
def test_an_unknown_saved_name_is_one_sentence_with_a_suggestion(invoke: Run, saved: Path, words: List[str]) -> None:
    done = invoke(*words)
    assert (done.code, done.out) == (1, "") and "Did you mean: prod?" in done.err, done.err


def test_an_unknown_login_gets_a_suggestion(invoke: Run, config_json: Path) -> None:
    config_json.write_text(json.dumps({"work": "cloudinary://c?oauth_token=t", "word": URL}))
    done = invoke("logout", "wrk")
    assert done.code == 1 and "No saved login is called 'wrk'. Did you mean: work?" in done.err


def test_an_unknown_name_in_the_variable_gets_a_suggestion(invoke: Run, saved: Path) -> None:
    done = invoke("ping", env={"CLOUDINARY_CONFIG_NAME": "prd"})
    assert done.code == 1 and "no saved configuration has that name. Did you mean: prod? Set it" in done.err


# -- sync


def test_swapped_folders_of_a_push_are_noticed(
    invoke: Run, saved: Path, server: CloudinaryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    done = invoke("sync", "shop", "photos", "--push")
    assert (done.code, server.requests) == (1, [])
    assert "'shop' is no local directory, but 'photos' is one." in done.err
    assert "cld sync photos shop --push" in done.err


def test_a_pull_into_a_new_directory_only_warns(
    invoke: Run, saved: Path, server: CloudinaryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    done = invoke("sync", "shop", "photos", "--pull", "-K")
    assert "warning: 'shop' is no local directory, but 'photos' is one." in done.err and server.requests
