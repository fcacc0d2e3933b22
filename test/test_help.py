"""The help of every command has an example."""

from __future__ import annotations

import importlib
import re
from typing import List

import click
import pytest

from cloudinary_cli.cli_group import COMMANDS, cli
from test.support.command_tree import Words, all_commands
from test.support.commands import Run


def command_of(words: Words) -> click.Command:
    module, _, attribute = COMMANDS[words[0]].target.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    for word in words[1:]:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


def examples(command: click.Command) -> str:
    """The paragraphs whose lines Click leaves as they are."""
    return "\n".join(part for part in (command.help or "").split("\n\n") if part.lstrip().startswith("\b"))


@pytest.mark.parametrize("words", all_commands(hidden=False), ids=" ".join)
def test_the_help_of_each_command_has_an_example_of_it(words: Words) -> None:
    pattern = rf"^ *(\S.*)?\bcld (-C \w+ )?{' '.join(words)}\b"
    assert re.search(pattern, examples(command_of(words)), re.MULTILINE), f"cld {' '.join(words)} --help"


def test_the_help_of_cld_has_examples() -> None:
    assert "cld login work" in examples(cli)


@pytest.mark.parametrize("words", [[], ["--help"], ["sync", "--help"], ["config", "-h"]], ids=" ".join)
@pytest.mark.parametrize("columns", [40, 80])
def test_help_fits_the_terminal(invoke: Run, words: List[str], columns: int) -> None:
    done = invoke(*words, env={"COLUMNS": str(columns), "CLOUDINARY_URL": "cloudinary://k:s@cloud"})
    # Examples are lines to copy, and the name of an option with its values is one unit, so they are not wrapped.
    unwrapped = re.compile(r" +(cld |-\S+(, --)?)")
    long = [line for line in done.out.splitlines() if len(line) > columns and not unwrapped.match(line)]
    assert done.code == 0 and long == []


@pytest.mark.parametrize("words", [["sandbox"], ["agent"], ["agent", "cloud"]], ids=" ".join)
def test_no_summary_of_a_subcommand_is_cut(invoke: Run, words: List[str]) -> None:
    done = invoke(*words, "--help", env={"COLUMNS": "80"})
    assert done.code == 0 and "..." not in done.out.partition("Commands:")[2]
