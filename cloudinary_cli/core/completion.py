"""`cld completion`: prints the completion script of a shell."""

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
    completion_class: Any = get_completion_class(shell)
    completer = completion_class(ctx.find_root().command, {}, "cld", VARIABLE)
    # Not source(): for bash it checks the version of the first bash in PATH, which need not be the user's shell.
    app.console.data((completer.source_template % completer.source_vars()).rstrip("\n"))
    return True
