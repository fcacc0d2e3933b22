"""`cld sandbox`. The server is the package cloudinary_cli.sandbox, whose dependencies are an extra."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Tuple

import click

from cloudinary_cli.command import CldCommand, CldGroup, option_group
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError

FIRST_OWN_PORT = 8787
FREE_PORT = 0
TTL = click.IntRange(min=1)
PORT = click.IntRange(0, 65535)
FOLDER_MODE = click.Choice(["dynamic", "fixed"])


def _load(module: str) -> Any:
    """A module of the sandbox package.

    :raises CliError: when the extra's packages are not installed.
    """
    try:
        return importlib.import_module(f"cloudinary_cli.sandbox.{module}")
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "cloudinary_cli":
            raise
        raise CliError(f"`cld sandbox` needs: pip install 'cloudinary-cli[sandbox]' (missing: {error.name})") from error


@click.group("sandbox", cls=CldGroup)
def sandbox() -> None:
    """Run a local stand-in for Cloudinary, to test scripts without an account.

    It listens on 127.0.0.1 only, keeps assets on disk, and speaks the Upload, Admin, Search, Provisioning and OAuth
    interfaces that `cld` uses.

    \b
    cld sandbox demo
    cld sandbox run -- bash import.sh
    """


@sandbox.command("start", cls=CldCommand)
@click.option("--port", type=PORT, default=FIRST_OWN_PORT, show_default=True, help="0 takes a free one.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Keep the data in this directory.")
@click.option("--ttl", type=TTL, default=300, show_default=True, help="Lifetime of access tokens, in seconds.")
@click.option("--folder-mode", type=FOLDER_MODE, default="dynamic", show_default=True)
@click.option("--auto-approve/--no-auto-approve", default=False, help="Log in without the consent page.")
@click.pass_obj
def start(app: AppContext, /, **options: Any) -> None:
    """Start a sandbox and print its settings as shell commands.

    They are lines `export NAME=value`. Without --data, everything is deleted when it stops. Ctrl-C or SIGTERM stops it.

    \b
    cld sandbox start --data box
    cld sandbox start --port 0 --auto-approve
    """
    runner = _load("runner")
    runner.serve(runner.SandboxOptions(**options), app.console)


# The options of the commands that start a sandbox and end it again.
_for_a_fresh_sandbox = option_group(
    click.option("--port", type=PORT, default=FREE_PORT, help="Default: a free one."),
    click.option("--ttl", type=TTL, default=300, show_default=True, help="Lifetime of access tokens, in seconds."),
    click.option("--folder-mode", type=FOLDER_MODE, default="dynamic", show_default=True),
    click.option(
        "--oauth", "oauth_only", is_flag=True, help="Leave CLOUDINARY_URL out: `cld login` is the only credential."
    ),
)


@sandbox.command("run", cls=CldCommand, context_settings={"allow_interspersed_args": False})
@_for_a_fresh_sandbox
@click.argument("command", nargs=-1, required=True, metavar="-- CMD...", type=click.UNPROCESSED)
@click.pass_obj
def run(app: AppContext, /, command: Tuple[str, ...], **options: Any) -> int:
    """Run CMD against a fresh sandbox that ends with it. The exit status is CMD's.

    \b
    cld sandbox run -- sh -c 'cld uploader upload picture.png && cld search format=png'
    """
    runner = _load("runner")
    return int(runner.run_in_sandbox(command, runner.SandboxOptions(**options), app.console))


@sandbox.command("shell", cls=CldCommand)
@_for_a_fresh_sandbox
@click.pass_obj
def shell(app: AppContext, /, **options: Any) -> int:
    """Open your shell ($SHELL) with a fresh sandbox as the account. `exit` ends both.

    The exit status is the shell's.

    \b
    cld sandbox shell --oauth
    """
    runner = _load("runner")
    return int(runner.shell_in_sandbox(runner.SandboxOptions(**options), app.console))


@sandbox.command("demo", cls=CldCommand)
@click.pass_obj
def demo(app: AppContext) -> bool:
    """Show login, upload, search and logout step by step.

    \b
    cld sandbox demo
    """
    return bool(_load("demo").run_demo(app.console))
