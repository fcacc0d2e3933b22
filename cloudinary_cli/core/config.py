"""`cld config`: declares the options, picks the one action they ask for, and runs it; config_*.py do the work."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

import click

from cloudinary_cli.command import CldCommand
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_create import create
from cloudinary_cli.core.config_options import ACTIVE, ConfigOptions
from cloudinary_cli.core.config_refresh import refresh, refresh_all
from cloudinary_cli.core.config_saved import remove, set_default, unset_default
from cloudinary_cli.core.config_show import list_all, show_active, show_saved


class Action(NamedTuple):
    """An option that says what to do, and the function that does it; the function returns the exit status."""

    field: str
    label: str
    run: Callable[[AppContext, ConfigOptions], int]


ACTIONS = (
    Action("new", "-n/--new", create),
    Action("from_url", "-url/--from_url", create),
    Action("default", "-d/--default", set_default),
    Action("unset_default", "-ud/--unset-default", unset_default),
    Action("rm", "-rm/--rm", remove),
    Action("ls", "-ls/--ls", list_all),
    Action("show", "-s/--show", show_saved),
    Action("refresh", "-r/--refresh", refresh),
    Action("refresh_all", "-ra/--refresh-all", refresh_all),
)
VIEW = Action("", "", show_active)


def choose_action(options: ConfigOptions) -> Action:
    """The one action that was asked for; the bare view when none was.

    :raises click.UsageError: more than one, or a modifier without its action (spec C6).
    """
    chosen = [action for action in ACTIONS if getattr(options, action.field) not in (None, False)]
    if len(chosen) > 1:
        labels = " and ".join(action.label for action in chosen)
        raise click.UsageError(f"{labels} cannot be combined. Give one of them.")
    action = chosen[0] if chosen else VIEW
    if options.set_default and action.run is not create:
        raise click.UsageError("--set-default goes with -n or -url. To choose a saved one: cld config -d NAME")
    if options.force and action.run not in (create, refresh, refresh_all):
        raise click.UsageError("-f/--force goes with -n, -url, -r or -ra.")
    return action


def _not_empty(ctx: click.Context, param: click.Parameter, value: Optional[str]) -> Optional[str]:
    # An unset shell variable must not turn one action into another (spec C8).
    if value == "":
        raise click.BadParameter("the name is empty.", ctx, param)
    return value


@click.command("config", cls=CldCommand)
@click.option(
    "-n",
    "--new",
    nargs=2,
    metavar="NAME URL",
    help="Check a CLOUDINARY_URL and save it under NAME ('': the cloud name). URL - reads it from stdin, "
    "which keeps it out of the process list.",
)
@click.option("-url", "--from_url", metavar="URL", help="The same, named after the cloud.")
@click.option("--set-default", is_flag=True, help="With -n or -url: make it the default.")
@click.option("-d", "--default", metavar="NAME", callback=_not_empty, help="Make a saved configuration the default.")
@click.option("-ud", "--unset-default", is_flag=True, help="Forget the default.")
@click.option("-rm", "--rm", metavar="NAME", callback=_not_empty, help="Remove a configuration; a login is revoked.")
@click.option("-ls", "--ls", is_flag=True, help="List the configurations.")
@click.option("-s", "--show", metavar="NAME", callback=_not_empty, help="Show a saved configuration, secrets masked.")
@click.option("-j", "--json", is_flag=True, help="Print JSON.")
@click.option(
    "-r",
    "--refresh",
    metavar="[NAME]",
    is_flag=False,
    flag_value=ACTIVE,
    callback=_not_empty,
    help="Refresh the token of a login; without NAME, of the active one.",
)
@click.option("-ra", "--refresh-all", is_flag=True, help="Refresh the tokens of all logins that need it.")
@click.option(
    "-f", "--force", is_flag=True, help="With -r, -ra: refresh fresh tokens too. With -n, -url: replace a login."
)
@click.pass_obj
def config_command(app: AppContext, /, **values: Any) -> int:
    """Show and manage configurations and the default.

    Without an option, shows the active configuration. Secrets are always masked.
    """
    options = ConfigOptions(**values)
    return choose_action(options).run(app, options)
