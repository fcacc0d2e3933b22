"""`cld config`: declares the options, chooses the requested action, and runs it (config_*.py)."""

# Annotations are evaluated here: NamedTuple compiles each one that is a text, 0.7 ms for a class, in every command.

import importlib
from typing import Any, Callable, NamedTuple, Optional, TypeVar

import click

from cloudinary_cli.command import CldCommand, completion_of
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import ACTIVE, ConfigOptions

F = TypeVar("F", bound=Callable[..., Any])


class Action(NamedTuple):
    """An option that requests an action, and the module and function of the action."""

    field: str
    label: str
    target: str

    def run(self, app: AppContext, options: ConfigOptions) -> int:
        """Run the action and return the exit status. Only its module is imported."""
        module, _, function = self.target.partition(":")
        status: int = getattr(importlib.import_module(f"cloudinary_cli.core.{module}"), function)(app, options)
        return status


ACTIONS = (
    Action("new", "-n/--new", "config_create:create"),
    Action("from_url", "-url/--from_url", "config_create:create"),
    Action("default", "-d/--default", "config_saved:set_default"),
    Action("unset_default", "-ud/--unset-default", "config_saved:unset_default"),
    Action("local", "--local", "config_saved:set_local"),
    Action("unset_local", "--unset-local", "config_saved:unset_local"),
    Action("rm", "-rm/--rm", "config_saved:remove"),
    Action("ls", "-ls/--ls", "config_show:list_all"),
    Action("show", "-s/--show", "config_show:show_saved"),
    Action("refresh", "-r/--refresh", "config_refresh:refresh"),
    Action("refresh_all", "-ra/--refresh-all", "config_refresh:refresh_all"),
)
VIEW = Action("", "", "config_show:show_active")
_CREATING = ("new", "from_url")


def choose_action(options: ConfigOptions) -> Action:
    """The requested action; the view of the active configuration when there is none.

    :raises click.UsageError: more than one, or a modifier without its action.
    """
    chosen = [action for action in ACTIONS if getattr(options, action.field) not in (None, False)]
    if len(chosen) > 1:
        labels = " and ".join(action.label for action in chosen)
        raise click.UsageError(f"{labels} cannot be combined. Give one of them.")
    action = chosen[0] if chosen else VIEW
    if options.set_default and action.field not in _CREATING:
        raise click.UsageError("--set-default goes with -n or -url. To choose a saved one: cld config -d NAME")
    if options.force and action.field not in (*_CREATING, "refresh", "refresh_all"):
        raise click.UsageError("-f/--force goes with -n, -url, -r or -ra.")
    return action


def _not_empty(ctx: click.Context, param: click.Parameter, value: Optional[str]) -> Optional[str]:
    # An empty value (an unset shell variable) must not select another action.
    if value == "":
        raise click.BadParameter("the name is empty.", ctx, param)
    return value


def _name_of_saved(*names: str, help: str) -> Callable[[F], F]:
    complete = completion_of("config_names")
    return click.option(*names, metavar="NAME", callback=_not_empty, shell_complete=complete, help=help)


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
@_name_of_saved("-d", "--default", help="Make a saved configuration the default.")
@click.option("-ud", "--unset-default", is_flag=True, help="Forget the default.")
@_name_of_saved("--local", help="Use a saved configuration in the current directory and below it.")
@click.option("--unset-local", is_flag=True, help="Forget the configuration of the current directory.")
@_name_of_saved("-rm", "--rm", help="Remove a configuration; a login is revoked.")
@click.option("-ls", "--ls", is_flag=True, help="List the configurations.")
@_name_of_saved("-s", "--show", help="Show a saved configuration, secrets masked.")
@click.option("-j", "--json", is_flag=True, help="Print JSON.")
@click.option(
    "-r",
    "--refresh",
    metavar="[NAME]",
    is_flag=False,
    flag_value=ACTIVE,
    callback=_not_empty,
    shell_complete=completion_of("login_names"),
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

    \b
    cld config -ls
    cld config -n prod cloudinary://KEY:SECRET@CLOUD
    cld config -d prod
    cld config -r work
    """
    options = ConfigOptions(**values)
    return choose_action(options).run(app, options)
