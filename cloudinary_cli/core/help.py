"""`cld help`: the help of `cld`, of a command, or of an API method."""

from __future__ import annotations

from typing import Any, Tuple, cast

import click

from cloudinary_cli.command import CldCommand, completion_of


@click.command("help", cls=CldCommand)
@click.argument("words", metavar="[COMMAND]...", nargs=-1, shell_complete=completion_of("command_names"))
@click.pass_context
def help_command(ctx: click.Context, words: Tuple[str, ...]) -> Any:
    """Show the help of COMMAND, which may also be an API method. Without COMMAND, describe all commands.

    \b
    cld help sync
    cld help agent cloud create
    cld help upload
    """
    root = ctx.find_root()
    if not words:
        ctx.obj.console.data(root.get_help())
        return True
    name, command, arguments = cast(click.Group, root.command).resolve_command(root, [*words, "--help"])
    if command is None:  # only while a shell completes the line
        return False
    with command.make_context(name, arguments, parent=root) as context:
        return command.invoke(context)
