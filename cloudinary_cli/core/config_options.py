"""The options of `cld config`, and what commands share: the choice by NAME, and the output of outcomes and names."""

# Annotations are evaluated here: NamedTuple compiles each one that is a text, 0.7 ms for a class, in every command.

from typing import NamedTuple, Optional, Tuple

import click

from cloudinary_cli.config import resolver as config_resolver
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.resolver import ResolvedConfig, Selection
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import URL_IS_NO_NAME, ConfigNotFound
from cloudinary_cli.text import did_you_mean, one_line

# The value of `-r` without a name. It cannot be given: no argument of a process can contain a NUL.
ACTIVE = "\0"


class ConfigOptions(NamedTuple):
    """The options of `cld config`; None and False mean not given."""

    new: Optional[Tuple[str, str]] = None
    from_url: Optional[str] = None
    set_default: bool = False
    default: Optional[str] = None
    unset_default: bool = False
    local: Optional[str] = None
    unset_local: bool = False
    rm: Optional[str] = None
    ls: bool = False
    show: Optional[str] = None
    json: bool = False
    refresh: Optional[str] = None
    refresh_all: bool = False
    force: bool = False


def report(app: AppContext, options: ConfigOptions, name: Optional[str], outcome: str, told: str) -> int:
    """Show the outcome of an action: JSON on stdout, or a sentence on stderr. Returns exit status 0."""
    if options.json:
        app.console.json({"name": name, "outcome": outcome})
    elif told:
        app.console.info(told)
    return 0


def chosen_config(app: AppContext, name: Optional[str], kind: str) -> ResolvedConfig:
    """The saved configuration NAME, or without one the active configuration.

    :param kind: what NAME stands for, in the error for a command line with both NAME and -c or -C.
    :raises ConfigError: nothing usable is selected. :raises click.UsageError: NAME is empty or not saved.
    """
    if name is None:
        return app.active.require()
    if app.selection.config is not None or app.selection.config_saved is not None:
        raise click.UsageError(f"Give the {kind} either as NAME or with -C, not both.")
    if not name:
        raise click.BadParameter("the name is empty.", param_hint="NAME")
    try:
        return config_resolver.resolve(Selection(config_saved=name), app.store.load(), {}).require()
    except ConfigNotFound:
        raise unknown(name, "NAME") from None


def unknown(name: str, label: str) -> click.BadParameter:
    """The error for a name that is not saved."""
    if "://" in name:
        return click.BadParameter(URL_IS_NO_NAME, param_hint=label)
    saved = config_rules.user_config_names(click.get_current_context().obj.store.load())
    hint = did_you_mean(name, saved) or "See: cld config -ls"
    return click.BadParameter(f"no saved configuration is named '{shown(name)}'. {hint}", param_hint=label)


def shown(name: Optional[str]) -> str:
    """A name as a part of one line, with its control characters escaped."""
    return one_line(name or "", None)


def quoted(name: str) -> str:
    """The name as an argument for a shell, with its control characters escaped."""
    import shlex

    return shlex.quote(shown(name))
