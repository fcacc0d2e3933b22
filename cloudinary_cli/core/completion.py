"""`cld completion`, and what the shell offers for a word: names of configurations and of API methods.

Reads config.json and the SDK's method names, never the network. Whatever is wrong with them, it offers nothing and
says nothing: this runs while a person types.
"""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import get_completion_class

from cloudinary_cli.command import CldCommand
from cloudinary_cli.completion import VARIABLE
from cloudinary_cli.context import AppContext

SHELLS = ("bash", "fish", "zsh")


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
