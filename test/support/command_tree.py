"""Every command of `cld` as the words that call it, sub-commands of groups included."""

from __future__ import annotations

import importlib
from typing import Iterator, List, Tuple

import click

from cloudinary_cli.cli_group import COMMANDS

Words = Tuple[str, ...]


def _walk(words: Words, command: click.Command) -> Iterator[Tuple[Words, bool]]:
    is_group = isinstance(command, click.Group)
    yield words, is_group
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _walk((*words, name), command.commands[name])


def all_commands(hidden: bool = True) -> List[Words]:
    """Groups and commands; without the hidden ones if so asked."""
    return [words for words, _ in _tree(hidden)]


def leaf_commands(hidden: bool = True) -> List[Words]:
    """What does something: no groups."""
    return [words for words, is_group in _tree(hidden) if not is_group]


def _tree(hidden: bool) -> Iterator[Tuple[Words, bool]]:
    for name, entry in COMMANDS.items():
        if hidden or not entry.hidden:
            module, _, attribute = entry.target.partition(":")
            yield from _walk((name,), getattr(importlib.import_module(module), attribute))
