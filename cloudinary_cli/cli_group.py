"""The root command: its options, the table of commands, and the routing of API method names."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple, cast

import click

from cloudinary_cli.command import CldGroup, UnknownCommand, completion_of, usage_of
from cloudinary_cli.console import Console
from cloudinary_cli.defaults import logger
from cloudinary_cli.logs import install_logging
from cloudinary_cli.text import did_you_mean

if TYPE_CHECKING:
    from cloudinary_cli.context import AppContext


class Entry(NamedTuple):
    """The location of a command (`module:attribute`) and its line in the help, which is shown without importing it."""

    target: str
    help: str
    hidden: bool = False


COMMANDS: Dict[str, Entry] = {
    "admin": Entry("cloudinary_cli.core.admin:admin", "Run any method of the Admin API."),
    "agent": Entry("cloudinary_cli.core.agent:agent", "Create accounts and clouds (for AI agents)."),
    "check": Entry("cloudinary_cli.modules.check:check", "Compare a local directory with a Cloudinary folder."),
    "clone": Entry("cloudinary_cli.modules.clone:clone", "Copy assets to another cloud."),
    "completion": Entry("cloudinary_cli.core.completion:completion", "Print a shell's completion script."),
    "config": Entry("cloudinary_cli.core.config:config_command", "Show and manage configurations and the default."),
    "exec": Entry("cloudinary_cli.core.exec:exec_command", "Run a program on a saved login, without a secret."),
    "help": Entry("cloudinary_cli.core.help:help_command", "Show the help of cld or of a command."),
    "login": Entry("cloudinary_cli.core.auth:login", "Log in with the browser and save the session."),
    "logout": Entry("cloudinary_cli.core.auth:logout", "Revoke a saved login and remove it."),
    "make": Entry("cloudinary_cli.modules.make:make", "Print a code snippet for the active configuration."),
    "migrate": Entry("cloudinary_cli.modules.migrate:migrate", "Upload assets by URL, through an upload mapping."),
    "provisioning": Entry("cloudinary_cli.core.provisioning:provisioning", "Run any method of the Provisioning API."),
    "regen_derived": Entry(
        "cloudinary_cli.modules.regen_derived:regen_derived", "Regenerate the derived assets of a transformation."
    ),
    "sandbox": Entry("cloudinary_cli.core.sandbox:sandbox", "Run a local stand-in for Cloudinary (for tests)."),
    "search": Entry("cloudinary_cli.core.search:search", "Search assets."),
    "search_folders": Entry("cloudinary_cli.core.search_folders:search_folders", "Search folders."),
    "sync": Entry("cloudinary_cli.modules.sync:sync", "Synchronize a local directory with a Cloudinary folder."),
    "token": Entry("cloudinary_cli.core.token:token", "Print a valid access token of a saved login."),
    "upload_dir": Entry("cloudinary_cli.modules.upload_dir:upload_dir", "Upload the files of a directory."),
    "uploader": Entry("cloudinary_cli.core.uploader:uploader", "Run any method of the Upload API."),
    "url": Entry("cloudinary_cli.core.url:url", "Build a delivery URL, optionally with a transformation."),
    "utils": Entry("cloudinary_cli.core.utils:utils", "Run a utility method of the SDK (signing, URLs)."),
    "version": Entry("cloudinary_cli.core.version:version", "Show the versions of cld, the SDK and Python."),
    "whoami": Entry("cloudinary_cli.core.whoami:whoami", "Show which credentials are in use, and their state."),
    "sample": Entry("cloudinary_cli.core.samples:sample", "Sample image.", hidden=True),
    "couple": Entry("cloudinary_cli.core.samples:couple", "Sample image.", hidden=True),
    "dog": Entry("cloudinary_cli.core.samples:dog", "Sample video.", hidden=True),
}


# The sections of the help: title -> commands.
SECTIONS: Dict[str, Tuple[str, ...]] = {
    "Account": ("login", "logout", "whoami", "token", "config", "exec", "agent"),
    "Assets": ("search", "search_folders", "uploader", "admin", "provisioning"),
    "Directories and clouds": ("sync", "check", "upload_dir", "clone", "migrate", "regen_derived"),
    "Delivery and code": ("url", "utils", "make"),
    "Tools": ("completion", "sandbox", "help", "version"),
}
_BRIEF = [
    ("cld login", "Log in with the browser."),
    ("cld upload photo.jpg", "Upload a file, or several: cld upload *.jpg"),
    ("cld search 'tags:sale'", "Search assets."),
    ("cld sync photos shop --push", "Synchronize a directory with a folder."),
    ("cld help", "Describe all commands and options."),
    ("cld help sync", "Describe one command. Also: cld sync --help"),
]


class LazyGroup(CldGroup):
    """Imports a command's module when the command is used, and routes other names to API methods."""

    def list_commands(self, ctx: click.Context) -> List[str]:
        return sorted(name for name, entry in COMMANDS.items() if not entry.hidden)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Optional[click.Command]:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), COMMANDS[name].help) for name in names])
        with formatter.section("API methods"):
            formatter.write_text(
                "Each method of `admin` and `uploader` is a command, too: cld ping, cld upload photo.jpg. "
                "`cld admin -ls` lists them."
            )

    def brief_help(self, ctx: click.Context) -> str:
        """The help of `cld` without arguments, which fits a terminal of 24 rows together with the guidance."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        for rows in ([(title, " ".join(names)) for title, names in SECTIONS.items()], _BRIEF):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_dl(rows)
        return formatter.getvalue().rstrip()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Without main(), for example in Click's CliRunner, also set up logging and report errors."""
        if isinstance(ctx.obj, Console):
            return super().invoke(ctx)
        from cloudinary_cli.errors import CliError

        install_logging(Console())
        try:
            return super().invoke(ctx)
        except CliError as error:
            logger.error("%s", error.message)
            ctx.exit(error.exit_code)

    def resolve_command(
        self, ctx: click.Context, args: List[str]
    ) -> Tuple[Optional[str], Optional[click.Command], List[str]]:
        """Treat `cld ping` as `cld admin ping` and `cld upload x` as `cld uploader upload x`; commands come first."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        api = _api_of_method(name)
        if api is None and ctx.resilient_parsing:  # shell completion of an unfinished line
            return None, None, args
        if api is None and "://" in name:
            raise click.UsageError("A URL is not a command. To use it for one command: cld -c URL <command>", ctx)
        if api is None:
            raise UnknownCommand(name, _did_you_mean(name), ctx)
        return api, self.get_command(ctx, api), args


def _api_of_method(name: str) -> Optional[str]:
    sdk = importlib.import_module("cloudinary_cli.sdk.loader")
    return next((api for api in ("admin", "uploader") if name in sdk.api_methods(api)), None)


def _did_you_mean(name: str) -> str:
    sdk = importlib.import_module("cloudinary_cli.sdk.loader")
    for api in ("provisioning", "utils"):
        if name in sdk.api_methods(api):
            return f"Did you mean: cld {api} {name}?"
    visible = [command for command, entry in COMMANDS.items() if not entry.hidden]
    known = dict.fromkeys([*visible, *sdk.api_methods("admin"), *sdk.api_methods("uploader")])
    return did_you_mean(name, known) or "See the commands with: cld --help"


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from cloudinary_cli.version import versions

    click.echo("\n".join(versions()))
    ctx.exit()


@click.group(cls=LazyGroup, invoke_without_command=True)
@click.option("-c", "--config", help="A CLOUDINARY_URL (cloudinary://key:secret@cloud) to use for this command.")
@click.option(
    "-C",
    "--config_saved",
    metavar="NAME",
    shell_complete=completion_of("config_names"),
    help="The saved configuration to use for this command.",
)
@click.option(
    "-V", "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show versions."
)
@click.pass_context
def cli(ctx: click.Context, config: Optional[str], config_saved: Optional[str]) -> Any:
    """Cloudinary from the command line: log in, upload, manage, transform and deliver images and video.

    Start with `cld login`. The configuration used is, in this order: -c, -C, CLOUDINARY_CONFIG_NAME, that of
    the directory (`cld config --local NAME`), the stored default (`cld config -d NAME`), the environment.
    -c, -C and -v may also follow the command.

    \b
    cld login work
    cld upload photo.jpg
    cld -C work search 'tags:sale'
    """
    # Deferred: --version and --help return before this point.
    from cloudinary_cli.config.resolver import Selection, check_selection
    from cloudinary_cli.context import AppContext

    selection = Selection(config, config_saved)
    check_selection(selection)
    # Commands and the log handler share one console, because both redraw the terminal's status line.
    ctx.obj = AppContext(selection, ctx.obj if isinstance(ctx.obj, Console) else Console())
    ctx.call_on_close(ctx.obj.close)
    with usage_of(ctx):
        # Checked here because `cld -C NAME COMMAND --help` never runs the command.
        ctx.obj.check_selection()
    if ctx.invoked_subcommand is None:
        _show_guidance(ctx.obj)
        click.echo(cast(LazyGroup, ctx.command).brief_help(ctx))
    return True


def _show_guidance(app: "AppContext") -> None:
    # New users run `cld` without arguments: tell them what is missing, then show the help.
    from cloudinary_cli.errors import ConfigError

    try:
        app.active.require()
    except ConfigError as error:
        app.console.notice(error.message)
