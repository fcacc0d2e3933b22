"""Shell completion of commands, files, and the names of saved configurations and API methods.

It reads config.json and the SDK's modules, and never uses the network. After an error the list is empty, because
printed text would disturb the command line that the user is typing.
"""

from __future__ import annotations

import os
import shlex
from typing import Any, Callable, Dict, List

import click
from click.shell_completion import CompletionItem

from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import CliError
from cloudinary_cli.text import one_line

VARIABLE = "_CLD_COMPLETE"
# The key in a context's `meta` of the words after `--`, which `cld exec` runs.
EXEC_COMMAND = "cld.exec"


def _names(incomplete: str, wanted: Callable[[Any], bool]) -> List[str]:
    try:
        content: Dict[str, Any] = ConfigStore().load()
    except CliError:
        return []
    # A name with control characters could forge lines of the completion protocol or control the terminal.
    names = [name for name in config_rules.user_config_names(content) if one_line(name, None) == name]
    found = [name for name in names if name.startswith(incomplete) and wanted(content[name])]
    # zsh and fish quote what they insert; bash does not.
    is_bash = os.environ.get(VARIABLE, "").startswith("bash")
    return [shlex.quote(name) for name in found] if is_bash else found


def config_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[str]:
    """Names of the saved configurations."""
    return _names(incomplete, lambda url: True)


def login_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[str]:
    """Names of the saved logins."""
    return _names(incomplete, config_url.is_login)


def exec_words(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[Any]:
    """What follows `cld exec`: names of the saved configurations before `--`, files after it."""
    if EXEC_COMMAND in ctx.meta:
        return [CompletionItem(incomplete, type="file")]
    return [] if ctx.params.get(param.name or "") else _names(incomplete, lambda url: True)


def claimable_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[str]:
    """Names of the saved Claimable Clouds."""

    def has_claim(url: Any) -> bool:
        parsed = config_url.try_parse(url)
        return parsed is not None and bool(parsed.get("claim_url"))

    return _names(incomplete, has_claim)


def method_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[CompletionItem]:
    """Methods of the API that the command is named after; after a method of the uploader, files."""
    from cloudinary_cli.sdk import loader

    api = ctx.command.name or ""
    if ctx.params.get(param.name or ""):
        return [CompletionItem(incomplete, type="file")] if api == "uploader" else []
    return [CompletionItem(name) for name in loader.api_methods(api) if name.startswith(incomplete)]


def command_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[CompletionItem]:
    """Commands, and subcommands after a group."""
    command = ctx.find_root().command
    for word in ctx.params.get(param.name or "") or ():
        found = command.get_command(ctx, word) if isinstance(command, click.Group) else None
        if found is None:
            return []
        command = found
    names = command.list_commands(ctx) if isinstance(command, click.Group) else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[CompletionItem]:
    """Files; the shell itself lists them."""
    return [CompletionItem(incomplete, type="file")]


def directories(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[CompletionItem]:
    """Directories; the shell itself lists them."""
    return [CompletionItem(incomplete, type="dir")]
