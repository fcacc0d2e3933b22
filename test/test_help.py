"""The help of every command has an example."""

from __future__ import annotations

import importlib
import re

import click
import pytest

from cloudinary_cli.cli_group import COMMANDS, cli
from test.support.command_tree import Words, all_commands


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
