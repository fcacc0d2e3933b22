"""`cld exec`: run any program on a saved login or configuration, without a secret of the login in its environment."""

from __future__ import annotations

from typing import List, Tuple

import click

from cloudinary_cli.command import CldCommand, completion_of
from cloudinary_cli.completion import EXEC_COMMAND
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import chosen_config


class ExecCommand(CldCommand):
    """Keeps everything after `--` for the command, also what looks like an option."""

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[EXEC_COMMAND] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command("exec", cls=ExecCommand, options_metavar="[NAME] -- COMMAND [ARGUMENTS]...")
@click.argument("name", nargs=-1, metavar="", shell_complete=completion_of("exec_words"))
@click.pass_context
def exec_command(ctx: click.Context, name: Tuple[str, ...]) -> int:
    """Run COMMAND with the saved configuration NAME (default: the active one) as its Cloudinary account.

    COMMAND gets a CLOUDINARY_URL. For a login it points to a proxy on 127.0.0.1, which adds a fresh access token to
    each request and ends with COMMAND. So a program can work for hours, and never sees a token. For an API-key
    configuration CLOUDINARY_URL has the key and the secret. The exit status is COMMAND's.

    \b
    Examples:
      cld exec -- node import.js
      cld exec work -- python report.py --month 11
    """
    app: AppContext = ctx.obj
    command: List[str] = ctx.meta.get(EXEC_COMMAND, [])
    if not command or len(name) > 1:
        raise click.UsageError("Put -- between the name and the command: cld exec [NAME] -- COMMAND", ctx)
    chosen = chosen_config(app, name[0] if name else None, "configuration")
    from cloudinary_cli.proxy.run import run_with_key, run_with_login

    if not chosen.has_oauth:
        return run_with_key(chosen, command, app.environ, app.console.error)
    from cloudinary_cli.sdk import activation

    config = activation.other_config(chosen, app.store)
    return run_with_login(chosen, config, command, app.environ, app.console.error)
