"""`cld completion`, and what the shell offers for a word: names of configurations and of API methods.

Reads config.json and the SDK's method names, never the network. Whatever is wrong with them, it offers nothing and
says nothing: this runs while a person types.
"""

from __future__ import annotations

import os
import shlex
from typing import Any, Callable, Dict, List

import click
from click.shell_completion import CompletionItem, get_completion_class

from cloudinary_cli.command import CldCommand, config_optional
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.utils import config_rules, config_url
from cloudinary_cli.utils.config_utils import current_store
from cloudinary_cli.utils.text_utils import one_line

VARIABLE = "_CLD_COMPLETE"
SHELLS = ("bash", "fish", "zsh")


@config_optional
@click.command("completion", cls=CldCommand)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> bool:
    """Print the script that makes SHELL complete commands, options, saved names and API methods.

    \b
    bash, in ~/.bashrc:                eval "$(cld completion bash)"
    zsh, in ~/.zshrc after compinit:   eval "$(cld completion zsh)"
    fish:    cld completion fish > ~/.config/fish/completions/cld.fish
    """
    app: AppContext = ctx.obj
    maker: Any = get_completion_class(shell)
    # Not source(): in bash it starts a process to find out which bash is first in PATH, which is not the one asking.
    made = maker(ctx.find_root().command, {}, "cld", VARIABLE)
    app.console.data((made.source_template % made.source_vars()).rstrip("\n"))
    return True


def _names(incomplete: str, wanted: Callable[[Any], bool]) -> List[str]:
    try:
        content: Dict[str, Any] = current_store().load()
    except CliError:
        return []
    # A name with control characters could forge the protocol's lines, or command the terminal.
    names = [name for name in config_rules.user_config_names(content) if one_line(name, None) == name]
    found = [name for name in names if name.startswith(incomplete) and wanted(content[name])]
    # zsh and fish quote what they insert, bash does not.
    is_bash = os.environ.get(VARIABLE, "").startswith("bash")
    return [shlex.quote(name) for name in found] if is_bash else found


def config_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[str]:
    """Names of the saved configurations."""
    return _names(incomplete, lambda url: True)


def login_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[str]:
    """Names of the saved logins."""
    return _names(incomplete, config_url.is_oauth_url)


def claimable_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[str]:
    """Names of the saved Claimable Clouds."""

    def has_claim(url: Any) -> bool:
        parsed = config_url.try_parse(url)
        return parsed is not None and bool(parsed.get("claim_url"))

    return _names(incomplete, has_claim)


def method_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[CompletionItem]:
    """Methods of the API that the command is named after; files after a method of the uploader."""
    from cloudinary_cli import sdk

    api = ctx.command.name or ""
    if ctx.params.get(param.name or ""):
        return [CompletionItem(incomplete, type="file")] if api == "uploader" else []
    return [CompletionItem(name) for name in sdk.api_methods(api) if name.startswith(incomplete)]
